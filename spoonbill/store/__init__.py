"""The contract and its layers: what a backend writes, and what a layer changes."""

from spoonbill.common.batching import batches
from spoonbill.common.locks import engine_lock, new_lock
from spoonbill.common.sentinels import MISSING, RAISE, Missing, absent
from spoonbill.common.text import shortened
from spoonbill.common.traits import Guarantees, Limits
from spoonbill.store.base import Verbs
from spoonbill.store.layer import KeyLayer, Layer, ValueLayer
from spoonbill.store.mapping import Store
from spoonbill.store.verbs import PRIMITIVES, RESTS_ON, VERBS, Verb

__all__ = [
    "MISSING",
    "PRIMITIVES",
    "RAISE",
    "RESTS_ON",
    "VERBS",
    "Guarantees",
    "KeyLayer",
    "Layer",
    "Limits",
    "Missing",
    "Store",
    "ValueLayer",
    "Verb",
    "Verbs",
    "absent",
    "batches",
    "engine_lock",
    "new_lock",
    "shortened",
]
