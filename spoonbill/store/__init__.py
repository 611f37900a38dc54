"""The contract and its layers: what a backend writes, and what a layer changes."""

from spoonbill.common.batching import batches
from spoonbill.common.locks import engine_lock, new_lock
from spoonbill.common.sentinels import MISSING, RAISE, Missing, absent
from spoonbill.common.text import shortened
from spoonbill.common.traits import Guarantees, Limits
from spoonbill.store.base import Verbs
from spoonbill.store.layering.bytes_layer import BytesLayer
from spoonbill.store.layering.key_layer import KeyLayer
from spoonbill.store.layering.layer import Layer
from spoonbill.store.layering.value_layer import ValueLayer
from spoonbill.store.mapping import Store
from spoonbill.store.verbs import PRIMITIVES, RESTS_ON, VERBS, Verb

__all__ = [
    "MISSING",
    "PRIMITIVES",
    "RAISE",
    "RESTS_ON",
    "VERBS",
    "BytesLayer",
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
