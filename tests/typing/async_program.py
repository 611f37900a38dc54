"""An asynchronous program with types; `make check` reads it with both type checkers, and nothing runs it."""

from typing import assert_type

from spoonbill import AsyncStore, Store, aopen, copy, gt, lock
from spoonbill.aio import AsyncResults
from spoonbill.datastores import InMemoryStore, LmdbStore

numbers: Store[str, int] = InMemoryStore({"a": 1})
assert_type(numbers.aio, AsyncStore[str, int])
assert_type(AsyncStore(numbers, mode="threads", threads=8), AsyncStore[str, int])


async def main(s: AsyncStore[str, int]) -> None:
    """Use every form whose type depends on its arguments."""
    assert_type(await s.get("a"), int | None)
    assert_type(await s.get("a", 0), int)
    assert_type(await s.get("a", "none"), int | str)
    assert_type(await s.pop("a"), int)
    assert_type(await s.pop("a", None), int | None)
    assert_type(await s.delete("a"), bool)
    assert_type(await s.popitem(), tuple[str, int])
    assert_type(await s.modify("a", lambda number: number + 1), int)
    assert_type(await s.copy(), dict[str, int])
    async for key, value in s.items():
        assert_type(key, str)
        assert_type(value, int)
    async for key in s:
        assert_type(key, str)
    assert_type(s.items(gt(5), limit=3), AsyncResults[tuple[str, int]])
    assert_type(await s.keys("a.*"), list[str])
    assert_type(await s.keys().first(), str | None)
    assert_type(await s.values(), list[int])
    assert_type(await s.values(["a"]), list[int | None])
    assert_type(await s.values(["a"], 0), list[int])
    async with s.edit("a") as number:
        assert_type(number, int)
    assert_type(await s.run(len, "abc"), int)
    assert_type(s.sync, Store[str, int])
    await s.update({"a": 1})
    await s.set_many((key, 1) async for key in s)
    async with LmdbStore[str, int]("numbers").aio as inside:
        assert_type(inside, AsyncStore[str, int])
    assert_type((await copy(s, "memory:")).copied, int)
    assert_type(copy(numbers, "memory:").copied, int)
    async with lock(s, "door", ttl=5) as held:
        assert_type(held.token, int)
    with lock(numbers, "door", ttl=5) as held:
        assert_type(held.token, int)
    async with await aopen("memory:") as anything:
        await anything.set("a", 1)
