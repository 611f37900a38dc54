"""The contract of the asynchronous face."""

import asyncio
import pickle
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from spoonbill.common.sentinels import MISSING
from spoonbill.store import Layer, Store
from spoonbill.testing.samples import Samples

__all__ = ["AsyncContract"]


class AsyncContract(Samples):
    """Inherit it, write `make`, and pytest tries ``store.aio`` of your store. Needs no plugin for asyncio.

    ::

        class TestMyStoreInServices(AsyncContract):
            def make(self, path):
                return MyStore(path / "data")
    """

    def test_verbs_mean_what_they_mean(self, store: Store[Any, Any]) -> None:
        """Each verb does through the face what it does in the store, and both see one content."""
        key, (one, two, three) = self.keys[0], self.values[:3]

        async def main() -> None:
            face = store.aio
            assert await face.get(key, MISSING) is MISSING
            await face.set(key, one)
            assert store.get(key) == await face.get(key) == one
            assert await face.has(key)
            assert not await face.add(key, two)
            assert await face.replace(key, one, two)
            assert await face.modify(key, lambda _: three) == three
            async with face.edit(key):
                pass
            assert not await face.discard(key, one)
            assert await face.pop(key) == three
            with pytest.raises(KeyError):
                await face.pop(key)
            assert await face.setdefault(key, one) == one
            assert await face.popitem() == (key, one)
            with pytest.raises(KeyError):
                await face.popitem()
            assert await face.delete(key) is False

        asyncio.run(main())

    def test_batches_and_listings(self, store: Store[Any, Any]) -> None:
        """Batches keep order and absences, also of asynchronous iterables, and each listing yields every entry once."""

        async def main() -> None:
            face = store.aio
            await face.update(self.pairs)
            assert await face.count() == len(self.pairs)
            assert await face.get_many([self.keys[1], self.keys[0]]) == [self.values[1], self.values[0]]
            assert dict([pair async for pair in face.items()]) == await face.copy() == self.pairs
            assert sorted([key async for key in face]) == sorted(await face.keys()) == sorted(self.keys)
            assert await face.values(self.keys) == list(self.values)
            assert len(await face.values()) == len(self.values)
            assert len(await face.keys(limit=2)) == len(await face.items(limit=2)) == 2
            assert await face.delete_many(face.keys()) == len(self.keys)
            assert await face.keys().first() is None
            await face.set_many(pair async for pair in _paired(self.pairs))
            assert await face.copy() == self.pairs
            await face.clear()
            assert await face.count() == 0

        asyncio.run(main())

    def test_a_long_listing_may_be_left(self, store: Store[Any, Any]) -> None:
        """A listing of many entries is whole, and one that is left early keeps no later call from its work."""
        store.update(self.plenty)

        async def main() -> None:
            face = store.aio
            assert dict([pair async for pair in face.items()]) == self.plenty
            async for key in face:
                await face.delete(key)
                break
            assert await face.count() == len(self.plenty) - 1
            await face.clear()

        asyncio.run(main())

    def test_one_of_many_tasks_adds(self, store: Store[Any, Any]) -> None:
        """Of many tasks that add one key, one does."""

        async def main() -> list[bool]:
            return await asyncio.gather(*(store.aio.add(self.keys[0], self.values[0]) for _ in range(20)))

        assert sum(asyncio.run(main())) == 1

    def test_a_cancelled_write_is_over_when_it_raises(self, store: Store[Any, Any]) -> None:
        """By threads a cancelled set that had begun is done before the cancellation is seen, so a later set stays."""
        held = _Held(store)

        async def main() -> None:
            face = type(held.aio)(held, mode="threads")
            task = asyncio.create_task(face.set(self.keys[0], self.values[0]))
            assert await asyncio.to_thread(held.began.wait, 30)
            task.cancel()
            done, _ = await asyncio.wait([task], timeout=0.05)
            assert not done
            held.go.set()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert store.get(self.keys[0]) == self.values[0]
            await store.aio.set(self.keys[0], self.values[1])

        asyncio.run(main())
        assert store.get(self.keys[0]) == self.values[1]

    def test_one_loop_after_another(self, store: Store[Any, Any]) -> None:
        """A face outlives the event loop that used it first."""
        face = store.aio
        asyncio.run(face.set(self.keys[0], self.values[0]))
        assert asyncio.run(face.get(self.keys[0])) == self.values[0]

    def test_it_pickles_as_its_store_does(self, store: Store[Any, Any]) -> None:
        """A face pickles as its configuration, and its repr is the expression that makes it."""
        face = store.aio
        assert repr(face) == f"AsyncStore({store!r})"
        try:
            kept = pickle.dumps(store)
        except Exception as error:
            with pytest.raises(type(error)):
                pickle.dumps(face)
            return
        other, twin = pickle.loads(pickle.dumps(face)), pickle.loads(kept)
        assert repr(other.sync) == repr(twin)
        asyncio.run(other.close())
        twin.close()

    def test_closing_closes_the_store(self, store: Store[Any, Any]) -> None:
        """The end of ``async with`` closes the store for both faces, and closing twice is no error."""

        async def main() -> None:
            async with store.aio as face:
                await face.set(self.keys[0], self.values[0])
            assert face.closed == store.closed
            await face.close()

        others = set(threading.enumerate())  # of stores that somebody else has not closed
        asyncio.run(main())
        for thread in set(threading.enumerate()) - others:
            if thread.name.startswith("spoonbill-aio"):
                thread.join(30)
                assert not thread.is_alive()


class _Held(Layer[Any, Any]):
    """A layer whose set waits until it is let go."""

    def __init__(self, store: Store[Any, Any]) -> None:
        super().__init__(store)
        self.began, self.go = threading.Event(), threading.Event()

    def set(self, key: Any, value: Any, *arguments: Any, **options: Any) -> None:
        self.began.set()
        self.go.wait(30)
        super().set(key, value, *arguments, **options)


async def _paired(pairs: dict[Any, Any]) -> AsyncIterator[tuple[Any, Any]]:
    for pair in pairs.items():
        yield pair
