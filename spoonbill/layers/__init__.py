"""Layers: stores around a store. The inner store always comes first."""

from spoonbill.layers.any_key import AnyKey
from spoonbill.layers.cached import Cached
from spoonbill.layers.codec import Codec
from spoonbill.layers.frozen import Frozen
from spoonbill.layers.metadata_index import MetadataIndex
from spoonbill.layers.safetensors_codec import SafetensorsCodec
from spoonbill.layers.safetensors_export import SafetensorsExport
from spoonbill.layers.search import Search
from spoonbill.layers.strict_string import StrictString

__all__ = [
    "AnyKey",
    "Cached",
    "Codec",
    "Frozen",
    "MetadataIndex",
    "SafetensorsCodec",
    "SafetensorsExport",
    "Search",
    "StrictString",
]
