"""Faulty, Slow and Counting."""

import pickle

import pytest

from spoonbill import Cached
from spoonbill.datastores import InMemoryStore, LmdbStore
from spoonbill.errors import StoreError, UnansweredError, UnsupportedError
from spoonbill.testing import Counting, Faulty, LayerContract, Slow


class TestCounting(LayerContract):
    def wrap(self, inner):
        return Counting(inner)


class TestSlow(LayerContract):
    def wrap(self, inner):
        return Slow(inner, 0)


class TestFaulty(LayerContract):
    def wrap(self, inner):
        return Faulty(inner, rate=0)


@pytest.mark.parametrize("layer", [Counting, lambda store: Slow(store, 0), lambda store: Faulty(store, 0)])
def test_they_travel_with_their_store(tmp_path, layer):
    """A pickled layer is the same layer over the same data."""
    with layer(LmdbStore(tmp_path / "a.lmdb")) as store:
        store["a"] = 1
        with pickle.loads(pickle.dumps(store)) as copy:
            assert type(copy) is type(store)
            assert copy["a"] == 1


def run(seed):
    """Set and read 400 keys; return which writes failed before, which after, and the store's layer and mapping."""
    inner = InMemoryStore()
    store = Faulty(inner, rate=0.3, seed=seed)
    before, after = set(), {}
    for number in range(400):
        try:
            store[f"{number}"] = number
        except UnansweredError as error:
            after[f"{number}"] = str(error)
        except StoreError:
            before.add(f"{number}")
    return before, after, store, inner.mapping


def test_a_write_fails_before_or_after_its_work():
    """Both come, as often as the rate says; what is unanswered was done, what failed otherwise was not."""
    before, after, store, mapping = run(7)
    assert 30 < len(before) < 90
    assert 30 < len(after) < 90
    assert after.keys() <= mapping.keys()
    assert all("seed 7" in told and f"'{key}'" in told and "InMemoryStore" in told for key, told in after.items())
    assert not before & mapping.keys()
    assert len(mapping) == 400 - len(before)
    assert store.faults == {"set": len(before) + len(after)}


def test_a_seed_repeats_its_faults():
    """The same seed fails the same calls, another seed others."""
    assert run(7)[:2] == run(7)[:2] != run(8)[:2]


def test_a_read_fails_plainly_and_only_the_chosen_verbs_do():
    """A read never has an unanswered write's error; a verb that was not chosen never fails; the rate can change."""
    store = Faulty(InMemoryStore({"a": 1}), rate=1, verbs=["get", "pop"])
    store["b"] = 2
    for _ in range(20):
        with pytest.raises(StoreError) as caught:
            store["a"]
        assert type(caught.value) is StoreError
    store.rate = 0
    assert store["a"] == 1
    assert store.faults == {"get": 20}


def test_an_absent_key_is_no_fault_of_its_own():
    """A pop whose KeyError is lost on the way is an unanswered one, never a KeyError."""
    store = Faulty(InMemoryStore(), rate=1)
    for _ in range(20):
        with pytest.raises(StoreError):
            store.pop("absent")


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_what_cannot_be_meant_is_refused(rate):
    """A rate outside of 0 to 1, a verb that there is not, and a negative time are errors at once."""
    with pytest.raises(ValueError, match="rate"):
        Faulty(InMemoryStore(), rate=rate)
    with pytest.raises(ValueError, match="seconds"):
        Slow(InMemoryStore(), -1)
    with pytest.raises(UnsupportedError, match="fetch"):
        Faulty(InMemoryStore(), verbs=["fetch"])


def test_counts_show_what_a_cache_saves():
    """Ten reads through a cache are one read below, a batch is one call, and clear begins anew."""
    below = Counting(InMemoryStore({"a": 1}))
    store = Cached(below)
    assert [store["a"] for _ in range(10)] == [1] * 10
    store.update({"b": 2, "c": 3})
    assert below.counts["get"] == 1
    assert below.counts["set_many"] == 1
    below.counts.clear()
    assert below.counts == {}


def test_slow_waits_before_each_call(monkeypatch):
    """Each call of a verb waits once for the time given, a batch too."""
    waited = []
    monkeypatch.setattr("spoonbill.testing.slow.pause", waited.append)
    store = Slow(InMemoryStore(), 0.5)
    store.update({"a": 1, "b": 2})
    assert store["a"] == 1
    assert waited == [0.5, 0.5]
