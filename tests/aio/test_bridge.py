"""Bridges: synchronous code that an event loop waits for, its locks, its handles, and the choice of the mode."""

import asyncio
import contextvars
import gc
import os
import random
import subprocess
import sys
import threading
import weakref
from collections import UserDict

import pytest

from spoonbill import AsyncStore, Cached, Layer, Limited, MetadataIndex, Mirrored, Retrying, Store, Tiered
from spoonbill.aio import LoopHandles, Twin, in_bridge, wait_for
from spoonbill.common.bridging.bridge import drive, pause
from spoonbill.common.locks import waiting_lock
from spoonbill.common.sentinels import MISSING
from spoonbill.datastores import InMemoryStore, LmdbStore
from spoonbill.errors import StoreError, UnsupportedError
from spoonbill.testing import AsyncContract, Bridged, StoreContract


class Remote(Store):
    """An engine that is only asynchronous: it answers after the loop went round, and derives add, replace and pop."""

    awaits = True

    def __init__(self):
        self.data, self.calls = {}, 0
        self.handles = []
        self.loop_handles = LoopHandles(self.connect_async, self.handles.remove)

    def connect_async(self):
        handle = object()
        self.handles.append(handle)
        wait_for(asyncio.sleep(0.001))
        return handle

    def _wait(self):
        self.calls += 1
        if in_bridge():
            assert self.loop_handles() in self.handles
            wait_for(asyncio.sleep(0))
        else:
            pause(0.0001)

    def get(self, key, default=None):
        self._wait()
        return self.data.get(key, default)

    def set(self, key, value):
        self._wait()
        self.data[key] = value

    def delete(self, key):
        self._wait()
        return self.data.pop(key, MISSING) is not MISSING

    def iter(self):
        self._wait()
        return iter(list(self.data))


# -- the bridge itself ---------------------------------------------------------------------------------------------


def test_a_wait_gives_what_it_waited_for_and_the_loop_goes_on():
    """Code in a bridge waits for a coroutine and for a future, while another task of the loop runs."""

    async def main():
        future = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(0.01, future.set_result, 2)
        ticks = []

        async def tick():
            while not future.done():
                ticks.append(1)
                await asyncio.sleep(0)

        other = asyncio.create_task(tick())
        assert await drive(lambda: (wait_for(asyncio.sleep(0, 1)), wait_for(future))) == (1, 2)
        await other
        assert len(ticks) > 3

    asyncio.run(main())


def test_errors_come_out_and_go_in():
    """What the code raises comes to the caller, what a coroutine raises to the code."""

    async def broken():
        await asyncio.sleep(0)
        raise ValueError("broken")

    def caught():
        with pytest.raises(ValueError, match="broken"):
            wait_for(broken())
        raise KeyError("out")

    with pytest.raises(KeyError, match="out"):
        asyncio.run(drive(caught))


def test_a_cancellation_is_raised_at_the_wait():
    """A cancelled task ends where it waits: its blocks end, which may wait too, and nothing after them is done."""
    done = []

    def work():
        try:
            wait_for(asyncio.sleep(60))
        finally:
            wait_for(asyncio.sleep(0))
            done.append("finally")
        done.append("after")

    async def main():
        task = asyncio.create_task(drive(work))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert done == ["finally"]


def test_a_call_that_is_given_up_ends_without_another_wait():
    """A coroutine that is closed lets the code end: a further wait in its blocks raises."""
    done = []

    def work():
        try:
            wait_for(asyncio.sleep(60))
        finally:
            done.append("finally")
            wait_for(asyncio.sleep(60))
            done.append("after")

    async def main():
        call = drive(work)
        call.send(None)
        call.close()

    asyncio.run(main())
    assert done == ["finally"]


def test_context_variables_are_the_tasks_own():
    """The code sees the variables of its task, and sets them for it, in a greenlet that served another task before."""
    name = contextvars.ContextVar("name", default="")

    def work():
        wait_for(asyncio.sleep(0))
        name.set(name.get() + "!")

    async def one(text):
        name.set(text)
        await drive(work)
        return name.get()

    async def main():
        return [await asyncio.gather(one("a"), one("b")), *(await asyncio.gather(one("c"))), name.get()]

    assert asyncio.run(main()) == [["a!", "b!"], "c!", ""]


