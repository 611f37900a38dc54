"""Random stacks of layers, in any order that makes sense, over engines of several kinds."""

from contextlib import suppress

import hypothesis.strategies as st

from spoonbill import (
    Cached,
    Chunked,
    Codec,
    Compressed,
    Encrypted,
    Expiring,
    Fallback,
    HashedKeys,
    KeyLayer,
    Layer,
    Limited,
    Metered,
    Mirrored,
    Retrying,
    Routed,
    Search,
    Sharded,
    Signed,
    Tagged,
    Tiered,
    ValueLayer,
)
from spoonbill.backends import Filesystem, Lmdb, Memory
from spoonbill.errors import StackError


class Reversed(ValueLayer):
    """Turns stored bytes around."""

    def encode(self, value, key):
        return value[::-1]

    def decode(self, data, key):
        return data[::-1]


class Prefixed(KeyLayer):
    """Puts every key in a room of its own."""

    def down(self, key):
        return f"p:{key}"

    def up(self, key):
        return key[2:]


class Boxed(ValueLayer):
    """Puts every value into a list."""

    def encode(self, value, key):
        return [value]

    def decode(self, data, key):
        return data[0]


class GetAlone(Layer):
    """Defines one verb, so that all that rests on it is derived."""

    def get(self, key, default=None):
        return self.inner.get(key, default)


ENGINES = (
    lambda path: Memory(),
    lambda path: Lmdb(path / "lmdb", durability="process"),
    lambda path: Filesystem(path / "files"),
    lambda path: Filesystem(f"memory://{path.name}"),
)
OVER_ANYTHING = (
    Layer,
    GetAlone,
    Tagged,
    Metered,
    Retrying,
    lambda inner: Limited(inner, max_value=1_000_000),
    lambda inner: Limited(inner, max_entries=1000, policy="lru"),
    lambda inner: Tiered(Memory(), inner),
    lambda inner: Tiered(Memory(), inner, write="back", max_dirty=2),
    lambda inner: Mirrored(inner, Memory()),
    lambda inner: Fallback(Memory(), inner),
    lambda inner: Sharded({"one": Memory(), "two": inner}),
    lambda inner: Routed({"a": Memory()}, inner),
)
OVER_BYTES = (
    *OVER_ANYTHING,
    Expiring,
    Reversed,
    Prefixed,
    Search,
    lambda inner: HashedKeys(inner, max_bytes=71),
    lambda inner: Chunked(inner, 3),
    lambda inner: Compressed(inner, "gzip", min_size=1),
    lambda inner: Encrypted(inner, b"k" * 32),
    lambda inner: Signed(inner, b"k" * 32),
)
OVER_OBJECTS = (
    *OVER_ANYTHING,
    Boxed,
    lambda inner: Search(inner, dialect="glob"),
    lambda inner: Cached(inner, maxsize=2),
    lambda inner: Cached(inner, maxsize=50, policy="lfu", absences=True),
    lambda inner: Cached(inner, maxsize=1000, getsizeof=lambda value: 10, ttl=1000),
)
CODECS = (Codec, lambda inner: Codec(inner, strict=False), lambda inner: Codec(inner, "pickle"))


def tried(layer, store):
    """Return the layer over a store, or the store where that order makes no sense; tests/contract/test_orders knows."""
    with suppress(StackError):
        return layer(store)
    return store


def stack(engine, below, codec, above):
    """Return what builds the stack in a directory."""

    def make(path):
        store = engine(path)
        for layer in below:
            store = tried(layer, store)
        store = codec(store)
        for layer in above:
            store = tried(layer, store)
        return store

    return make


def stacks(codecs, over, engines=ENGINES):
    """Draw an engine, up to three layers below a codec, the codec, and up to three above it."""
    return st.builds(
        stack,
        st.sampled_from(engines),
        st.lists(st.sampled_from(OVER_BYTES), max_size=3),
        st.sampled_from(codecs),
        st.lists(st.sampled_from(over), max_size=3),
    )
