"""Calls in bridges over real servers: storms of cancellations, first calls at once, loops, and nothing left behind."""

import asyncio
import contextlib
import gc
import os
import random
import threading
import time

import greenlet
import pytest

from spoonbill import Cached
from spoonbill.aio import in_bridge
from spoonbill.common.sentinels import MISSING
from spoonbill.errors import StoreError
from tests.aio import servers

TASKS = int(os.environ.get("SPOONBILL_STORM", "300"))
"""Tasks of a storm: the long form has 10,000."""


@pytest.fixture(
    scope="module", params=[servers.Redis, servers.MongoDB, servers.PostgreSQL], ids=lambda one: one.__name__
)
def engine(request):
    """One server of each kind for the module."""
    with servers.running(request.param) as made:
        yield made


def suspended():
    """Return the greenlets of this thread that are in the middle of a call; those at rest have no context."""
    found = []
    for one in gc.get_objects():
        if type(one) is greenlet.greenlet and one and one is not greenlet.getcurrent():
            with contextlib.suppress(ValueError):  # it is of another thread
                found += [one] if one.gr_context is not None else []
    return found


@pytest.fixture
def store(engine):
    with engine.store() as made:
        assert made.aio.mode == "bridge"
        yield made


def test_a_call_goes_by_the_loops_own_client(store):
    """In a bridge the synchronous client is never made."""
    asyncio.run(store.aio.set("a", 1))
    assert asyncio.run(store.aio.get("a")) == 1
    raw = store.raw
    if hasattr(raw, "_connection"):
        assert raw._connection.client is None
    else:
        link = raw._engine._collection if hasattr(raw._engine, "_collection") else raw._engine._link.connection
        assert link._handle is None


# pymongo leaves the socket of a connection that is cut off in the making to the collector, which closes it and warns.
SOCKETS = pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning")


@SOCKETS
def test_a_first_call_may_be_cut_off_at_every_step(engine, store):
    """Wherever a first call is cut off, the next one of the loop is right: no connection stays in its greeting."""
    asyncio.run(store.aio.set("a", 1))

    async def main():
        for rounds in range(25):
            await store.aio.release()
            task = asyncio.create_task(store.aio.set("a", 1))
            for _ in range(rounds):
                await asyncio.sleep(0.0003)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert await asyncio.wait_for(store.aio.get("a"), 60) == 1
            assert engine.lent(store) == 0

    asyncio.run(main())
    gc.collect()


@SOCKETS
def test_a_storm_of_cancellations(engine, store):
    """Of many calls, many of them cut off, each that returned is right, no connection stays lent, and nothing leaks."""

    async def one(number, face):
        key = str(number % 50)
        match number % 5:
            case 0:
                await face.set(f"own-{number}", number)
                return await face.get(f"own-{number}") == number
            case 1:
                return await face.add(f"once-{key}", number) in {True, False}
            case 2:
                return await face.get_many([key, f"absent-{number}"], MISSING) is not None
            case 3:
                await face.set(f"taken-{number}", number)
                return await face.pop(f"taken-{number}", MISSING) == number
            case _:
                return await face.replace(f"once-{key}", number, number) in {True, False}

    async def main():
        face = store.aio
        await face.set("first", 1)
        tasks = []
        for number in range(TASKS):
            tasks.append(asyncio.create_task(one(number, face)))
            if number % 10 == 9:
                await asyncio.sleep(random.random() / 500)
                random.choice(tasks[-50:]).cancel()
                random.choice(tasks[-50:]).cancel()
        told = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 600)
        assert all(one is True or isinstance(one, asyncio.CancelledError) for one in told), told
        assert sum(one is True for one in told) >= TASKS * 3 // 4
        assert await face.get("first") == 1
        assert engine.lent(store) == 0
        await face.release()
        await asyncio.sleep(0)

    threads = set(threading.enumerate())
    before = os.listdir("/proc/self/fd")
    others = suspended()  # of a loop that another test gave up
    asyncio.run(main())
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) <= len(before)
    assert set(threading.enumerate()) <= threads
    assert all(one in others for one in suspended())


def test_first_calls_at_once_add_once(store):
    """Twenty first calls of a loop that add one key: one does, over one handle."""

    async def main():
        told = await asyncio.gather(*(store.aio.add("a", number) for number in range(20)))
        assert len(store.raw.loop_handles._kept) == 1
        return sum(told)

    assert asyncio.run(main()) == 1
    assert len(store.raw.loop_handles._kept) == 0


