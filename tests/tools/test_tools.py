"""Locks and remembered results."""

import asyncio
import multiprocessing
import threading
import time

import pytest

from spoonbill import Frozen, Prefixed
from spoonbill.datastores import InMemoryStore, LmdbStore
from spoonbill.errors import ConflictError, InvalidKeyError, LockedError, ReadOnlyError
from spoonbill.tools import lock, memoize


def test_one_holder_at_a_time():
    """Threads that count under the lock lose no step, and each has a larger token."""
    store, count, tokens = InMemoryStore(), [0], []

    def work():
        for _ in range(20):
            with lock(store, "counter", ttl=10, wait=10) as held:
                tokens.append(held.token)
                seen = count[0]
                time.sleep(0)
                count[0] = seen + 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count[0] == 80
    assert tokens == sorted(set(tokens))
    assert "counter" not in store


def test_a_held_lock_is_an_error_and_a_dead_holder_is_not():
    """Who does not wait is refused; a lock whose time ran out is taken over, and its old holder removes nothing."""
    store = InMemoryStore()
    with lock(store, "a", ttl=0.05) as first:
        with pytest.raises(LockedError, match="'a'"), lock(store, "a", ttl=1):
            pass
        with lock(store, "a", ttl=5, wait=5) as second:
            assert second.token > first.token
            held = store["a"]
    assert "a" not in store or store["a"] == held
    with pytest.raises(ValueError, match="ttl"), lock(store, "a", ttl=0):
        pass


def _hold(path, queue):
    with LmdbStore(path) as store, lock(store, "shared", ttl=30, wait=30) as held:
        queue.put(("in", held.token))
        time.sleep(0.02)
        queue.put(("out", held.token))


def test_between_processes(tmp_path):
    """Processes that share an LMDB environment come in one after the other."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    children = [context.Process(target=_hold, args=(tmp_path / "d", queue)) for _ in range(3)]
    for child in children:
        child.start()
    events = [queue.get(timeout=60) for _ in range(6)]
    for child in children:
        child.join()
    assert [kind for kind, _ in events] == ["in", "out"] * 3


def test_a_result_is_computed_once():
    """However the arguments are spelled, and whoever asks at once; an exception is not stored."""
    calls = []
    store = InMemoryStore()

    @memoize(Prefixed(store, "cache:"))
    def slow(a, b=2, *rest, **more):
        """Documented."""
        calls.append((a, b))
        time.sleep(0.05)
        if a == "bad":
            raise ValueError("bad")
        return None if a is None else [a, b, *rest, more]

    threads = [threading.Thread(target=slow, args=(1,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert slow(1) == slow(a=1, b=2) == [1, 2, {}]
    assert len(calls) == 1
    assert slow(None) is slow(None) is None
    assert len(calls) == 2
    for _ in range(2):
        with pytest.raises(ValueError, match="bad"):
            slow("bad")
    assert len(calls) == 4
    assert slow.__doc__ == "Documented."
    assert slow.forget(1) is True
    assert slow.forget(1) is False
    assert slow(1, 2, 3, x=(4,)) == [1, 2, 3, {"x": (4,)}]
    assert set(store) == {f"cache:{slow.key(None)}", f"cache:{slow.key(1, 2, 3, x=(4,))}"} | {
        key for key in store if key.endswith(":fence")
    }
    with pytest.raises(InvalidKeyError, match="key="):
        slow([1])


def test_keys_of_ones_own():
    """Arguments that no key holds need a function that names them."""
    store = InMemoryStore()

    @memoize(store, key=lambda rows: f"rows:{len(rows)}", single_flight=False)
    def total(rows):
        return sum(rows)

    assert total([1, 2]) == 3
    assert store.mapping == {"rows:2": 3}


def test_coroutines():
    """A coroutine function is remembered too; tasks that ask at once share one call."""
    calls = []

    @memoize(InMemoryStore())
    async def fetch(number):
        calls.append(number)
        await asyncio.sleep(0.02)
        return number * 2

    async def main():
        first = await asyncio.gather(*(fetch(4) for _ in range(5)))
        return first, await fetch(number=4)

    assert asyncio.run(main()) == ([8] * 5, 8)
    assert calls == [4]


def test_changes_in_place(tmp_path):
    """Modify repeats by itself; edit writes what its block changed, and nothing where it raised or lost a race."""
    for store in (InMemoryStore(), LmdbStore(tmp_path / "d")):
        store["a"] = {"n": 1, "tags": []}
        assert store.modify("a", lambda value: {**value, "n": 2}) == {"n": 2, "tags": []}
        assert store.modify("new", lambda value: value + 1, 0) == 1
        with store.edit("a") as value:
            value["tags"].append("x")
        assert store["a"] == {"n": 2, "tags": ["x"]}
        with pytest.raises(RuntimeError), store.edit("a") as value:
            value["n"] = 100
            raise RuntimeError
        with pytest.raises(ConflictError, match="'a'"), store.edit("a") as value:
            value["n"] = 100
            store["a"] = "meanwhile"
        assert store["a"] == "meanwhile"
        with store.edit("list", []) as value:
            value.append(1)
        assert store["list"] == [1]
        for absent in (lambda: store.modify("none", str), lambda: store.edit("none").__enter__()):
            with pytest.raises(KeyError):
                absent()
        with pytest.raises(ReadOnlyError):
            Frozen(store).modify("a", str)


def test_numbers_are_counted_up(tmp_path):
    """Atomically, also from threads; what is no number is a TypeError."""
    for store in (InMemoryStore(), LmdbStore(tmp_path / "d", durability="process")):
        threads = [threading.Thread(target=lambda: [store.increment("n") for _ in range(100)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert store["n"] == 400
        assert store.increment("n", -0.5) == 399.5
        store["text"] = "a"
        for key, by in (("text", 1), ("n", "1"), ("n", True)):
            with pytest.raises(TypeError, match="no number"):
                store.increment(key, by)
        assert store.ping() >= 0
        assert store.ttl("n") is None
        with pytest.raises(KeyError):
            store.ttl("absent")
        assert store.discard("text", "b") is False
        assert store.discard("text", "a") is True
        assert store.keys("n").first() == "n"
        assert store.keys("x").first() is None
        assert "text" not in store
