"""Entries in one of several stores: by what their keys look like, or spread."""

import os
import pickle
import random
import signal

import pytest

from spoonbill import Cached, Codec, Expiring, Frozen, Routed, Sharded, WriteOnce, eq, glob, prefix, regex
from spoonbill.backends import Lmdb, Memory
from spoonbill.datastores import InMemoryStore, LmdbStore
from spoonbill.errors import InvalidKeyError, ReadOnlyError, StackError, StoreError
from spoonbill.store import VERBS
from spoonbill.testing import SpyStore, StoreContract


class TestRouted(StoreContract):
    def make(self, path):
        return Routed({"a": Lmdb(path / "a"), regex(r"\.+$"): Lmdb(path / "dots")}, Lmdb(path / "rest"))

    test_pickles = StoreContract.test_pickles


class TestSharded(StoreContract):
    def make(self, path):
        return Sharded({name: Lmdb(path / name) for name in ("one", "two", "three")})


class TestShardedObjects(StoreContract):
    keys = ("a", "a/b", "", "!i1", "\u00e9")
    values = (1, "two", [3], {"f": 4}, 5.5)

    def make(self, path):
        return Cached(Sharded([LmdbStore(path / str(number)) for number in range(4)]))


def test_keys_go_their_ways():
    """The first route wins, equal keys have one, a key without a route is refused when written and absent when read."""
    stores = {name: InMemoryStore() for name in ("user", "admin", "number")}
    store = Routed({"user:admin": stores["admin"], "user:": stores["user"], regex("-?[0-9]+$"): stores["number"]})
    store.update({"user:admin1": 1, "user:1": 2, 7: 3, True: 4})
    assert store[7.0] == 3
    assert store[1] == 4
    assert [sorted(map(str, one)) for one in stores.values()] == [["user:1"], ["user:admin1"], ["7", "True"]]
    with pytest.raises(InvalidKeyError, match="no route"):
        store["other"] = 1
    assert store.get("other") is None
    assert store.get_many(["other", "user:1"]) == [None, 2]
    stores["admin"]["user:2"] = "foreign"
    assert len(store) == 4
    assert "user:2" not in store
    store.clear()
    assert stores["admin"].mapping == {"user:2": "foreign"}


def test_a_search_asks_the_stores_that_can_match():
    """The others are not touched; a limit counts matches over all."""
    stores = [SpyStore() for _ in range(3)]
    store = Routed({"a": stores[0], "b": stores[1]}, stores[2])
    store.update({f"{letter}{number}": number for letter in "abc" for number in range(10)})
    for one in stores:
        one.calls.clear()
    assert sorted(store.keys(prefix("a"))) == [f"a{number}" for number in range(10)]
    assert stores[1].calls == []
    assert "2 of 3 stores" in str(store.explain(prefix("a")))
    assert len(list(store.keys(glob("*1"), limit=2))) == 2
    assert dict(store.items(eq(3))) == {"a3": 3, "b3": 3, "c3": 3}
    assert {key for share in store.shares(2) for key in share.keys()} == set(store)
    assert len(store.shares(2)) == 2


@pytest.mark.parametrize("build", [lambda a, b: Routed({"a": a}, b), lambda a, b: Sharded([a, b])])
def test_batches_stay_batches(build):
    """One call of each store, whatever the number of keys."""
    stores = SpyStore(), SpyStore()
    store = build(*stores)
    pairs = {letter + str(number): number for letter in "ab" for number in range(50)}
    store.update(pairs)
    assert store.get_many(pairs) == list(pairs.values())
    assert store.delete_many([*pairs, *pairs]) == 100
    for one in stores:
        assert one.calls == ["set_many", "get_many", "delete_many"]
    stores[1].broken = True
    with pytest.raises(StoreError):
        store.get_many(pairs)
    assert not any(store.native(verb) for verb in VERBS if not stores[0].native(verb))


