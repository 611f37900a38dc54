"""Entries in several stores: what each failure means, and what makes them agree again."""

import logging
import pickle
import signal
import threading
from collections import Counter

import pytest

from spoonbill import Cached, Codec, Expiring, Fallback, HashedKeys, Mirrored, Tiered
from spoonbill.backends import Lmdb, Memory
from spoonbill.datastores import InMemoryStore, LmdbStore
from spoonbill.errors import StoreError, UnansweredError, UnsupportedError
from spoonbill.testing import LayerContract, SpyStore, StoreContract
from tests.layers.kills import ROUNDS, killed


class InMemory(LayerContract):
    def make(self, path):
        self.second = SpyStore()
        return self.wrap(SpyStore())

    @pytest.fixture(autouse=True)
    def and_the_copy_agrees(self, store, request):
        yield
        if not self.spy(store).broken and "cannot_be_decoded" not in request.node.name:  # which damages one of them
            assert self.second.data == self.spy(store).data

    def test_batches_stay_batches(self, store):
        """In each of the stores."""
        super().test_batches_stay_batches(store)
        assert self.second.calls == ["set_many", "delete_many"]

    def test_failures_are_not_absence(self, store):
        """Where every store fails, so does a call."""
        self.second.broken = True
        super().test_failures_are_not_absence(store)


class TestMirrored(InMemory):
    def wrap(self, inner):
        return Mirrored(inner, self.second)


class TestFallback(InMemory):
    def wrap(self, inner):
        return Fallback(inner, self.second)


class TestOfLmdb(StoreContract):
    def make(self, path):
        return Cached(Mirrored(Lmdb(path / "a"), Lmdb(path / "b"), Lmdb(path / "c")))


WRITES = {
    "set": lambda store: store.set("a", 2),
    "set_many": lambda store: store.update(a=2, new=3),
    "add": lambda store: store.add("new", 2),
    "replace": lambda store: store.replace("a", 1, 2),
    "discard": lambda store: store.discard("a", 1),
    "pop": lambda store: store.pop("a"),
    "delete": lambda store: store.delete("a"),
    "delete_many": lambda store: store.delete_many(["a"]),
    "increment": lambda store: store.increment("a"),
    "clear": lambda store: store.clear(),
    "replace_all": lambda store: store.replace_all([("b", 2)]),
}


class Switch(SpyStore):
    """Refuses writes while it is read only in effect."""

    refuses = None

    def _called(self, verb):
        super()._called(verb)
        if self.refuses is not None and verb in {"set", "delete", "set_many", "delete_many"}:
            raise self.refuses


def three():
    stores = [Switch() for _ in range(3)]
    for store in stores:
        store.data.update(a=1, z=26)
    return stores


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_mirror_that_misses_a_write(write):
    """The caller is told; the rest have it; reads never come from the one that is behind; repair makes all agree."""
    stores = three()
    store = Mirrored(*stores)
    stores[1].refuses = StoreError("the disk is full.")
    with pytest.raises(StoreError, match=r"(?s)is done in .*not taken by .*repair"):
        write(store)
    assert store.behind == [stores[1]] or store.behind[0] is stores[1]
    assert stores[2].data == stores[0].data
    assert stores[1].data == {"a": 1, "z": 26}
    stores[0].broken = True
    assert store.copy() == stores[2].data
    stores[0].broken = False
    stores[1].refuses = None
    assert store.repair() > 0
    assert store.behind == []
    assert stores[0].data == stores[1].data == stores[2].data
    assert store.repair() == 0


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_primary_that_fails_writes_nothing_anywhere(write):
    """The error is its own, and nobody is behind."""
    stores = three()
    stores[0].refuses = StoreError("the disk is full.")
    store = Mirrored(*stores)
    with pytest.raises(StoreError, match=r"^the disk is full\."):
        write(store)
    assert store.behind == []
    assert stores[1].data == stores[2].data == {"a": 1, "z": 26}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_fallback_goes_on(write, caplog):
    """The next one decides, the failure is logged, and repair brings the first one up to date."""
    stores = three()
    store = Fallback(*stores)
    stores[0].refuses = StoreError("no route to host.")
    with caplog.at_level(logging.WARNING, "spoonbill.repairs"):
        write(store)
    assert "no route to host" in caplog.text
    assert stores[1].data == stores[2].data != {"a": 1, "z": 26}
    assert store.copy() == stores[1].data
    assert store.add("more", 1)
    stores[0].refuses = None
    store.repair()
    assert stores[0].data == stores[1].data == stores[2].data
    stores[0].broken = stores[1].broken = True
    assert store["more"] == 1
    assert list(store.items())
    stores[2].broken = True
    for attempt in (lambda: write(store), lambda: store.get("a"), lambda: list(store)):
        with pytest.raises(StoreError):
            attempt()


def test_a_lost_answer():
    """A mirror reads on from the primary alone, which may have the write; a fallback from the others, which lack it."""
    for kind, read in ((Mirrored, 0), (Fallback, 1)):
        stores = three()
        store = kind(*stores)
        stores[0].refuses = UnansweredError("its answer was lost.")
        with pytest.raises(UnansweredError):
            store["a"] = 2
        stores[0].data["a"] = 2  # it was done
        stores[0].refuses = None
        assert store["a"] == stores[read].data["a"]
        store.repair()
        assert stores[0].data == stores[1].data == stores[2].data == {"a": stores[read].data["a"], "z": 26}


def test_an_absence_is_an_answer():
    """No other store is asked for a key that the first one does not have."""
    for kind in (Mirrored, Fallback):
        store = kind(InMemoryStore(), InMemoryStore({"a": 1}))
        assert store.get("a") is None
        assert "a" not in store
        assert store.get_many(["a"]) == [None]
        assert len(store) == 0


