"""What the asynchronous face promises beside the verbs: cancellation, iteration, threads, both faces of one stack."""

import asyncio
import contextvars
import os
import threading

import pytest

import spoonbill
from spoonbill import AsyncStore, Cached, Layer, Store
from spoonbill.common.sentinels import MISSING
from spoonbill.datastores import InMemoryStore, LmdbStore
from spoonbill.errors import ClosedError, StoreError, UnsupportedError
from spoonbill.testing import Counting


class Gate(Layer):
    """Holds every set until it is let go, and notes what was written."""

    def __init__(self, store):
        super().__init__(store)
        self.began, self.go = threading.Semaphore(0), threading.Event()
        self.written = []

    def set(self, key, value, **options):
        self.began.release()
        assert self.go.wait(30)
        self.written.append(key)
        super().set(key, value, **options)


class Torn(Layer):
    """A store whose listing fails after some keys; counts what was taken, and whether the listing was closed."""

    def __init__(self, store, after):
        super().__init__(store)
        self.after, self.taken, self.ended = after, 0, threading.Event()

    def iter(self):
        try:
            for number in range(1, self.after + 1):
                self.taken = number
                yield str(number)
            raise StoreError("the listing broke")
        finally:
            self.ended.set()


def test_every_method_of_a_store_has_its_form():
    """Whatever can be asked of a store can be asked of its face, save for what a dict's syntax or `run` gives."""
    by_run = {"entries", "iter", "select", "plan", "split", "shares", "matches", "canonical", "compile_keys"}
    plain = {"native", "route", "describe", "capabilities", "fromkeys", "raw", "client", "aio"}
    names = {name for name in dir(Store) if not name.startswith("_") and callable(getattr(Store, name))}
    assert names - by_run - plain - set(dir(AsyncStore)) == set()


def test_a_verb_is_a_coroutine_function():
    """Each verb can be given to create_task and to a task group."""

    async def main():
        store = InMemoryStore({"a": 1}).aio
        async with asyncio.TaskGroup() as group:
            task = group.create_task(store.get("a"))
        return task.result()

    assert asyncio.run(main()) == 1


def test_a_call_that_has_not_begun_is_never_made():
    """A cancelled call that waits for a thread raises at once and writes nothing."""
    gate = Gate(InMemoryStore())

    async def main():
        store = AsyncStore(gate, threads=1)
        first = asyncio.create_task(store.set("first", 1))
        assert await asyncio.to_thread(gate.began.acquire, timeout=30)
        second = asyncio.create_task(store.set("second", 2))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        assert not first.done()
        gate.go.set()
        await first
        await store.release()

    asyncio.run(main())
    assert gate.written == ["first"]


def test_a_call_that_is_cancelled_again_and_again_is_still_waited_for():
    """Many cancellations of one running write end in one error, after the write."""
    gate = Gate(InMemoryStore())

    async def main():
        task = asyncio.create_task(AsyncStore(gate, mode="threads").set("a", 1))
        assert await asyncio.to_thread(gate.began.acquire, timeout=30)
        for _ in range(5):
            task.cancel()
            await asyncio.sleep(0)
        assert not task.done()
        gate.go.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert gate.written == ["a"]


def test_a_timeout_is_a_timeout():
    """A time-out around a call is a TimeoutError, once the write is over."""
    gate = Gate(InMemoryStore())

    async def main():
        asyncio.get_running_loop().call_later(0.05, gate.go.set)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await AsyncStore(gate, mode="threads").set("a", 1)
        assert gate.written == ["a"]

    asyncio.run(main())


def test_a_storm_of_cancellations_leaves_what_was_told():
    """Of many writes, some of them cancelled, each that returned is there, and no thread stays behind."""

    async def main():
        async with AsyncStore(InMemoryStore(), threads=4) as store:
            tasks = [asyncio.create_task(store.set(str(number), number)) for number in range(500)]
            await asyncio.sleep(0)
            for task in tasks[::3]:
                task.cancel()
            told = await asyncio.gather(*tasks, return_exceptions=True)
            held = await store.copy()
            for number, answer in enumerate(told):
                assert answer is None or isinstance(answer, asyncio.CancelledError)
                assert answer is not None or held[str(number)] == number
            assert sum(answer is None for answer in told) >= 500 - len(tasks[::3])

    before = set(threading.enumerate())
    asyncio.run(main())
    for thread in set(threading.enumerate()) - before:
        thread.join(30)
    assert set(threading.enumerate()) <= before


def test_an_error_comes_after_the_items_before_it():
    """A listing that breaks gives every item that it had, then its error."""
    for after in (0, 1, 2, 3, 70, 200):
        store, seen = Torn(InMemoryStore(), after), []

        async def main():
            async for key in store.aio:
                seen.append(key)

        with pytest.raises(StoreError, match="broke"):
            asyncio.run(main())
        assert seen == [str(number) for number in range(1, after + 1)]


def test_a_listing_is_read_on_demand_and_closed_when_it_is_left():
    """At most 63 items are read ahead of the loop, the first alone, and leaving the loop ends the listing."""
    for wanted, most in ((1, 1), (2, 3), (100, 163)):
        store = Torn(InMemoryStore(), 1000)

        async def main():
            seen = 0
            async for _ in store.aio.scan():
                seen += 1
                assert store.taken - seen <= 63
                if seen == wanted:
                    break
            assert store.taken <= most
            assert await asyncio.to_thread(store.ended.wait, 30)

        asyncio.run(main())


