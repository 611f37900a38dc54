"""Layers: stores around a store. The inner store always comes first. Installed packages add theirs."""

from typing import TYPE_CHECKING, Any

from spoonbill.common.plugins import all_layers, find_class
from spoonbill.registry import LAYERS, homes

if TYPE_CHECKING:
    from spoonbill.layers.any_key import AnyKey as AnyKey
    from spoonbill.layers.cached import Cached as Cached
    from spoonbill.layers.chunked.layer import Chunked as Chunked
    from spoonbill.layers.codec import Codec as Codec
    from spoonbill.layers.compressed import Compressed as Compressed
    from spoonbill.layers.defaulting import Defaulting as Defaulting
    from spoonbill.layers.encrypted import Encrypted as Encrypted
    from spoonbill.layers.expiring import Expiring as Expiring
    from spoonbill.layers.fallback import Fallback as Fallback
    from spoonbill.layers.frozen import Frozen as Frozen
    from spoonbill.layers.hashed_keys import HashedKeys as HashedKeys
    from spoonbill.layers.limited.layer import Limited as Limited
    from spoonbill.layers.logged import Logged as Logged
    from spoonbill.layers.metadata_index.layer import MetadataIndex as MetadataIndex
    from spoonbill.layers.metered import Metered as Metered
    from spoonbill.layers.mirrored import Mirrored as Mirrored
    from spoonbill.layers.prefixed import Prefixed as Prefixed
    from spoonbill.layers.retrying import Retrying as Retrying
    from spoonbill.layers.routed import Routed as Routed
    from spoonbill.layers.search import Search as Search
    from spoonbill.layers.sharded import Sharded as Sharded
    from spoonbill.layers.signed import Signed as Signed
    from spoonbill.layers.strict_string import StrictString as StrictString
    from spoonbill.layers.tagged import Tagged as Tagged
    from spoonbill.layers.tensors.safetensors_codec import SafetensorsCodec as SafetensorsCodec
    from spoonbill.layers.tensors.safetensors_export import SafetensorsExport as SafetensorsExport
    from spoonbill.layers.tiered import Tiered as Tiered
    from spoonbill.layers.typed.layer import Typed as Typed
    from spoonbill.layers.write_once import WriteOnce as WriteOnce

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

_HOMES = homes(row.layer for row in LAYERS)

if not TYPE_CHECKING:  # so that a type checker finds a wrong name

    def __getattr__(name: str) -> Any:
        return find_class(__name__, name, _HOMES, lambda: (row.layer for row in all_layers()))
