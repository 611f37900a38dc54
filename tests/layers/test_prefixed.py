"""Namespaces in one store."""

import sys

import pytest

from spoonbill import Codec, Prefixed, glob, like, prefix, regex
from spoonbill.backends import Lmdb, Memory
from spoonbill.datastores import InMemoryStore, LmdbStore
from spoonbill.errors import InvalidKeyError, KeyTooLongError
from spoonbill.testing import LayerContract, SpyStore


class TestPrefixed(LayerContract):
    def wrap(self, inner):
        return Prefixed(inner, "some/")


class TestNested(LayerContract):
    def wrap(self, inner):
        return Prefixed(Prefixed(inner, "a*"), "[b]?\\")


def test_a_get_is_one_frame():
    """The namespace costs one call of Python above the store's own."""
    inner = Memory({"p:a": 1})
    store = Prefixed(inner, "p:")
    calls = []
    sys.setprofile(lambda frame, event, _: calls.append(frame.f_code.co_name) if event == "call" else None)
    store.get("a")
    sys.setprofile(None)
    assert calls == ["get_prefixed", "get"]


@pytest.mark.parametrize(
    "pattern", [glob("*"), glob("a[0-9]"), like("a_"), prefix("a"), regex("a.$"), "a.*", regex("")]
)
def test_neighbours_are_never_found(pattern):
    """Whatever the pattern, a namespace whose name looks like a pattern finds its own keys alone."""
    names = ["a1", "a2", "b", "*"]
    everything = InMemoryStore()
    alone = InMemoryStore(dict.fromkeys(names, 1))
    for space in ("*", "a*", "%", "_", "a", "[a]", "\\"):
        Prefixed(everything, space).update(dict.fromkeys(names, 1))
    for space in ("%", "[a]", "\\", "_"):
        store = Prefixed(everything, space)
        assert sorted(store.keys(pattern)) == sorted(alone.keys(pattern))
        assert len(store) == len(names)


def test_the_prefix_goes_down(tmp_path):
    """The engine is asked for the namespace's range alone, and a limit with it where the pattern is exact."""
    engine = Lmdb(tmp_path / "d")
    store = Codec(Prefixed(engine, "user:"))
    engine.update({f"order:{number}": b"" for number in range(100)})
    store.update({f"{number}": number for number in range(5)})
    assert "user:1" in str(store.explain(prefix("1")))
    assert dict(store.items()) == {str(number): number for number in range(5)}
    store.clear()
    assert len(engine) == 100


def test_keys_are_text_and_as_long_as_the_engine_allows(tmp_path):
    """Other kinds are refused when written; the limit of the engine counts the prefix."""
    store = Prefixed(LmdbStore(tmp_path / "d"), "p:")
    with pytest.raises(InvalidKeyError, match="str keys"):
        store[1] = 1
    assert store.get(1) is None
    assert store.limits.key_bytes == 509
    with pytest.raises(KeyTooLongError):
        store["x" * 510] = 1
    with pytest.raises(InvalidKeyError, match="at least one character"):
        Prefixed(SpyStore(), "")
