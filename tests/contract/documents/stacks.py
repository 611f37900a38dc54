"""Random stacks of layers over a document store, driven beside a dict."""

import random
from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st

from spoonbill import (
    Cached,
    Chunked,
    Codec,
    Compressed,
    Encrypted,
    Expiring,
    Fallback,
    KeyLayer,
    Layer,
    Limited,
    Logged,
    Metered,
    Mirrored,
    Prefixed,
    Retrying,
    Routed,
    Search,
    Sharded,
    Signed,
    Store,
    Tagged,
    Tiered,
    ValueLayer,
)
from spoonbill.datastores import InMemoryStore
from spoonbill.errors import StackError
from spoonbill.testing import machine_for


class OwnPrefix(KeyLayer):
    """A stranger's key layer."""

    def down(self, key):
        return f"p:{key}"

    def up(self, key):
        return key[2:]


class Boxed(ValueLayer):
    """A stranger's value layer, whose form is a document."""

    def encode(self, value, key):
        return {"boxed": value, "_id": key}

    def decode(self, data, key):
        return data["boxed"]


LAYERS: list[Callable[[Store[Any, Any]], Store[Any, Any]]] = [
    Cached,
    lambda store: Cached(store, maxsize=2, absences=True, copy=True),
    OwnPrefix,
    Boxed,
    Layer,
    lambda store: Search(store, dialect="glob"),
    Tagged,
    Metered,
    Logged,
    Retrying,
    Expiring,
    lambda store: Expiring(store, 1000),
    lambda store: Prefixed(store, "p:"),
    lambda store: Limited(store, max_entries=1000, policy="lru"),
    lambda store: Tiered(InMemoryStore(), store),
    lambda store: Tiered(InMemoryStore(), store, write="back", max_dirty=2),
    lambda store: Mirrored(store, InMemoryStore()),
    lambda store: Fallback(store, InMemoryStore()),
    lambda store: Routed({"a": InMemoryStore()}, store),
    lambda store: Sharded({"one": InMemoryStore(), "two": store}),
]
BELOW_A_CODEC: list[Callable[[Store[Any, Any]], Store[Any, Any]]] = [
    Compressed,
    lambda store: Encrypted(store, bytes(32)),
    lambda store: Signed(store, bytes(32)),
    lambda store: Chunked(store, 70),
]


def stacked(store: Store[Any, Any], chooser: random.Random) -> Store[Any, Any]:
    """Return up to six layers over a store, with layers of bytes and a codec at the bottom of every third stack."""
    most = 6
    if chooser.random() < 0.3:
        below = chooser.sample(BELOW_A_CODEC, chooser.randint(0, 2))
        for layer in below:
            store = layer(store)
        store = Codec(store)
        most -= len(below) + 1
    for _ in range(chooser.randint(1, most)):
        store = _layered(store, chooser)
    return store


def _layered(store: Store[Any, Any], chooser: random.Random) -> Store[Any, Any]:
    """Return one more layer over a store; the choice is made again where the stack refuses it."""
    while True:
        try:
            return chooser.choice(LAYERS)(store)
        except StackError:
            continue


def machine(make: Callable[[], Store[Any, Any]]) -> Any:
    """Return a state machine in which each run has another stack."""
    chooser = random.Random(5)
    return machine_for(
        lambda _: stacked(make(), chooser),
        st.text(st.sampled_from("ab/.~$\u00e9"), max_size=3),
        st.none() | st.integers(-5, 5) | st.text(max_size=3) | st.lists(st.booleans(), max_size=2),
    )