def test_a_wait_outside_of_a_bridge_is_refused():
    """There is no loop to go on meanwhile."""
    with pytest.raises(RuntimeError, match="mode 'bridge'"):
        wait_for(asyncio.sleep(0))


def test_nothing_is_kept_of_a_call_that_is_over():
    """Its arguments, its result and its error go away with the last name for them, without a collection."""

    class Thing:
        pass

    def fail(thing):
        raise ValueError(thing)

    async def main():
        things = [Thing() for _ in range(3)]
        gone = [weakref.ref(thing) for thing in things]
        assert await drive(lambda thing=things[0]: thing) is things[0]
        with pytest.raises(ValueError, match="Thing"):
            await drive(lambda thing=things[1]: fail(thing))
        await drive(lambda thing=things[2]: wait_for(asyncio.sleep(0)))
        del things
        return gone

    gc.disable()
    try:
        first, _, third = asyncio.run(main())
        assert first() is None
        assert third() is None
    finally:
        gc.enable()


def test_bridges_within_bridges():
    """A task that begins inside a bridge, and runs before its code goes on, has a bridge of its own."""

    def inner():
        return wait_for(asyncio.sleep(0, "inner"))

    def outer():
        task = asyncio.get_running_loop().create_task(drive(inner))
        return wait_for(drive(inner)), wait_for(task)

    assert asyncio.run(drive(outer)) == ("inner", "inner")


# -- locks ---------------------------------------------------------------------------------------------------------


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


# -- handles -------------------------------------------------------------------------------------------------------


def test_first_calls_at_once_make_one_handle_and_the_loop_ends_it():
    """Twenty first calls share a handle, the next loop has another, and each ends with its loop."""
    store = Remote()

    async def main():
        await asyncio.gather(*(store.aio.get("a") for _ in range(20)))
        assert len(store.handles) == 1
        return store.handles[0]

    first, second = asyncio.run(main()), asyncio.run(main())
    assert first is not second
    assert store.handles == []


