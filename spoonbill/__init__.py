"""Every key-value store as a Python mapping.

``from spoonbill.datastores import LmdbStore`` opens a prebuilt stack; ``from spoonbill import Codec, Cached`` stacks
layers of your own over ``spoonbill.backends``; ``from spoonbill import glob, gt`` are the words of a search.
"""

from spoonbill.codecs import register_enum
from spoonbill.common.sentinels import MISSING
from spoonbill.layers import (
    Cached,
    Chunked,
    Codec,
    Compressed,
    Defaulting,
    Encrypted,
    Expiring,
    Fallback,
    Frozen,
    HashedKeys,
    Limited,
    Logged,
    MetadataIndex,
    Metered,
    Mirrored,
    Prefixed,
    Retrying,
    Routed,
    SafetensorsExport,
    Search,
    Sharded,
    Signed,
    StrictString,
    Tagged,
    Tiered,
    Typed,
    WriteOnce,
)
from spoonbill.query import eq, exists, field, ge, glob, gt, isin, le, like, lt, ne, prefix, regex
from spoonbill.store import BytesLayer, KeyLayer, Layer, Store, ValueLayer
from spoonbill.tools import lock, memoize
from spoonbill.transfer import copy, diff, sync
from spoonbill.urls import build
from spoonbill.urls import open_store as open  # noqa: A004 - spoonbill.open, as one says it

__version__ = "0.1.0"

__all__ = [
    "MISSING",
    "BytesLayer",
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
    "KeyLayer",
    "Layer",
    "Limited",
    "Logged",
    "MetadataIndex",
    "Metered",
    "Mirrored",
    "Prefixed",
    "Retrying",
    "Routed",
    "SafetensorsExport",
    "Search",
    "Sharded",
    "Signed",
    "Store",
    "StrictString",
    "Tagged",
    "Tiered",
    "Typed",
    "ValueLayer",
    "WriteOnce",
    "build",
    "copy",
    "diff",
    "eq",
    "exists",
    "field",
    "ge",
    "glob",
    "gt",
    "isin",
    "le",
    "like",
    "lock",
    "lt",
    "memoize",
    "ne",
    "open",
    "prefix",
    "regex",
    "register_enum",
    "sync",
]
