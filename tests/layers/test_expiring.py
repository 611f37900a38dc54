"""A time to live over any store."""

import math
import time

import pytest

from spoonbill import Cached, Codec, Expiring, Prefixed
from spoonbill.backends import Memory
from spoonbill.datastores import InMemoryStore, LmdbStore
from spoonbill.errors import CodecError
from spoonbill.testing import LayerContract
from tests.helpers.native_ttl import NativeTtl
from tests.layers.kills import ROUNDS, killed


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


class TestExpiring(LayerContract):
    batches = False  # a removal looks first, to count what had expired

    def wrap(self, inner):
        return Expiring(inner)


class TestWithADefault(LayerContract):
    batches = False

    def wrap(self, inner):
        return Expiring(inner, 1000)


BUILDS = [
    lambda path, clock: Expiring(InMemoryStore(), clock=clock),
    lambda path, clock: Expiring(LmdbStore(path), clock=clock),
    lambda path, clock: Codec(Expiring(Memory(), clock=clock), "json"),
    lambda path, clock: Prefixed(Expiring(LmdbStore(path), clock=clock), "p"),
]


@pytest.mark.parametrize("build", BUILDS)
def test_what_is_over_is_absent_at_once(build, tmp_path, clock):
    """To every verb, single, in batches, in listings and searches; what has no end stays."""
    store = build(tmp_path / "d", clock)
    store.set("a", [1], ttl=10)
    store.set_many([("b", [2]), ("c", [3])], ttl=5)
    store["stays"] = [4]
    assert store.add("d", [5], ttl=5)
    assert len(store) == 5
    assert store.ttl("a") == 10
    assert store.ttl("stays") is None
    clock.now += 5
    assert sorted(store) == ["a", "stays"]
    assert len(store) == 2
    assert store.get_many(["a", "b", "stays"], 0) == [[1], 0, [4]]
    assert dict(store.items()) == {"a": [1], "stays": [4]}
    assert list(store.keys("*", limit=5)) == sorted(store.keys("*"))
    assert "b" not in store
    assert store.pop("b", 0) == 0
    assert store.delete("c") is False
    assert store.replace("d", [5], [6]) is False
    with pytest.raises(KeyError):
        store.ttl("d")
    assert store.touch("d", 5) is False
    assert store.add("b", [7], ttl=1)
    assert store["b"] == [7]
    assert store.delete_many(["a", "c", "b"]) == 2
    assert store.copy() == {"stays": [4]}


@pytest.mark.parametrize("build", BUILDS[:2])
def test_ends_that_are_changed(build, tmp_path, clock):
    """touch, a new set and increment; a plain set lets an entry stay."""
    store = build(tmp_path / "d", clock)
    store.set("a", 1, ttl=10)
    assert store.touch("a", 100)
    assert store.ttl("a") == 100
    assert store.increment("a") == 2
    assert store.modify("a", lambda value: value) == 2
    assert store.ttl("a") == 100  # a change in place keeps the end
    assert store.increment("a", ttl=7) == 3
    assert store.ttl("a") == 7
    assert store.touch("a", None)
    assert store.ttl("a") is None
    store.set("a", 1, ttl=1)
    store["a"] = 2
    assert store.ttl("a") is None
    store.set("a", 1, ttl=math.inf)
    assert store.ttl("a") is None
    assert store.replace("a", 1, 2, ttl=3)
    assert store.ttl("a") == 3
    for wrong in (0, -1, True, "1", math.nan):
        with pytest.raises(ValueError, match="ttl"):
            store.set("a", 1, ttl=wrong)


def test_sweep_removes_the_dead_alone(tmp_path, clock):
    """What a sweep finds over goes from the engine; what was written meanwhile stays."""
    store = Expiring(LmdbStore(tmp_path / "d"), 10, clock=clock)
    store.update(dict.fromkeys(map(str, range(20)), 1))
    store.set("stays", 1, ttl=1000)
    clock.now += 10
    assert len(store.raw) == 21
    store["3"] = 2
    seen = []
    assert store.sweep(progress=seen.append) == 19
    assert seen[-1] == 21
    assert store.copy() == {"3": 2, "stays": 1}
    assert len(store.raw) == 2


def test_values_from_before_stay(clock):
    """A document that was there before the layer reads as it is; bytes of another program are refused by key."""
    store = Expiring(InMemoryStore({"old": {"a": 1}}), clock=clock)
    assert store["old"] == {"a": 1}
    assert store.ttl("old") is None
    with pytest.raises(CodecError, match="'a'"):
        Expiring(Memory({"a": b"plain"}))["a"]


def test_an_engine_that_expires_is_left_to_do_it(clock):
    """Only the default is added, and values are stored as they are."""
    inner = NativeTtl(clock)
    store = Expiring(inner, 10)
    store["a"] = 1
    store.set("b", 1, ttl=20)
    store["c"] = 2
    assert [store.ttl(key) for key in "abc"] == [10, 20, 10]
    assert inner.data["a"] == (1, 1010.0)
    assert store.increment("b") == 2
    assert "expires entries itself" in store.route("set")
    assert "ttl" in Cached(store).features


def test_a_writer_that_is_killed(tmp_path):
    """SIGKILL at random moments, also of sweeps: what stays is there whole, what was over stays absent."""
    path = tmp_path / "d"
    for seed in range(ROUNDS):

        def work(done):
            store = Expiring(LmdbStore(path, durability="process"))
            for number in range(1, 1_000_000):
                store.set(f"over-{number % 10}", [number] * (number % 90), ttl=0.001)
                store.set(f"stays-{number % 10}", [number] * (1 + number % 90), ttl=1000)
                done(number)
                if number % 5 == 0:
                    store.sweep()

        finished = killed(work, seed)
        time.sleep(0.002)
        with Expiring(LmdbStore(path, durability="process")) as store:
            alive = dict(store.items())
            assert not [key for key in alive if key.startswith("over-")]
            assert len(store) == len(alive)
            for number in finished[-10:]:
                value = alive[f"stays-{number % 10}"]
                assert value[0] in {number, finished[-1] + 1}
                assert value == [value[0]] * (1 + value[0] % 90)
                assert store.ttl(f"stays-{number % 10}") > 900
            store.sweep()
            assert store.raw.keys() == alive.keys()
            store.clear()
