"""The contract and its layers: what a backend writes, and what a layer changes."""

from spoonbill.common.locks import engine_lock, new_lock
from spoonbill.common.traits import Guarantees, Limits
from spoonbill.store.base import RAISE, Store, absent, batches, shortened
from spoonbill.store.layer import KeyLayer, Layer, ValueLayer
from spoonbill.store.verbs import MISSING, PRIMITIVES, RESTS_ON, VERBS, Missing, Verb

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
    "absent",
    "batches",
    "engine_lock",
    "new_lock",
    "shortened",
]
