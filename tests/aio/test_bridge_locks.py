"""Locks of calls in bridges, and the layers that hold them."""

import asyncio
import os
import random
import subprocess
import sys
import threading

import pytest

from spoonbill import Cached, Layer, Limited, Mirrored, Tiered
from spoonbill.aio import wait_for
from spoonbill.common.bridging.bridge import drive, pause
from spoonbill.common.locks import waiting_lock
from spoonbill.datastores import InMemoryStore
from spoonbill.testing import AsyncContract, Bridged, StoreContract
from tests.aio.remote import Remote


def test_one_of_many_tasks_has_the_lock_whatever_is_cancelled():
    """Of many calls and threads, some of them cancelled at random, one at a time is inside, and the lock ends free."""
    lock, inside, passed = waiting_lock(), [], []

    def work():
        with lock, lock:
            assert not inside
            inside.append(1)
            try:
                pause(random.random() / 2000)
            finally:
                inside.pop()
            passed.append(1)

    async def main():
        tasks = [asyncio.create_task(drive(work)) for _ in range(200)]
        tasks += [asyncio.create_task(asyncio.to_thread(work)) for _ in range(50)]
        for task in random.sample(tasks[:200], 80):
            await asyncio.sleep(random.random() / 1000)
            task.cancel()
        told = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 60)
        assert sum(one is None for one in told) >= 170
        assert all(one is None or isinstance(one, asyncio.CancelledError) for one in told)
        assert await drive(lambda: lock.acquire(blocking=False))

    asyncio.run(main())


BEFORE = """
import asyncio, threading
from spoonbill.common.bridging.bridge import drive
from spoonbill.common.locks import engine_lock, waiting_lock

locks = [waiting_lock(), engine_lock("an engine", waits=True)]
plain = type(threading.RLock())
assert all(type(lock).__enter__ is plain.__enter__ and type(lock).release is plain.release for lock in locks)

async def main(lock):
    taken, let_go = threading.Event(), threading.Event()

    def hold():
        with lock:
            taken.set()
            assert let_go.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    assert taken.wait(60)
    passed = []

    def work():
        with lock, lock:
            passed.append(1)

    waiting = [asyncio.create_task(drive(work)) for _ in range(3)]
    await asyncio.sleep(0.05)
    assert not passed
    let_go.set()
    await asyncio.gather(*waiting)
    thread.join()
    assert len(passed) == 3

for lock in locks:
    asyncio.run(main(lock))
assert all(type(lock).__enter__ is not plain.__enter__ for lock in [*locks, waiting_lock()])
"""


def test_until_the_first_bridge_a_lock_is_the_interpreters_own():
    """Its steps are those in C, and who holds it when the first bridge begins is waited for."""
    subprocess.run([sys.executable, "-c", BEFORE], check=True, timeout=120)


def test_blocking_a_loop_for_its_own_call_is_refused():
    """A synchronous call in the loop's thread says what is wrong, where it would wait for ever."""
    lock = waiting_lock()

    def work():
        with lock:
            wait_for(asyncio.sleep(0.01))

    async def main():
        task = asyncio.create_task(drive(work))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="await"), lock:
            pass
        await task
        with lock:
            pass

    asyncio.run(main())


def test_a_lock_is_free_in_a_forked_child():
    """A call that holds it in the parent does not exist in the child."""
    lock = waiting_lock()

    def work():
        with lock:
            child = os.fork()
            if child == 0:
                taken = threading.Thread(target=lambda: os._exit(0 if lock.acquire(timeout=10) else 1))
                taken.start()
                taken.join()
            return os.waitpid(child, 0)[1]

    assert asyncio.run(drive(work)) == 0


@pytest.mark.parametrize("wrapped", [lambda store: store, Cached, lambda store: Tiered(InMemoryStore(), store)])
def test_one_of_many_tasks_wins_a_derived_step(wrapped):
    """Of calls that add, replace or take one key at once, one succeeds, though the engine has no such step itself."""
    store = wrapped(Remote())
    assert store.aio.mode == "bridge"

    async def main(verb, *arguments):
        face = store.aio
        return await asyncio.gather(*(getattr(face, verb)(str(key), *arguments) for key in range(20) for _ in range(8)))

    assert sum(asyncio.run(main("add", 1))) == 20
    assert sum(asyncio.run(main("replace", 1, 2))) == 20
    assert sum(one == 2 for one in asyncio.run(main("pop", None))) == 20


def of_layers(store):
    """Return a stack of the layers that hold locks over calls."""
    return Cached(Limited(Tiered(InMemoryStore(), Mirrored(store, Remote())), max_entries=100_000, max_concurrent=4))


class TestLayersThatLock(Bridged, StoreContract):
    """Layers with locks keep the contract in a bridge."""

    values = (1, {"a": [1, None]}, "text", (1, {2}), {3: 4})

    def make(self, path):
        return of_layers(Remote())


class TestLayersThatLockAwaited(AsyncContract):
    values = (1, {"a": [1, None]}, "text", (1, {2}), {3: 4})

    def make(self, path):
        return of_layers(Remote())


def test_a_layer_that_waits_over_memory():
    """Steps that are derived over a layer which waits itself are one step, though the engine never waits."""

    class Waiting(Layer):
        awaits = True
        leaves = ()

        def get(self, key, default=None):
            value = self.inner.get(key, default)
            pause(0)
            return value

    store = Waiting(InMemoryStore())
    assert store.aio.mode == "bridge"

    async def main():
        return await asyncio.gather(*(store.aio.add(str(key), 1) for key in range(20) for _ in range(8)))

    assert sum(asyncio.run(main())) == 20


def test_so_many_calls_at_once_are_within_a_limit():
    """A gate counts the calls of one loop each for itself."""
    inside, most = [], []

    class Watched(Layer):
        def get(self, key, default=None):
            inside.append(1)
            most.append(len(inside))
            try:
                return super().get(key, default)
            finally:
                inside.pop()

    store = Limited(Watched(Remote()), max_concurrent=3)

    async def main():
        await asyncio.gather(*(store.aio.get(str(number)) for number in range(30)))

    asyncio.run(main())
    assert max(most) == 3


def test_tasks_and_threads_mixed_win_one_step():
    """Of calls and threads that add one key at once, one succeeds."""
    store = Remote()

    async def main():
        mixed = [store.aio.add("a", number) for number in range(20)]
        mixed += [asyncio.to_thread(store.add, "a", number) for number in range(20)]
        return await asyncio.gather(*mixed)

    assert sum(asyncio.run(main())) == 1


def test_callers_share_one_read_of_a_cache():
    """Tasks that ask at once for one key make one read below, also beside a writer of other keys."""
    below = Remote()
    below.data = {"a": 1}
    store = Cached(below)

    async def main():
        face = store.aio
        assert await asyncio.gather(*(face.get("a") for _ in range(20))) == [1] * 20
        assert below.calls == 1
        writes = [asyncio.create_task(face.set(str(number), number)) for number in range(5)]
        await asyncio.sleep(0)
        assert await face.get("a") == 1
        await asyncio.gather(*writes)
        assert below.calls == 6

    asyncio.run(main())
