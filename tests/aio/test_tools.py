"""Locks, remembered coroutines, copies and shared reads, in tasks and in threads."""

import asyncio
import threading

import pytest

from spoonbill import Cached, Layer, copy, lock, memoize
from spoonbill.common.bridging.bridge import pause
from spoonbill.datastores import InMemoryStore, LmdbStore
from spoonbill.errors import LockedError


def test_a_lock_has_one_holder_among_tasks_and_threads(tmp_path):
    """Tasks of one loop and threads that take one lock are inside one at a time."""
    store, inside, entered = LmdbStore(tmp_path / "data"), [], []

    def enter():
        inside.append(1)
        assert len(inside) == 1
        entered.append(1)

    async def task():
        async with lock(store.aio, "door", ttl=60, wait=60):
            enter()
            await asyncio.sleep(0.002)
            inside.pop()

    def thread():
        with lock(store, "door", ttl=60, wait=60):
            enter()
            inside.pop()

    async def main():
        async with asyncio.TaskGroup() as group:
            for _ in range(5):
                group.create_task(task())
                group.create_task(asyncio.to_thread(thread))

    asyncio.run(main())
    assert len(entered) == 10
    assert set(store) == {"door:fence"}
    store.close()


def test_a_lock_that_is_held_is_refused():
    """Without a time to wait a held lock is an error in both faces, and it stays its holder's."""
    store = InMemoryStore()

    async def main():
        async with lock(store.aio, "door", ttl=60) as held:
            with pytest.raises(LockedError, match="door"), lock(store, "door", ttl=60):
                pass
            with pytest.raises(LockedError, match="door"):
                async with lock(store.aio, "door", ttl=60, wait=0.01):
                    pass
            assert store["door"]["token"] == held.token == 1
        assert "door" not in store

    asyncio.run(main())
    with pytest.raises(ValueError, match="ttl"):
        lock(store.aio, "door", ttl=0)


def test_a_cancelled_task_leaves_no_lock():
    """Wherever a task with a lock is cancelled, the lock is free when the task has ended."""
    store = InMemoryStore()

    async def hold():
        async with lock(store.aio, "door", ttl=60, wait=60):
            await asyncio.sleep(0.001)

    async def main():
        for steps in range(40):
            task = asyncio.create_task(hold())
            for _ in range(steps):
                await asyncio.sleep(0.0001 * (steps % 4))
            task.cancel()
            await asyncio.wait([task])
            assert "door" not in store, steps

    asyncio.run(main())


def test_a_cancelled_release_is_done_all_the_same():
    """A task that is cancelled while its release waits for a thread still lets go of the lock."""
    from spoonbill import AsyncStore

    store, blocked, go = InMemoryStore(), threading.Event(), threading.Event()

    def occupy():
        blocked.set()
        assert go.wait(30)

    async def main():
        face, leave = AsyncStore(store, threads=1), asyncio.Event()

        async def hold():
            async with lock(face, "door", ttl=60):
                leave.set()
                await occupied.wait()

        occupied = asyncio.Event()
        task = asyncio.create_task(hold())
        await leave.wait()
        busy = asyncio.create_task(face.run(occupy))
        assert await asyncio.to_thread(blocked.wait, 30)
        occupied.set()
        await asyncio.sleep(0.01)  # the release waits for the only thread
        task.cancel()
        await asyncio.sleep(0.01)
        go.set()
        await busy
        with pytest.raises(asyncio.CancelledError):
            await task
        assert "door" not in store
        await face.release()

    asyncio.run(main())


def test_loops_in_several_threads_compute_a_result_once():
    """A remembered coroutine function is called once, by however many tasks of however many loops."""
    calls, store = [], InMemoryStore()

    @memoize(store)
    async def fetch(number):
        calls.append(number)
        await asyncio.sleep(0.02)
        return number * 2

    async def several():
        return await asyncio.gather(*(fetch(4) for _ in range(3)))

    async def main():
        return await asyncio.gather(*(asyncio.to_thread(asyncio.run, several()) for _ in range(3)), several())

    assert asyncio.run(main()) == [[8] * 3] * 4
    assert calls == [4]
    assert fetch.forget(4) is True


def test_a_cancelled_caller_ends_no_computation():
    """Of two tasks that wait for one result, the cancelled one leaves the other its answer; an error is not stored."""
    calls, go = [], asyncio.Event()

    @memoize(InMemoryStore())
    async def fetch(number):
        calls.append(number)
        await go.wait()
        if number == 5:
            raise ValueError("five")
        return number

    async def main():
        first, second = asyncio.create_task(fetch(4)), asyncio.create_task(fetch(4))
        while not calls:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        first.cancel()
        go.set()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert await second == 4
        for _ in range(2):
            with pytest.raises(ValueError, match="five"):
                await fetch(5)

    asyncio.run(main())
    assert calls == [4, 5, 5]


def test_callers_of_both_faces_share_one_read():
    """What a task and a thread ask for at once of a cache with single flight is read once below."""
    began, go, reads = threading.Event(), threading.Event(), []

    class SlowRead(Layer):
        awaits = True

        def get(self, key, default=None):
            reads.append(key)
            began.set()
            while not go.is_set():
                pause(0.001)
            return super().get(key, default)

    store = Cached(SlowRead(InMemoryStore({"a": 1})), maxsize=10)

    async def main():
        tasks = [asyncio.create_task(store.aio.get("a"))]
        assert await asyncio.to_thread(began.wait, 30)
        tasks += [asyncio.create_task(asyncio.to_thread(store.get, "a")), asyncio.create_task(store.aio.get("a"))]
        await asyncio.sleep(0.05)
        go.set()
        return await asyncio.gather(*tasks)

    assert asyncio.run(main()) == [1, 1, 1]
    assert reads == ["a"]


def test_a_copy_is_awaited_whichever_end_is_a_face(tmp_path):
    """A copy from, to and between faces is whole, and an address may be the other end."""
    source = InMemoryStore({str(number): number for number in range(500)})

    async def main():
        for first, second in ((source.aio, LmdbStore(tmp_path / "a").aio), (source, LmdbStore(tmp_path / "b").aio)):
            report = await copy(first, second, batch=100, verify=True)
            assert report.copied == report.verified == 500
            assert await second.copy() == source.copy()
            await second.close()
        assert (await copy(source.aio, f"lmdb:{tmp_path / 'c'}", pattern="1.$")).copied == 10

    asyncio.run(main())


def test_a_cancelled_copy_ends_after_its_batch():
    """A cancelled copy writes the batch that it is at, and no other, before the cancellation is seen."""
    began, go, written = threading.Event(), threading.Event(), []

    class SlowWrite(Layer):
        def set_many(self, pairs, **options):
            began.set()
            assert go.wait(30)
            written.extend(pairs)
            super().set_many(pairs, **options)

    target = SlowWrite(InMemoryStore())

    async def main():
        source = InMemoryStore({str(number): number for number in range(50)})
        task = asyncio.create_task(copy(source.aio, target, batch=10))
        assert await asyncio.to_thread(began.wait, 30)
        task.cancel()
        await asyncio.sleep(0.01)
        assert not task.done()
        go.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(written) == len(target) == 10

    asyncio.run(main())