def test_what_is_made_of_several_names_them_all(tmp_path):
    """repr, pickle, limits, flush and close: of every store; the same one twice and a stranger are refused."""
    store = Sharded({"x": LmdbStore(tmp_path / "x"), "y": LmdbStore(tmp_path / "y")})
    store["a"] = 1
    assert repr(store).count("LmdbStore") == 2
    other = pickle.loads(pickle.dumps(store))
    assert other["a"] == 1
    assert store.limits.key_bytes == 511
    store.close()
    assert all(one.closed for one in store.stores)
    assert Codec(Sharded([Memory(), Memory()])).get(1) is None
    same = InMemoryStore()
    for wrong in ([same, same], [{}], []):
        with pytest.raises(StackError):
            Sharded(wrong)


def test_one_key_in_n_moves():
    """A store more takes its share from each of the others, and nothing moves between those."""
    keys = [str(number) for number in range(3000)]
    three = Sharded({name: Memory() for name in "abc"})
    four = Sharded({name: Memory() for name in "dacb"})
    names = list(four.by_name)
    moved = [key for key in keys if "abc"[three.home(key)] != names[four.home(key)]]
    assert all(names[four.home(key)] == "d" for key in moved)
    assert 600 < len(moved) < 900


def test_reshard_brings_every_entry_home():
    """Stores come and go; each entry is once where it belongs, with its time to live; a second call moves nothing."""
    now = [0.0]
    stores = {name: Expiring(InMemoryStore(), clock=lambda: now[0]) for name in "abcd"}
    store = Sharded({name: stores[name] for name in "abc"})
    pairs = {str(number): number for number in range(1000)}
    store.update(pairs)
    store.set("5", 5, ttl=100)
    seen = []
    store = store.reshard({name: stores[name] for name in "bcd"}, progress=seen.append)
    assert store.copy() == pairs
    assert len(stores["a"]) == 0
    assert sum(map(len, stores.values())) == 1000
    assert store.ttl("5") == 100
    assert seen[-1] >= 1000
    again = store.reshard(store.by_name)
    assert again.copy() == pairs


def test_a_reshard_that_is_killed_goes_on(tmp_path):
    """SIGKILL in the middle of it, several times: the next call finishes, and nothing is lost or doubled."""
    pairs = {str(number): number.to_bytes(4, "big") for number in range(3000)}
    with Sharded({name: Lmdb(tmp_path / name, durability="process") for name in "ab"}) as store:
        store.update(pairs)
    for stop in (1, 2, 5):
        child = os.fork()
        if child == 0:
            made = Sharded({name: Lmdb(tmp_path / name, durability="process") for name in "abc"})
            moved = []

            def killing(number):
                moved.append(number)
                if len(moved) == stop * 500 + random.randrange(400):
                    os.kill(os.getpid(), signal.SIGKILL)

            made.reshard(made.by_name, progress=killing)
            os._exit(0)
        os.waitpid(child, 0)
    with Sharded({name: Lmdb(tmp_path / name, durability="process") for name in "abc"}) as store:
        store = store.reshard(store.by_name)
        assert store.copy() == pairs
        assert sum(len(one) for one in store.stores) == 3000
        assert all(store.stores)


@pytest.mark.parametrize("keeps", [Frozen, WriteOnce])
@pytest.mark.parametrize("write", [lambda store: store.clear(), lambda store: store.replace_all([("b", 2)])])
def test_a_store_that_keeps_what_it_has_is_asked_first(keeps, write):
    """Where one store refuses to be cleared no other one has lost anything, and writes to those go on."""
    stores = InMemoryStore({"b": 1}), InMemoryStore({"a:1": 1})
    store = Routed({"a:": Cached(keeps(stores[1]))}, stores[0])
    with pytest.raises(ReadOnlyError):
        write(store)
    assert store.copy() == {"a:1": 1, "b": 1}
    store["b"] = 2
    assert store.setdefault("b", 3) == 2
    assert not store.read_only
    assert not store.native("replace_all")
    assert Routed({"a:": Frozen(stores[1])}, Frozen(stores[0])).read_only