def test_an_error_of_any_kind_comes_through():
    """What a function raises in a thread is raised here, also what a future would not take."""

    def fail(error):
        raise error

    async def main():
        store = InMemoryStore().aio
        with pytest.raises(KeyError):
            await store.run(fail, KeyError("a"))
        with pytest.raises(asyncio.CancelledError):
            await store.run(fail, asyncio.CancelledError())
        with pytest.raises(RuntimeError, match="StopIteration"):
            await store.run(fail, StopIteration())

    asyncio.run(main())


def test_context_variables_go_along():
    """A layer sees the context variables of the task that called."""
    name = contextvars.ContextVar("name")

    async def main():
        name.set("ada")
        return await InMemoryStore().aio.run(name.get)

    assert asyncio.run(main()) == "ada"


def test_both_faces_share_one_cache():
    """What one face read is in the cache of the other, and what one wrote the other sees."""
    below = Counting(InMemoryStore({"a": 1}))
    store = Cached(below)
    assert asyncio.run(store.aio.get("a")) == store["a"] == 1
    assert below.counts["get"] == 1
    asyncio.run(store.aio.set("a", 2))
    assert store["a"] == 2


def test_atomic_verbs_of_tasks_and_threads_mixed():
    """Of many that add or take one key at once by both faces, one succeeds."""
    store = Cached(InMemoryStore())

    async def main(verb, *arguments):
        face = store.aio
        mixed = [face.add(*arguments) if verb == "add" else face.pop(*arguments) for _ in range(10)]
        mixed += [asyncio.to_thread(getattr(store, verb), *arguments) for _ in range(10)]
        return await asyncio.gather(*mixed)

    assert sum(asyncio.run(main("add", "a", 1))) == 1
    assert [one for one in asyncio.run(main("pop", "a", MISSING)) if one is not MISSING] == [1]


def test_an_edit_that_raises_writes_nothing():
    """A block that raises leaves the value as it was; one that ends writes it back."""

    async def main():
        store = InMemoryStore({"a": {"n": 1}}).aio
        with pytest.raises(ValueError, match="stop"):
            async with store.edit("a") as value:
                value["n"] = 5
                raise ValueError("stop")
        assert await store.get("a") == {"n": 1}
        async with store.edit("a") as value:
            value["n"] = 2
        assert await store.get("a") == {"n": 2}

    asyncio.run(main())


def test_a_coroutine_function_is_refused():
    """A function that would have to be awaited is refused before anything is stored."""

    async def change(value):
        return value

    async def main():
        store = InMemoryStore({"a": 1}).aio
        for call in (store.modify("a", change), store.run(change, 1)):
            with pytest.raises(TypeError, match="coroutine function"):
                await call
        assert await store.copy() == {"a": 1}

    asyncio.run(main())


def test_wrong_arguments_are_refused():
    """What is no store, no mode or no number of threads is named in the error, and so is a ttl that cannot be kept."""
    with pytest.raises(TypeError, match="dict"):
        AsyncStore({})
    with pytest.raises(ValueError, match="bridges"):
        AsyncStore(InMemoryStore(), mode="bridges")
    for threads in (0, -1, True, 1.5):
        with pytest.raises(ValueError, match="threads"):
            AsyncStore(InMemoryStore(), threads=threads)
    with pytest.raises(UnsupportedError, match="ttl"):
        asyncio.run(InMemoryStore().aio.set("a", 1, ttl=5))


def test_a_closed_store_refuses(tmp_path):
    """After the end of ``async with`` both faces refuse."""
    store = LmdbStore(tmp_path / "data")

    async def main():
        async with store.aio as face:
            await face.set("a", 1)
        with pytest.raises(ClosedError):
            await face.get("a")
        await face.release()

    asyncio.run(main())
    with pytest.raises(ClosedError):
        store["a"]


def test_an_address_is_opened(tmp_path):
    """`aopen` opens what `open` opens, and refuses what it refuses."""

    async def main():
        async with await spoonbill.aopen(f"lmdb:{tmp_path / 'data'}?cache=10") as store:
            assert isinstance(store.sync, Cached)
            await store.set("a", 1)
            await store.save(tmp_path / "snapshot")
            await store.clear()
            await store.load(tmp_path / "snapshot")
            assert await store.copy() == {"a": 1}
        with pytest.raises(UnsupportedError):
            await spoonbill.aopen("nothing:")

    asyncio.run(main())


def test_a_forked_child_has_threads_of_its_own():
    """A face that was used before a fork works in the child."""
    store = InMemoryStore({"a": 1})
    asyncio.run(store.aio.get("a"))
    child = os.fork()
    if child == 0:
        os._exit(0 if asyncio.run(store.aio.get("a")) == 1 else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_store_is_freed_with_its_face():
    """A face keeps its store in no cycle: both go away with the last name for them."""
    import gc
    import weakref

    store = InMemoryStore({"a": 1})
    asyncio.run(store.aio.get("a"))
    gone = weakref.ref(store)
    gc.disable()
    try:
        del store
        assert gone() is None
    finally:
        gc.enable()
