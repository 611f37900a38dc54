"""One sample of every layer, and what becomes of each pair of them: outer over inner, over LMDB."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from spoonbill.backends import Lmdb, Memory
from spoonbill.datastores import LmdbStore
from spoonbill.errors import StackError
from spoonbill.layers import (
    AnyKey,
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
    SafetensorsCodec,
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
from spoonbill.registry import LAYERS
from spoonbill.store import Store
from spoonbill.store.layering.below_codec import BelowCodec


@dataclass
class User:
    """What the sample of Typed holds."""

    name: str
    born: int


@dataclass(frozen=True)
class Sample:
    """A layer as the pairs have it.

    Attributes
    ----------
    make : callable
        Puts it around a store; a second store is there for layers that need one.
    values : str
        Which of `VALUES` a stack with it holds; the narrowest kind of two layers counts.
    keys : str
        Which of `KEYS`.
    """

    make: Callable[[Any, Any], Store[Any, Any]]
    values: str = "objects"
    keys: str = "any"


SAMPLES: dict[str, Sample] = {
    "any_key": Sample(lambda store, _: AnyKey(store)),
    "cached": Sample(lambda store, _: Cached(store, absences=True)),
    "chunked": Sample(lambda store, _: Chunked(store, 100)),
    "codec": Sample(lambda store, _: Codec(store)),
    "compressed": Sample(lambda store, _: Compressed(store, "gzip", min_size=1)),
    "defaulting": Sample(lambda store, _: Defaulting(store, list)),
    "encrypted": Sample(lambda store, _: Encrypted(store, b"k" * 32)),
    "expiring": Sample(lambda store, _: Expiring(store)),
    "fallback": Sample(Fallback),
    "frozen": Sample(lambda store, _: Frozen(store)),
    "hashed_keys": Sample(lambda store, _: HashedKeys(store, max_bytes=71)),
    "limited": Sample(lambda store, _: Limited(store, max_entries=1000)),
    "logged": Sample(lambda store, _: Logged(store)),
    "metadata_index": Sample(MetadataIndex),
    "metered": Sample(lambda store, _: Metered(store)),
    "mirrored": Sample(Mirrored),
    "prefixed": Sample(lambda store, _: Prefixed(store, "p:"), keys="str"),
    "retrying": Sample(lambda store, _: Retrying(store)),
    "routed": Sample(lambda store, other: Routed({"user:": other}, store)),
    "safetensors_codec": Sample(lambda store, _: SafetensorsCodec(store), values="tensors", keys="str"),
    "safetensors_export": Sample(lambda store, _: SafetensorsExport(store)),
    "search": Sample(lambda store, _: Search(store, dialect="glob")),
    "sharded": Sample(lambda store, other: Sharded({"one": store, "two": other})),
    "signed": Sample(lambda store, _: Signed(store, b"k" * 32)),
    "strict_string": Sample(lambda store, _: StrictString(store), values="text", keys="str"),
    "tagged": Sample(lambda store, _: Tagged(store)),
    "tiered": Sample(lambda store, other: Tiered(other, store)),
    "typed": Sample(lambda store, _: Typed(store, User), values="users"),
    "write_once": Sample(lambda store, _: WriteOnce(store)),
}

LONG = "long/" + "x" * 200
TEXTS = ("a", "user:1", "user:2", "", "\u00e9/ \u0000*", "!s", "~part-1", LONG)
KEYS: dict[str, tuple[Any, ...]] = {"str": TEXTS, "any": (*TEXTS, 7, None, (1, "x"), b"\xff", 2.5)}
OBJECTS = (1, None, "text", b"bytes", {"n": {"m": 1}, "born": 1815}, [1, (2, 3)], "x" * 500)
VALUES: dict[str, tuple[Any, ...]] = {
    "objects": OBJECTS,
    "text": ("", "1", "text", "x" * 500),
    "tensors": (np.arange(3.0), np.zeros((2, 2), "i4"), {"weight": np.ones(300), "bias": np.ones(1)}),
    "users": (User("Ada", 1815), User("Grace", 1906)),
    "bytes": (b"", b"bytes", bytes(500)),
}
CODECS = frozenset({"any_key", "codec", "safetensors_codec", "strict_string"})
CLASSES = {row.name: row.layer.partition(":")[2] for row in LAYERS}
ON_BYTES = sorted(SAMPLES.keys() - CODECS - {"typed"})
CLASSES = {row.name: row.layer.partition(":")[2] for row in LAYERS}
ON_BYTES = sorted(SAMPLES.keys() - CODECS - {"typed"})


class Pair(NamedTuple):
    """Two layers by name, the outer one first, and where they stand: over a named store, or on its bytes."""

    outer: str
    inner: str
    below: bool = False

    def pairs(self) -> dict[Any, Any]:
        """Return keys and values of every kind that the pair holds."""
        samples = (SAMPLES[self.outer], SAMPLES[self.inner])
        kinds = [sample.values for sample in samples if sample.values != "objects"]
        values = VALUES["bytes" if self.below else (*kinds, "objects")[0]]
        keys = KEYS["str" if self.below or any(sample.keys == "str" for sample in samples) else "any"]
        return {key: values[number % len(values)] for number, key in enumerate(keys)}

    def build(self, path: Any, others: tuple[Memory, Memory], *, without: str = "") -> Store[Any, Any]:
        """Return the stack over LMDB, each layer with a second store; `without` a layer where that is named."""
        engine: Any = Lmdb if self.below else LmdbStore
        store: Store[Any, Any] = engine(path, durability="process")
        for name, other in zip((self.inner, self.outer), others, strict=True):
            store = store if name == without else SAMPLES[name].make(store, other)
        return store


class Outcome(NamedTuple):
    """What becomes of a pair: how the outer layer stands, or the error that refuses it."""

    word: str
    error: str = ""


def outcome_of(pair: Pair, path: Any) -> Outcome:
    """Build a pair and say what became of it."""
    try:
        stack: Any = pair.build(path, (Memory(), Memory()))
    except StackError as error:
        return Outcome("refused", str(error))
    word = "below the codec" if isinstance(stack, BelowCodec) and stack._below_codec is not None else "works"
    stack.close()
    return Outcome(word)