def test_a_copy_that_cannot_hold_a_value_is_behind():
    """Also where the refusal is no failure of its engine."""
    second = Codec(Memory(), "raw")
    store = Mirrored(InMemoryStore(), second)
    with pytest.raises(StoreError, match="not taken by"):
        store["a"] = object()
    assert store.behind[0] is second


def test_writers_in_threads_leave_equal_copies():
    """Four threads at three keys: at the end every store holds the same."""
    stores = [InMemoryStore() for _ in range(3)]
    store = Mirrored(*stores)

    def write(number):
        for round_ in range(200):
            store[str(round_ % 3)] = number, round_
            store.pop(str((round_ + number) % 3), None)
            store.add("3", number)
            store.update({"1": number, "2": round_})

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stores[0].mapping == stores[1].mapping == stores[2].mapping


def test_ends_are_kept():
    """A time to live goes to every store, also by repair."""
    now = [0.0]
    stores = [Expiring(InMemoryStore(), clock=lambda: now[0]) for _ in range(2)]
    store = Mirrored(*stores)
    store.set("a", 1, ttl=10)
    assert stores[1].ttl("a") == 10
    assert store.touch("a", 20)
    assert stores[1].ttl("a") == store.ttl("a") == 20
    stores[1].clear()
    assert store.repair() == 1
    assert stores[1].ttl("a") == 20


def test_all_are_named_closed_and_pickled(tmp_path):
    """repr, pickle, flush and close are of every store."""
    store = Fallback(LmdbStore(tmp_path / "a"), LmdbStore(tmp_path / "b"))
    store["a"] = 1
    assert repr(store).count("LmdbStore") == 2
    assert pickle.loads(pickle.dumps(store))["a"] == 1
    assert "first store that answers" in str(store.explain("a"))
    assert {key for share in store.shares(2) for key in share.keys()} == {"a"}
    store.flush()
    store.close()
    assert all(one.closed for one in store.stores)


def test_a_writer_that_is_killed(tmp_path):
    """SIGKILL at random moments: each store has every finished write, whole; repair makes them equal."""
    for seed in range(ROUNDS):
        paths = [tmp_path / f"{name}{seed}" for name in "ab"]

        def work(done):
            store = Mirrored(*(Lmdb(path, durability="process") for path in paths))
            for number in range(1, 1_000_000):
                store[str(number % 10)] = number.to_bytes(4, "big") * 50
                done(number)

        last = max(killed(work, seed))
        store = Mirrored(*(Lmdb(path, durability="process") for path in paths))
        for one in store.stores:
            found = {key: int.from_bytes(value[:4], "big") for key, value in one.entries()}
            assert all(value == found[key].to_bytes(4, "big") * 50 for key, value in one.entries())
            for number in range(max(1, last - 9), last + 1):
                assert found[str(number % 10)] in (number, number + 10)
        assert store.repair() <= 1
        assert dict(store.stores[0].entries()) == dict(store.stores[1].entries())
        store.close()


class JobTimeout(Exception):
    """What a job runner raises at its time limit."""


class Interrupted(Switch):
    """A store in whose writes a signal arrives."""

    reached = False

    def _called(self, verb):
        super()._called(verb)
        if self.reached and verb in {"set", "delete", "set_many", "delete_many"}:
            signal.raise_signal(signal.SIGUSR1)


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
@pytest.mark.parametrize("layer", [Mirrored, Fallback])
@pytest.mark.parametrize("at", [0, 1])
def test_a_time_limit_in_the_middle_of_a_write(write, layer, at):
    """It is what the caller sees, those that may lack the write are known, and repair makes all agree again."""

    def arrive(*_):
        raise JobTimeout

    stores = [Interrupted(), Interrupted(), Interrupted()]
    for one in stores:
        one.data.update(a=1, z=26)
    store = layer(*stores)
    stores[at].reached = True
    before = signal.signal(signal.SIGUSR1, arrive)
    try:
        with pytest.raises(JobTimeout):
            write(store)
    finally:
        signal.signal(signal.SIGUSR1, before)
    stores[at].reached = False
    assert store.behind
    assert not (at == 1 and stores[0] in store.behind)
    store.repair()
    assert store.behind == []
    assert stores[0].data == stores[1].data == stores[2].data == store.copy()


@pytest.mark.parametrize("kind", [Mirrored, Fallback])
@pytest.mark.parametrize(
    "write",
    [
        lambda store: store.set("a", 2, ttl=60),
        lambda store: store.set_many([("a", 2)], ttl=60),
        lambda store: store.add("b", 2, ttl=60),
        lambda store: store.replace("a", 1, 2, ttl=60),
        lambda store: store.increment("a", ttl=60),
        lambda store: store.touch("a", 60),
    ],
)
def test_a_ttl_that_one_store_cannot_keep_is_refused_before_any_has_it(kind, write):
    """No store is written and none is behind."""
    stores = Expiring(InMemoryStore()), InMemoryStore()
    store = kind(*stores)
    store["a"] = 1
    with pytest.raises(UnsupportedError, match="cannot expire"):
        write(store)
    assert [one.copy() for one in stores] == [{"a": 1}, {"a": 1}]
    assert store.behind == []


@pytest.mark.parametrize("kind", [Mirrored, Fallback, lambda store, other: Tiered(other, store)])
def test_shares_are_those_of_the_store_that_makes_them(kind):
    """Keys that have other names below are in exactly one share."""
    hashed = HashedKeys(Memory(), max_bytes=71)
    store = kind(hashed, Memory())
    pairs = {f"{number}/" + "x" * 100: b"v" for number in range(50)}
    store.update(pairs)
    assert Counter(key for share in store.shares(4) for key in share.keys()) == Counter(list(pairs))
