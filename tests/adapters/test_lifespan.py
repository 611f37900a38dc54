"""Stores that an ASGI application opens and closes."""

import asyncio

import pytest

from spoonbill import AsyncStore, Cached, Layer
from spoonbill.adapters import lifespan
from spoonbill.datastores import InMemoryStore, LmdbStore


class Closing(Layer):
    """Notes when it is closed, and may fail at it."""

    def __init__(self, store, notes, error=None):
        super().__init__(store)
        self.notes, self.error = notes, error

    def close(self):
        self.notes.append(self.error)
        if self.error is not None:
            raise self.error


def test_it_opens_what_it_is_given(tmp_path):
    """An address, a store, a face and a function all become faces under their names, and are closed at the end."""
    store, made = LmdbStore(tmp_path / "one"), []

    def make():
        made.append(LmdbStore(tmp_path / "two"))
        return made[0]

    context = lifespan(
        address=f"lmdb:{tmp_path / 'three'}?cache=10",
        store=store,
        face=lambda: AsyncStore(InMemoryStore(), mode="threads"),
        function=make,
    )
    assert not made

    async def main():
        async with context(object()) as state:
            assert list(state) == ["address", "store", "face", "function"]
            assert all(type(one) is AsyncStore for one in state.values())
            assert isinstance(state["address"].sync, Cached)
            assert state["face"].mode == "threads"
            await state["function"].set("a", 1)
            assert made[0]["a"] == 1
        assert store.closed
        assert made[0].closed

    asyncio.run(main())


def test_all_are_closed_whatever_one_of_them_raises():
    """The last one is closed first, each of them, and the error comes out."""
    notes = []
    error = OSError("first")
    context = lifespan(
        one=Closing(InMemoryStore(), notes),
        two=Closing(InMemoryStore(), notes, error),
        three=Closing(InMemoryStore(), notes),
    )

    async def main():
        async with context(None):
            pass

    with pytest.raises(OSError, match="first"):
        asyncio.run(main())
    assert notes == [None, error, None]


def test_what_was_opened_is_closed_where_the_next_cannot_be():
    """An application that cannot start leaves nothing open."""
    notes = []

    def fail():
        raise ValueError("no such store")

    async def main():
        async with lifespan(one=Closing(InMemoryStore(), notes), two=fail)(None):
            raise AssertionError

    with pytest.raises(ValueError, match="no such store"):
        asyncio.run(main())
    assert notes == [None]
