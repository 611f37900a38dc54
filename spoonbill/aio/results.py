"""What a search gives to ``async for`` and ``await``."""

from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Iterator
from itertools import islice
from typing import Any, Final, Generic, TypeVar, overload

from spoonbill.aio.bridges import Bridges
from spoonbill.aio.threads import Threads

__all__ = ["AsyncResults"]

T = TypeVar("T")
D = TypeVar("D")

_MOST: Final = 64
"""The most items that are fetched in one step; the steps double from one item on."""


class AsyncResults(Generic[T]):
    """Results that are read when they are asked for: by ``async for``, ``await results`` or ``await results.first()``.

    Each reading asks the store anew. ``async for`` fetches 1, 2, 4, ... and then 64 items in one step, so at most 63
    are read ahead of the loop; an error comes after the items that were read before it.

    Examples
    --------
    >>> import asyncio
    >>> from spoonbill.datastores import InMemoryStore
    >>> async def main():
    ...     results = InMemoryStore({"a": 1, "b": 2}).aio.keys()
    ...     return await results, await results.first(), [key async for key in results]
    >>> asyncio.run(main())
    (['a', 'b'], 'a', ['a', 'b'])
    """

    def __init__(self, calls: Bridges | Threads, search: Callable[[], Iterable[T]], description: str) -> None:
        self._calls = calls
        self._search = search
        self._description = description

    async def __aiter__(self) -> AsyncGenerator[T, None]:
        iterator = await self._calls.call(lambda: iter(self._search()))
        size = 1
        try:
            while True:
                items, error = await self._calls.call(_pulled, iterator, size)
                for item in items:
                    yield item
                if error is not None:
                    raise error
                if len(items) < size:
                    return
                size = min(2 * size, _MOST)
        finally:
            close = getattr(iterator, "close", None)
            if close is not None:
                await self._calls.call(close)

    def __await__(self) -> Generator[Any, None, list[T]]:
        return self._calls.call(lambda: list(self._search())).__await__()

    @overload
    async def first(self) -> T | None: ...

    @overload
    async def first(self, default: D) -> T | D: ...

    async def first(self, default: Any = None) -> Any:
        """Return the first result, or `default` where there is not one."""
        return await self._calls.call(lambda: next(iter(self._search()), default))

    def __repr__(self) -> str:
        return f"<AsyncResults: {self._description}>"


def _pulled(iterator: Iterator[T], size: int) -> tuple[list[T], BaseException | None]:
    """Return the next items, and the error that came after them."""
    items: list[T] = []
    try:
        items.extend(islice(iterator, size))
    except BaseException as error:
        return items, error
    return items, None
