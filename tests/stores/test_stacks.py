"""Random stacks of layers keep the contract: any order that makes sense, over engines of several kinds."""

import hypothesis.strategies as st
from hypothesis import settings

from spoonbill import Cached, Codec, KeyLayer, Layer, Search, StrictString, ValueLayer
from spoonbill.backends import Filesystem, Lmdb, Memory
from spoonbill.testing import machine_for


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
OVER_BYTES = (Reversed, Prefixed, Layer, GetAlone, Search)
OVER_OBJECTS = (
    Boxed,
    Layer,
    GetAlone,
    lambda inner: Search(inner, dialect="glob"),
    lambda inner: Cached(inner, maxsize=2),
    lambda inner: Cached(inner, maxsize=50, policy="lfu", absences=True),
    lambda inner: Cached(inner, maxsize=1000, getsizeof=lambda value: 10, ttl=1000),
)
CODECS = (Codec, lambda inner: Codec(inner, strict=False), lambda inner: Codec(inner, "pickle"))


def stack(engine, below, codec, above):
    """Return what builds the stack in a directory."""

    def make(path):
        store = engine(path)
        for layer in (*below, codec, *above):
            store = layer(store)
        return store

    return make


def stacks(codecs, over):
    """Draw an engine, up to three layers below a codec, the codec, and up to three above it."""
    return st.builds(
        stack,
        st.sampled_from(ENGINES),
        st.lists(st.sampled_from(OVER_BYTES), max_size=3),
        st.sampled_from(codecs),
        st.lists(st.sampled_from(over), max_size=3),
    )


KEYS = st.text(st.sampled_from("aAb/.*[%^~!\x00 \u00e9"), max_size=4) | st.integers(-3, 3) | st.tuples(st.booleans())
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
WORDS = st.text(st.sampled_from("aAb/.*[%^~!\x00 \u00e9"), max_size=4)

TestRandomStacks = machine_for(stacks(CODECS, OVER_OBJECTS), KEYS, VALUES).TestCase
TestRandomStacksOfStrings = machine_for(stacks((StrictString,), OVER_OBJECTS[1:]), WORDS, WORDS).TestCase
TestRandomStacks.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
TestRandomStacksOfStrings.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)
