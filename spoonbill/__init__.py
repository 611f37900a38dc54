"""Every key-value store as a Python mapping.

``from spoonbill.datastores import LmdbStore`` opens a prebuilt stack; ``from spoonbill import Codec, Cached`` stacks
layers of your own over ``spoonbill.backends``; ``from spoonbill import glob, gt`` are the words of a search.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spoonbill.aio import AsyncStore as AsyncStore
    from spoonbill.aio import aopen as aopen
    from spoonbill.codecs import register_enum as register_enum
    from spoonbill.common.sentinels import MISSING as MISSING
    from spoonbill.layers import Cached as Cached
    from spoonbill.layers import Chunked as Chunked
    from spoonbill.layers import Codec as Codec
    from spoonbill.layers import Compressed as Compressed
    from spoonbill.layers import Defaulting as Defaulting
    from spoonbill.layers import Encrypted as Encrypted
    from spoonbill.layers import Expiring as Expiring
    from spoonbill.layers import Fallback as Fallback
    from spoonbill.layers import Frozen as Frozen
    from spoonbill.layers import HashedKeys as HashedKeys
    from spoonbill.layers import Limited as Limited
    from spoonbill.layers import Logged as Logged
    from spoonbill.layers import MetadataIndex as MetadataIndex
    from spoonbill.layers import Metered as Metered
    from spoonbill.layers import Mirrored as Mirrored
    from spoonbill.layers import Prefixed as Prefixed
    from spoonbill.layers import Retrying as Retrying
    from spoonbill.layers import Routed as Routed
    from spoonbill.layers import SafetensorsExport as SafetensorsExport
    from spoonbill.layers import Search as Search
    from spoonbill.layers import Sharded as Sharded
    from spoonbill.layers import Signed as Signed
    from spoonbill.layers import StrictString as StrictString
    from spoonbill.layers import Tagged as Tagged
    from spoonbill.layers import Tiered as Tiered
    from spoonbill.layers import Typed as Typed
    from spoonbill.layers import WriteOnce as WriteOnce
    from spoonbill.query import eq as eq
    from spoonbill.query import exists as exists
    from spoonbill.query import field as field
    from spoonbill.query import ge as ge
    from spoonbill.query import glob as glob
    from spoonbill.query import gt as gt
    from spoonbill.query import isin as isin
    from spoonbill.query import le as le
    from spoonbill.query import like as like
    from spoonbill.query import lt as lt
    from spoonbill.query import ne as ne
    from spoonbill.query import prefix as prefix
    from spoonbill.query import regex as regex
    from spoonbill.store import BytesLayer as BytesLayer
    from spoonbill.store import KeyLayer as KeyLayer
    from spoonbill.store import Layer as Layer
    from spoonbill.store import Store as Store
    from spoonbill.store import ValueLayer as ValueLayer
    from spoonbill.tools import lock as lock
    from spoonbill.tools import memoize as memoize
    from spoonbill.transfer import copy as copy
    from spoonbill.transfer import diff as diff
    from spoonbill.transfer import sync as sync
    from spoonbill.urls import build as build
    from spoonbill.urls import open_store as open  # noqa: A004 - spoonbill.open, as one says it

__version__ = "0.1.0"

__all__ = [
    "MISSING",
    "AsyncStore",
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
    "aopen",
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

_HOMES = {
    **dict.fromkeys(("AsyncStore", "aopen"), "spoonbill.aio"),
    **dict.fromkeys(("register_enum",), "spoonbill.codecs"),
    **dict.fromkeys(("MISSING",), "spoonbill.common.sentinels"),
    **dict.fromkeys(
        (
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
            "SafetensorsExport",
            "Search",
            "Sharded",
            "Signed",
            "StrictString",
            "Tagged",
            "Tiered",
            "Typed",
            "WriteOnce",
        ),
        "spoonbill.layers",
    ),
    **dict.fromkeys(
        ("eq", "exists", "field", "ge", "glob", "gt", "isin", "le", "like", "lt", "ne", "prefix", "regex"),
        "spoonbill.query",
    ),
    **dict.fromkeys(("BytesLayer", "KeyLayer", "Layer", "Store", "ValueLayer"), "spoonbill.store"),
    **dict.fromkeys(("lock", "memoize"), "spoonbill.tools"),
    **dict.fromkeys(("copy", "diff", "sync"), "spoonbill.transfer"),
    **dict.fromkeys(("build",), "spoonbill.urls"),
}
"""Where each name lives: it is imported when it is first used, so that a program pays for what it uses."""

if not TYPE_CHECKING:  # so that a type checker finds a wrong name

    def __getattr__(name: str) -> Any:
        if name == "open":
            found = import_module("spoonbill.urls").open_store
        elif name in _HOMES:
            found = getattr(import_module(_HOMES[name]), name)
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = found
        return found

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
