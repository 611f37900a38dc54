"""Random stacks of layers over a document store, driven beside a dict."""

import random
from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st

from spoonbill import Cached, Codec, KeyLayer, Layer, Search, Store, ValueLayer
from spoonbill.testing import machine_for


class Prefixed(KeyLayer):
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
    Prefixed,
    Boxed,
    Layer,
    lambda store: Search(store, dialect="glob"),
]


def stacked(store: Store[Any, Any], chooser: random.Random) -> Store[Any, Any]:
    """Return some layers over a store, with a codec at the bottom of every third stack."""
    if chooser.random() < 0.3:
        store = Codec(store)
    for _ in range(chooser.randint(1, 4)):
        store = chooser.choice(LAYERS)(store)
    return store


def machine(make: Callable[[], Store[Any, Any]]) -> Any:
    """Return a state machine in which each run has another stack."""
    chooser = random.Random(5)
    return machine_for(
        lambda _: stacked(make(), chooser),
        st.text(st.sampled_from("ab/.~$\u00e9"), max_size=3),
        st.none() | st.integers(-5, 5) | st.text(max_size=3) | st.lists(st.booleans(), max_size=2),
    )
