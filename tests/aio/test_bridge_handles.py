"""Handles of event loops, and how a stack is waited for."""

import asyncio
import gc
import os
import subprocess
import sys
import threading
import weakref
from collections import UserDict

import pytest

from spoonbill import AsyncStore, Cached, Layer, MetadataIndex, Retrying, Tiered
from spoonbill.aio import LoopHandles, wait_for
from spoonbill.common.bridging.bridge import drive
from spoonbill.datastores import InMemoryStore, LmdbStore
from spoonbill.errors import StoreError, UnsupportedError
from tests.aio.remote import Remote


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
        for _ in range(10_000):
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
        task = asyncio.create_task(store.aio.get("a"))
        await asyncio.sleep(0)
        assert not task.done(), "it went through all attempts at once, and the loop waited with it"
        return await task

    assert asyncio.run(main()) == 1
