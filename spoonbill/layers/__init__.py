"""Layers: stores around a store. The inner store always comes first. Installed packages add theirs."""

from typing import TYPE_CHECKING, Any

from spoonbill.common.plugins import all_layers, find_class
from spoonbill.layers.any_key import AnyKey
from spoonbill.layers.cached import Cached
from spoonbill.layers.chunked.layer import Chunked
from spoonbill.layers.codec import Codec
from spoonbill.layers.compressed import Compressed
from spoonbill.layers.defaulting import Defaulting
from spoonbill.layers.encrypted import Encrypted
from spoonbill.layers.expiring import Expiring
from spoonbill.layers.fallback import Fallback
from spoonbill.layers.frozen import Frozen
from spoonbill.layers.hashed_keys import HashedKeys
from spoonbill.layers.limited.layer import Limited
from spoonbill.layers.logged import Logged
from spoonbill.layers.metadata_index.layer import MetadataIndex
from spoonbill.layers.metered import Metered
from spoonbill.layers.mirrored import Mirrored
from spoonbill.layers.prefixed import Prefixed
from spoonbill.layers.retrying import Retrying
from spoonbill.layers.routed import Routed
from spoonbill.layers.search import Search
from spoonbill.layers.sharded import Sharded
from spoonbill.layers.signed import Signed
from spoonbill.layers.strict_string import StrictString
from spoonbill.layers.tagged import Tagged
from spoonbill.layers.tensors.safetensors_codec import SafetensorsCodec
from spoonbill.layers.tensors.safetensors_export import SafetensorsExport
from spoonbill.layers.tiered import Tiered
from spoonbill.layers.typed.layer import Typed
from spoonbill.layers.write_once import WriteOnce

__all__ = [
    "AnyKey",
    "Cached",
    "Chunked",
    "Codec",
    "Compressed",
    "Defaulting",
    "Encrypted",
    "Expiring",
    "Fallback",
    "Frozen",
    "HashedKeys",
    "Limited",
    "Logged",
    "MetadataIndex",
    "Metered",
    "Mirrored",
    "Prefixed",
    "Retrying",
    "Routed",
    "SafetensorsCodec",
    "SafetensorsExport",
    "Search",
    "Sharded",
    "Signed",
    "StrictString",
    "Tagged",
    "Tiered",
    "Typed",
    "WriteOnce",
]

if not TYPE_CHECKING:  # so that a type checker finds a wrong name

    def __getattr__(name: str) -> Any:
        return find_class(__name__, name, {}, lambda: (row.layer for row in all_layers()))
