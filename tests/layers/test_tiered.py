"""A fast store before a slow one."""

import os
import pickle
import random
import threading
import time

import pytest

from spoonbill import Codec, Expiring, Metered, Tiered, prefix
from spoonbill.backends import Lmdb, Memory
from spoonbill.datastores import FilesystemStore, InMemoryStore, LmdbStore
from spoonbill.errors import StackError, StoreError, UnsupportedError
from spoonbill.testing import LayerContract, SpyStore
from tests.layers.kills import ROUNDS, killed


class TestThrough(LayerContract):
    def wrap(self, inner):
        return Tiered(Memory(), inner)


class TestBack(LayerContract):
    test_the_raw_store_is_reached = None  # by a flush

    def wrap(self, inner):
        return Tiered(Memory(), inner, write="back", max_dirty=3)

    def test_batches_stay_batches(self, store):
        """What waits goes down as batches; a read of many and a removal of many are one call."""
        recorder = self.spy(store)
        store._max_dirty = 100
        store.update(self.pairs)
        assert recorder.calls == []
        store.flush()
        assert recorder.calls == ["set_many"]
        assert store.get_many(self.keys) == list(self.values)
        assert store.delete_many(self.keys) == len(self.keys)
        assert recorder.calls == ["set_many", "get_many", "delete_many"]

    def test_failures_are_not_absence(self, store):
        """Nothing that waits is lost by a failure: it is written by the next flush."""
        recorder = self.spy(store)
        store[self.keys[0]] = self.values[0]
        recorder.broken = True
        for attempt in (store.flush, lambda: list(store), lambda: store.get(self.keys[1])):
            with pytest.raises(StoreError):
                attempt()
        recorder.broken = False
        store.flush()
        assert recorder.data == {self.keys[0]: self.values[0]}


@pytest.mark.parametrize("write", ["through", "back"])
def test_reads_come_from_the_fast_store(write):
    """A value is read once from the slow one; after a write nobody reads the old one."""
    slow = Metered(InMemoryStore({"a": 1, "b": 2}))
    store = Tiered(InMemoryStore(), slow, write=write)
    for _ in range(5):
        assert store["a"] == 1
        assert store.get_many(["b", "a", "none"]) == [2, 1, None]
    assert slow.stats()["get"].calls == 1
    assert slow.stats()["get_many"].calls >= 1
    for change in (
        lambda: store.set("a", 10),
        lambda: store.replace("a", 10, 11),
        lambda: store.increment("a"),
        lambda: store.update(a=13),
        lambda: store.discard("a", 13),
        lambda: store.add("a", 14),
        lambda: store.pop("a"),
        lambda: store.update(a=15),
        lambda: store.delete("a"),
        lambda: store.replace_all([("a", 16)]),
        lambda: store.clear(),
    ):
        change()
        seen = store.get("a"), store.get("a"), store.get_many(["a"])[0], "a" in store
        now = store.copy().get("a")
        assert seen == (now, now, now, now is not None)
    assert dict(store.fast.items()) == {}


def test_what_waits_is_bounded_and_copied():
    """No more than max_dirty entries wait, as they were when they were set; a fork leaves them to the parent."""
    slow = InMemoryStore()
    store = Tiered(InMemoryStore(), slow, write="back", max_dirty=10)
    value = [1]
    store["a"] = value
    value.append(2)
    assert store["a"] == [1]
    store["a"].append(3)
    for number in range(100):
        store[str(number)] = number
        assert len(slow) >= number - 10
    child = os.fork()
    if child == 0:
        store.flush()
        os._exit(len(store._dirty))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    store.flush()
    assert slow["a"] == [1]
    assert len(slow) == 101
    assert store.delete("a") is True
    assert store.delete("a") is False
    assert "a" not in store
    assert slow["a"] == [1]
    store.close()
    assert "a" not in slow


def test_between_threads_no_read_is_older_than_a_finished_write():
    """Writers of both kinds and readers at one key, whose value only grows."""
    for write in ("through", "back"):
        store = Tiered(InMemoryStore(), InMemoryStore(), write=write, max_dirty=2)
        store["n"] = 0
        wrong, ends = [], time.monotonic() + 0.5

        def count():
            while time.monotonic() < ends:
                store.increment("n")
                store[str(random.random())] = 1

        def read():
            last = 0
            while time.monotonic() < ends:
                now = store["n"]
                if now < last:
                    wrong.append((last, now))
                last = now

        threads = [threading.Thread(target=count) for _ in range(2)] + [threading.Thread(target=read) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []
        assert store["n"] > 10


def test_entries_that_expire():
    """The fast store keeps a value no longer than the slow one does; one that cannot expire keeps none that ends."""
    now = [0.0]
    slow = Expiring(InMemoryStore(), clock=lambda: now[0])
    for fast in (Expiring(InMemoryStore(), clock=lambda: now[0]), InMemoryStore()):
        now[0] = 0
        store = Tiered(fast, slow)
        store.set("a", 1, ttl=10)
        assert store["a"] == 1
        assert ("a" in fast) == ("ttl" in fast.features)
        assert store.ttl("a") == 10
        now[0] = 10
        assert "a" not in store
        assert store.get("a") is None


def test_both_are_flushed_closed_and_pickled(tmp_path):
    """A pickle of the whole opens both stores, with what waited written; repr names both."""
    store = Tiered(LmdbStore(tmp_path / "fast"), FilesystemStore(tmp_path / "slow"), write="back")
    store["a"] = {"n": 1}
    other = pickle.loads(pickle.dumps(store))
    assert other["a"] == {"n": 1}
    assert "LmdbStore" in repr(store)
    assert "FilesystemStore" in repr(store)
    assert list(store.keys(prefix("a"))) == ["a"]
    assert "asks the slow store" in str(store.explain(prefix("a")))
    assert [share.store for share in store.shares(2)] != []
    other.close()
    store.close()
    assert store.fast.closed
    assert store.slow.closed
    store.close()
    assert Codec(Tiered(Memory(), SpyStore())).get("a") is None
    for wrong in ({"write": "around"}, {"max_dirty": 0}):
        with pytest.raises(UnsupportedError):
            Tiered(Memory(), Memory(), **wrong)
    with pytest.raises(StackError, match="cannot be the fast"):
        Tiered(Tiered(Memory(), Memory(), write="back"), Memory())
    with pytest.raises(StackError, match="twice"):
        Tiered(store.fast, store.fast)


@pytest.mark.parametrize("write", ["through", "back"])
def test_a_writer_that_is_killed(tmp_path, write):
    """SIGKILL at random moments: through loses no finished write, back at most what it may; both stores agree."""
    bound = 20
    for seed in range(ROUNDS):
        paths = tmp_path / f"fast{seed}", tmp_path / f"slow{seed}"

        def stack():
            fast, slow = (Lmdb(path, durability="process") for path in paths)
            return Tiered(fast, slow, write=write, max_dirty=bound)

        def work(done):
            store = stack()
            for number in range(1, 1_000_000):
                store[str(number % 50)] = number.to_bytes(4, "big") * 50
                if number % 7 == 0:
                    store.get(str(number % 3))
                done(number)

        last = max(killed(work, seed))
        store = stack()
        found = {key: int.from_bytes(value[:4], "big") for key, value in store.slow.entries()}
        assert all(value == found[key].to_bytes(4, "big") * 50 for key, value in store.slow.entries())
        for key, value in store.fast.entries():
            assert value == store.slow[key]
        promised = last if write == "through" else last - bound - 1
        for number in range(max(1, promised - 49), promised + 1):
            assert found[str(number % 50)] >= number
        store.close()