def test_tasks_and_threads_mixed(store):
    """Of tasks and threads that add, replace or take one key at once, one succeeds."""

    async def main(verb, *arguments):
        mixed = [getattr(store.aio, verb)(*arguments) for _ in range(10)]
        mixed += [asyncio.to_thread(getattr(store, verb), *arguments) for _ in range(10)]
        return await asyncio.gather(*mixed)

    assert sum(asyncio.run(main("add", "a", 1))) == 1
    assert sum(asyncio.run(main("replace", "a", 1, 2))) == 1
    assert [one for one in asyncio.run(main("pop", "a", MISSING)) if one is not MISSING] == [2]


def test_a_loop_a_test_leaks_no_socket(store):
    """Many loops, one after another, leave no descriptor open."""
    asyncio.run(store.aio.set("a", 1))
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        assert asyncio.run(store.aio.get("a")) == 1
    assert len(os.listdir("/proc/self/fd")) <= before


def test_a_forked_child_goes_on(store):
    """A child that was forked beside a loop asks the server over connections of its own."""

    async def main():
        await store.aio.set("a", 1)
        child = os.fork()
        if child == 0:

            def ask():
                good = False
                try:
                    good = asyncio.run(store.aio.get("a")) == 1
                finally:
                    os._exit(0 if good else 1)

            thread = threading.Thread(target=ask)
            thread.start()
            thread.join(60)
        assert (await asyncio.to_thread(os.waitpid, child, 0))[1] == 0
        assert await store.aio.get("a") == 1

    asyncio.run(main())


def test_both_faces_share_one_cache(store):
    """What a task read a thread finds in the cache, and what a thread wrote a task sees."""
    cached = Cached(store)
    asyncio.run(cached.aio.set("a", 1))
    assert asyncio.run(cached.aio.get("a")) == cached["a"] == 1
    assert cached.stats.hits >= 1
    cached["a"] = 2
    assert asyncio.run(cached.aio.get("a")) == 2
    assert not in_bridge()


def test_the_loop_goes_on_while_the_server_is_silent(engine, store):
    """Calls that hang on a paused server hold up neither the loop nor a hit of a cache, and end when it goes on."""
    cached = Cached(store)

    async def main():
        face = cached.aio
        await face.set("hit", 1)
        await face.get("hit")
        late, stop = [0.0], asyncio.Event()

        async def watch():
            while not stop.is_set():
                began = time.monotonic()
                await asyncio.sleep(0.005)
                late.append(time.monotonic() - began - 0.005)

        watching = asyncio.create_task(watch())
        engine.process.pause()
        try:
            hanging = [asyncio.create_task(store.aio.get(str(number))) for number in range(50)]
            await asyncio.sleep(0.1)
            assert not any(task.done() for task in hanging)
            for _ in range(20):
                assert await face.get("hit") == 1
            for task in hanging[:25]:
                task.cancel()
        finally:
            engine.process.resume()
        told = await asyncio.wait_for(asyncio.gather(*hanging, return_exceptions=True), 120)
        assert all(one is None or isinstance(one, asyncio.CancelledError) for one in told)
        assert told[25:] == [None] * 25
        stop.set()
        await watching
        assert max(late) < 5, "a blocked loop is as late as the server is silent, and is never cancelled"
        assert engine.lent(store) == 0

    asyncio.run(main())


def test_a_server_that_starts_anew_serves_the_next_calls(engine, store):
    """A server that is killed in mid-call costs the calls under way an error of our tree at most, and no later one."""

    async def main():
        face = store.aio
        await asyncio.gather(*(face.set(str(number), number) for number in range(20)))
        engine.process.pause()
        under_way = [asyncio.create_task(face.set("late", number)) for number in range(20)]
        await asyncio.sleep(0.1)
        await asyncio.to_thread(engine.process.stop)
        await asyncio.to_thread(engine.process.start_again)
        told = await asyncio.wait_for(asyncio.gather(*under_way, return_exceptions=True), 120)
        assert all(one is None or isinstance(one, StoreError) for one in told), told
        await face.set("after", 1)
        assert await face.get("after") == 1
        assert engine.lent(store) == 0

    asyncio.run(main())


def test_a_connection_that_died_unheard_costs_no_call(engine, store):
    """A write that must not be sent twice is done at once after the server started anew, unheard by a busy loop."""

    async def main():
        face = store.aio
        await face.set("a", 1)
        engine.process.stop()
        engine.process.start_again()
        await face.add("once", 1)
        assert await face.get("once") == 1

    asyncio.run(main())
