"""Recorder and check_history."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations

import pytest

from spoonbill import Expiring
from spoonbill.datastores import FilesystemStore, InMemoryStore, LmdbStore
from spoonbill.errors import StoreError, UnsupportedError
from spoonbill.store import MISSING
from spoonbill.testing import Call, Faulty, LayerContract, Recorder, check_history

VERBS = ("get", "has", "set", "delete", "add", "pop", "replace", "discard")


class TestRecorder(LayerContract):
    batches = False  # each key is a call of its own

    def wrap(self, inner):
        return Recorder(inner)


def history(*calls, first=MISSING):
    """Return a recorder that recorded the calls on one key."""
    recorder = Recorder(InMemoryStore())
    recorder.first["a"] = first
    recorder.calls = [Call(verb, "a", thread="t", **rest) for verb, rest in calls]
    return recorder


def one(verb, start, end, result=None, **rest):
    return verb, {"start": start, "end": end, "result": result, **rest}


class Hasty(InMemoryStore):
    """A store whose replace looks and writes in two steps, in which others can come between."""

    def __init__(self, mapping, meeting):
        super().__init__(mapping)
        self._meeting = meeting

    def replace(self, key, expected, value):
        if self.get(key) != expected:
            return False
        self._meeting.wait(10)
        self.set(key, value)
        return True


def test_a_replace_in_two_steps_is_found():
    """Two threads that both replace one value are no history of a store; the error tells the key and the calls."""
    store = Recorder(Hasty({"seat": 0}, threading.Barrier(2)))
    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(lambda number: store.replace("seat", 0, number), (1, 2))) == [True, True]
    with pytest.raises(AssertionError, match="not linearizable") as caught:
        check_history(store)
    assert "key 'seat'" in str(caught.value)
    assert "replace('seat', 0, 1) -> True" in str(caught.value)
    assert "replace('seat', 0, 2) -> True" in str(caught.value)


@pytest.mark.parametrize(
    "calls",
    [
        (one("set", 1, 2, value=1), one("get", 3, 4, MISSING)),  # a write that is not seen
        (one("set", 1, 2, value=1), one("set", 3, 4, value=2), one("get", 5, 6, 1)),  # an old value
        (one("set", 1, 9, value=1), one("get", 2, 3, 1), one("get", 4, 5, MISSING)),  # seen, and then not
        (one("add", 1, 9, True, value=1), one("add", 2, 8, True, value=2)),
        (one("set", 1, 2, value=1), one("pop", 3, 9, 1), one("pop", 4, 8, 1)),
        (one("set", 1, 2, value=1), one("delete", 3, 9, True), one("delete", 4, 8, True)),
        (one("set", 1, 2, value=[1]), one("discard", 3, 4, False, expected=[1])),
        (one("has", 1, 2, True),),
        (one("set", 5, 6, value=1, error=StoreError("")), one("get", 1, 2, 1)),  # not before it was sent
        (  # not twice
            one("set", 1, 2, value=1, error=StoreError("")),
            one("get", 3, 4, 1),
            one("set", 5, 6, value=2),
            one("get", 7, 8, 1),
        ),
    ],
)
def test_what_no_order_explains_is_found(calls):
    """Each of these histories is one that no store with atomic calls can have."""
    with pytest.raises(AssertionError, match="key 'a'"):
        check_history(history(*calls))


@pytest.mark.parametrize(
    "calls",
    [
        (one("set", 1, 9, value=1), one("get", 2, 3, MISSING), one("get", 4, 5, 1)),
        (one("get", 1, 9, 2), one("set", 2, 3, value=1), one("set", 4, 5, value=2)),
        (one("set", 1, 2, value=1, error=StoreError("")), one("get", 3, 4, MISSING), one("get", 5, 6, 1)),
        (one("set", 1, 2, value=1, error=StoreError("")), one("get", 3, 4, MISSING)),
        (one("pop", 1, 0), one("add", 2, 3, True, value=1), one("has", 4, 5, False)),  # a pop that never returned
        (one("get", 1, 2, error=StoreError("")),),
        (one("set", 1, 2, value={"b": [1]}), one("replace", 3, 4, True, expected={"b": [1]}, value=2)),
    ],
)
def test_what_an_order_explains_passes(calls):
    """Overlapping calls may come in any order, and what failed may have been done, later or never."""
    assert check_history(history(*calls)) == len(calls)


def explained(recorder):
    """Return whether any order of the calls explains them, by trying every one on a dict."""
    calls = recorder.calls
    for order in permutations(calls):
        if any(later.end < before.start for place, before in enumerate(order) for later in order[place + 1 :]):
            continue
        store = InMemoryStore({} if recorder.first["a"] is MISSING else {"a": recorder.first["a"]})
        if all(answer(store, call) == call.result for call in order):
            return True
    return False


def answer(store, call):
    given = [one for one in (call.expected, call.value) if one is not MISSING]
    given += [MISSING] if call.verb in {"get", "pop"} else []
    return getattr(store, call.verb)("a", *given)


def drawn(chance):
    """Return a short history with results by chance."""
    calls = []
    for start in range(5):
        verb = chance.choice(VERBS)
        value = chance.randrange(2) if verb in {"set", "add", "replace"} else MISSING
        expected = chance.randrange(2) if verb in {"replace", "discard"} else MISSING
        results = {"get": (MISSING, 0, 1), "pop": (MISSING, 0, 1), "set": (None,)}.get(verb, (True, False))
        end = start + chance.random() * 4
        calls.append(one(verb, start + 1, end + 1.5, chance.choice(results), value=value, expected=expected))
    return history(*calls, first=chance.choice((MISSING, 0, 1)))


def test_the_search_agrees_with_trying_every_order():
    """Of histories by chance exactly those pass that some order of their calls explains."""
    chance, passed = random.Random(1), 0
    for _ in range(600):
        recorder = drawn(chance)
        if explained(recorder):
            passed += 1
            check_history(recorder)
        else:
            with pytest.raises(AssertionError):
                check_history(recorder)
    assert 50 < passed < 550


def work(store, seed, keys, count):
    chance = random.Random(seed)
    for _ in range(count):
        key, verb, value = chance.choice(keys), chance.choice(VERBS), chance.randrange(3)
        given = {"set": (value,), "add": (value,), "replace": (chance.randrange(3), value), "discard": (value,)}
        try:
            getattr(store, verb)(key, *({"pop": (None,)} | given).get(verb, ()))
        except StoreError:
            continue


@pytest.mark.parametrize("make", [lambda _: InMemoryStore(), LmdbStore, FilesystemStore])
@pytest.mark.parametrize("rate", [0, 0.1])
def test_the_stores_keep_their_word(tmp_path, make, rate):
    """Four threads on three keys of a real store, without and with faults, give a history that an order explains."""
    with Recorder(Faulty(make(tmp_path / "store"), rate)) as store:
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda seed: work(store, seed, "abc", 100), range(4)))
        assert check_history(store) == len(store.calls) > 300


def test_what_was_there_before_is_known():
    """The first call on a key is checked against what the key held, by whatever name the engine knows it."""
    inner = InMemoryStore({"a": 1})
    store = Recorder(inner)
    assert store.replace("a", 1, 2)
    assert check_history(store) == 1
    inner.mapping["a"] = 9  # behind its back
    assert store["a"] == 9
    with pytest.raises(AssertionError):
        check_history(store)


def test_other_verbs_are_recorded_as_calls_on_keys():
    """A batch and an increment leave a call on each key."""
    store = Recorder(InMemoryStore())
    store.update({"a": 1, "b": 2})
    assert store.increment("a") == 2
    assert [call.verb for call in store.calls] == ["set", "set", "get", "replace"]


def test_expiry_is_refused():
    """No write through a recorder can let an entry expire, over a store that can."""
    inner = Expiring(InMemoryStore({"a": 1}))
    store = Recorder(inner)
    assert "ttl" in inner.features - store.features
    for write in (lambda: store.set("a", 1, ttl=5), lambda: store.touch("a", 5), lambda: store.add("b", 1, ttl=5)):
        with pytest.raises(UnsupportedError, match="expire"):
            write()
    assert inner.ttl("a") is None


def test_a_search_without_end_is_given_up():
    """More steps than allowed are an error that says so, and neither a pass nor a failure."""
    lost = [one("set", 1, 2, value=number, error=StoreError("")) for number in range(30)]
    with pytest.raises(RuntimeError, match="fewer calls"):
        check_history(history(*lost, one("get", 3, 4, 99)), most=1000)