def test_two_loops_at_once_have_a_handle_each():
    """Loops in two threads do not share a handle."""
    store, together, seen = Remote(), threading.Barrier(2), []

    async def main():
        await store.aio.get("a")
        await asyncio.to_thread(together.wait, 30)
        seen.append(len(store.handles))
        await asyncio.to_thread(together.wait, 30)

    threads = [threading.Thread(target=asyncio.run, args=(main(),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert seen == [2, 2]
    assert store.handles == []


def test_a_loop_that_was_closed_without_a_word_is_forgotten():
    """Its handle is let go at the next first call of another loop."""
    store = Remote()
    loop = asyncio.new_event_loop()
    loop.run_until_complete(store.aio.get("a"))
    loop.close()
    gone = weakref.ref(loop)
    del loop
    asyncio.run(store.aio.get("a"))
    gc.collect()
    assert gone() is None


def test_release_and_close_end_the_handle():
    """`release` ends it and a later call makes another; a closed store's ends too, whichever face closed it."""

    async def main():
        store = Remote()
        await store.aio.get("a")
        await store.aio.release()
        assert store.handles == []
        await store.aio.get("a")
        assert len(store.handles) == 1
        store.loop_handles.close()
        for _ in range(100):
            await asyncio.sleep(0.001)
            if not store.handles:
                return
        raise AssertionError("the handle is still there")

    asyncio.run(main())


def test_a_forked_child_makes_handles_of_its_own():
    """The child does not speak over the parent's handle."""
    store = Remote()
    store.data = {"a": 1}

    async def main():
        await store.aio.get("a")
        parents = store.handles[0]
        child = os.fork()
        if child == 0:

            def ask():
                good = False
                try:
                    good = asyncio.run(store.aio.get("a")) == 1 and store.handles[0] is parents
                finally:
                    os._exit(0 if good and len(store.loop_handles._kept) == 0 else 1)

            thread = threading.Thread(target=ask)
            thread.start()
            thread.join()
        assert (await asyncio.to_thread(os.waitpid, child, 0))[1] == 0
        assert store.handles == [parents]
        assert await store.aio.get("a") == 1

    asyncio.run(main())


def test_a_failed_handle_is_tried_again():
    """An error of the first connection comes to the caller, and the next call connects."""
    errors = [StoreError("away")]

    def connect():
        wait_for(asyncio.sleep(0))
        if errors:
            raise errors.pop()
        return "handle"

    handles = LoopHandles(connect)

    async def main():
        with pytest.raises(StoreError, match="away"):
            await drive(handles)
        return await drive(handles)

    assert asyncio.run(main()) == "handle"


# -- twins ---------------------------------------------------------------------------------------------------------


class Row:
    async def read(self):
        await asyncio.sleep(0)
        return "read"


class Client:
    """What asynchronous clients are made of."""

    name = "client"

    async def row(self):
        return Row()

    def itself(self):
        return self

    def is_mine(self, row):
        return type(row) is Row

    async def rows(self):
        for _ in range(2):
            await asyncio.sleep(0)
            yield Row()

    def __getitem__(self, key):
        return Row()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *exc_info):
        self.name = "left"


def test_a_twin_is_used_as_its_synchronous_twin_is():
    """Coroutines, generators, blocks and objects of the client's modules work without a word of asyncio."""

    def work():
        twin = Twin(Client(), __name__)
        assert twin.itself() is twin
        assert twin.name == "client"
        assert twin.row().read() == twin["a"].read() == "read"
        assert twin.is_mine(twin["a"])
        assert [row.read() for row in twin.rows()] == ["read", "read"]
        with twin as same:
            assert same is twin
        assert twin.name == "left"
        with pytest.raises(AttributeError, match="nothing"):
            _ = twin.nothing

    asyncio.run(drive(work))


# -- the choice of the mode ----------------------------------------------------------------------------------------


def test_the_mode_follows_from_every_engine(tmp_path):
    """A stack is bridged where all of its engines can be, those beside the first too."""
    lmdb = LmdbStore(tmp_path / "data")
    for store, mode in (
        (InMemoryStore(), "bridge"),
        (Cached(Remote()), "bridge"),
        (Retrying(Tiered(InMemoryStore(), Remote())), "bridge"),
        (lmdb, "threads"),
        (Tiered(InMemoryStore(), lmdb), "threads"),
        (MetadataIndex(Remote(), lmdb), "threads"),
        (InMemoryStore(UserDict()), "threads"),
    ):
        assert store.aio.mode == mode
        assert AsyncStore(store, mode="threads").mode == AsyncStore(store, threads=2).mode == "threads"
    with pytest.raises(UnsupportedError, match=r"LmdbStore.*threads"):
        AsyncStore(Tiered(InMemoryStore(), lmdb), mode="bridge")
    with pytest.raises(UnsupportedError, match="threads="):
        AsyncStore(InMemoryStore(), mode="bridge", threads=2)


def test_without_greenlet_every_store_goes_by_threads():
    """The face needs no extra, and says what a bridge would need."""
    program = """
import asyncio, sys
sys.modules["greenlet"] = None
import importlib.util
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "greenlet" else real(name, *rest)
from spoonbill import AsyncStore
from spoonbill.datastores import InMemoryStore
store = InMemoryStore()
assert store.aio.mode == "threads"
asyncio.run(store.aio.set("a", 1))
assert asyncio.run(store.aio.get("a")) == 1
try:
    AsyncStore(store, mode="bridge")
except Exception as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=120)
    assert "spoonbill-framework[async]" in done.stdout, done.stderr


def test_functions_of_others_and_files_go_by_threads(tmp_path):
    """In a bridge `run` calls a method of the store in it, any other function in a thread, and snapshots too."""
    store = InMemoryStore({"a": 1})

    async def main():
        face = store.aio
        assert face.mode == "bridge"
        assert await face.run(threading.get_ident) != threading.get_ident()
        assert await face.run(store.get, "a") == 1
        await face.save(tmp_path / "snapshot")
        await face.clear()
        await face.load(tmp_path / "snapshot")
        assert await face.copy() == {"a": 1}
        await face.release()

    asyncio.run(main())


def test_a_paused_layer_lets_the_loop_go_on():
    """Layers that wait between their attempts do it without blocking the loop."""
    failing = [StoreError("not yet")] * 2

    class Failing(Layer):
        def get(self, key, default=None):
            if failing:
                raise failing.pop()
            return super().get(key, default)

    store = Retrying(Failing(InMemoryStore({"a": 1})), pause=0.05)

    async def main():
        task, ticks = asyncio.create_task(store.aio.get("a")), 0
        while not task.done():
            await asyncio.sleep(0)
            ticks += 1
        assert ticks > 3
        return await task

    assert asyncio.run(main()) == 1
