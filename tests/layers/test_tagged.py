"""Entries with tags."""

import threading

import pytest

from spoonbill import Cached, Codec, Expiring, Tagged, eq
from spoonbill.backends import Memory
from spoonbill.datastores import FilesystemStore, InMemoryStore, LmdbStore, RedisStore
from spoonbill.errors import CodecError
from spoonbill.testing import LayerContract
from tests.servers.redis_server import server, url


class TestTagged(LayerContract):
    values = (b"one", b"\xe8tag:", b"", b"\xe8tag:\0\0\0\0x", b"five" * 1000)

    def wrap(self, inner):
        return Tagged(inner)


def check(store, values):
    """Every kind of write with a tag, every read without one, and what evict removes."""
    one, two, three = values
    store.set("a", one, tag="x")
    store.set_many([("b", two), ("c", three)], tag="y")
    assert store.add("d", one, tag="x")
    assert store.add("d", two, tag="y") is False
    store["e"] = three
    assert store.copy() == {"a": one, "b": two, "c": three, "d": one, "e": three}
    assert [store.tag(key) for key in "abcde"] == ["x", "y", "y", "x", None]
    assert dict(store.items(eq(two))) == {"b": two}
    assert store.replace("a", one, two)
    assert (store["a"], store.tag("a")) == (two, "x")
    store["d"] = one
    assert store.tag("d") is None
    assert sorted(store.tagged("y")) == ["b", "c"]
    seen = []
    assert store.evict("y", progress=seen.append) == 2
    assert len(seen) == 5
    assert sorted(store) == ["a", "d", "e"]
    assert store.evict("y") == store.evict("none") == 0
    assert store.evict("x") == 1
    assert store.pop("d") == one
    with pytest.raises(KeyError):
        store.tag("a")


def test_over_every_kind_of_store(tmp_path):
    """Bytes, files, objects, and text of a real Redis; values that look like tagged ones among them."""
    sealed = {"spoonbill__tag": "x", "spoonbill__value": 1}
    check(Tagged(LmdbStore(tmp_path / "l")), ({"a": 1}, sealed, "\x00tag:1:x"))
    check(Tagged(FilesystemStore(tmp_path / "f", codec="json")), ([1], sealed, "text"))
    check(Tagged(Cached(InMemoryStore())), (None, sealed, b"\xe8tag:\0\0\0\1x"))
    with server() as process:
        check(Tagged(RedisStore(url(process))), ("one", "\x00tag:9:", ""))


def test_tags_and_ends_and_numbers():
    """A tag and a time to live go together; a number that is counted on keeps its tag."""
    now = [0.0]
    store = Tagged(Expiring(InMemoryStore(), clock=lambda: now[0]))
    store.set("a", 1, tag="x", ttl=10)
    assert store.increment("a") == 2
    assert (store.tag("a"), store.ttl("a")) == ("x", 10)
    now[0] = 10
    assert store.evict("x") == 0
    with pytest.raises(ValueError, match="at least one character"):
        store.set("a", 1, tag="")
    with pytest.raises(CodecError, match="'b'"):
        Tagged(Memory({"b": b"\xe8tag:\xff"}))["b"]
    assert Codec(Tagged(Memory())).get("a") is None


def test_what_is_written_meanwhile_is_not_evicted():
    """A value that lost its tag between the reading and the removal stays."""
    inner = InMemoryStore()
    store = Tagged(inner)
    store.set("a", 1, tag="x")
    store.set("b", 1, tag="x")

    def change(_):
        store["a"] = 2

    assert store.evict("x", progress=change) == 1
    assert store.copy() == {"a": 2}
    together = [threading.Thread(target=store.set, args=("c", number), kwargs={"tag": "x"}) for number in range(4)]
    for thread in together:
        thread.start()
    for thread in together:
        thread.join()
    assert store.evict("x") == 1
