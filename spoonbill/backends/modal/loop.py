"""How a store waits for modal's client: on an event loop of its own, with a limit in time, many calls side by side.

The client's plain calls wait for as long as the service is silent; its coroutines can be given up. They cost the same.
"""

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from typing import Any, TypeVar

from spoonbill.common.batching import batches
from spoonbill.common.failures import suppress_failures
from spoonbill.common.locks import new_lock

__all__ = ["CONCURRENCY", "Calls"]

T = TypeVar("T")

CONCURRENCY = 32
"""How many calls of one batch are under way at the same time."""

_BATCH = 1000
"""How many calls of a batch are made ready at once."""

_PAGE = 256
"""How many entries of a listing are handed over at once."""


class _Loop:
    """One event loop in a thread of its own, shared by all stores of this process."""

    def __init__(self) -> None:
        self._lock = new_lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def __call__(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="spoonbill-modal", daemon=True).start()
            return self._loop

    def forget(self) -> None:
        """Leave the parent's loop behind in a forked child, where its thread does not exist."""
        self.__init__()  # type: ignore[misc] # exactly what a new one is


_loop = _Loop()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_loop.forget)


class Calls:
    """Runs coroutines of the client, each for a limited time.

    Parameters
    ----------
    timeout : float
        Seconds for which one call may take. A call that takes longer is given up with a ``TimeoutError``.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        """Return what one call answers."""
        return self._wait(self._limited(call))

    def run_all(self, call: Callable[[Any], Coroutine[Any, Any, T]], things: Iterable[Any]) -> Iterator[T]:
        """Yield the answers to a call for each of `things`, in order; up to `CONCURRENCY` are under way at a time.

        The first error ends it, and calls that are still under way are given up.
        """
        for some in batches(things, _BATCH):
            yield from self._wait(self._gathered(call, some))

    def pages(self, listing: AsyncIterator[T]) -> Iterator[T]:
        """Yield what a listing of the client yields, read page by page."""
        reader = os.getpid()
        try:
            while page := self._wait(self._limited(_next_page(listing))):
                yield from page
        finally:
            # At the end of the program, and in a forked child, nobody is there any more to end the listing.
            if os.getpid() == reader and not sys.is_finalizing():
                with suppress_failures():
                    self._wait(self._limited(_end(listing)))

    async def _limited(self, call: Coroutine[Any, Any, T]) -> T:
        async with asyncio.timeout(self._timeout):
            return await call

    async def _gathered(self, call: Callable[[Any], Coroutine[Any, Any, T]], things: list[Any]) -> list[T]:
        free = asyncio.Semaphore(CONCURRENCY)

        async def one(thing: Any) -> T:
            async with free:
                return await self._limited(call(thing))

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(thing)) for thing in things]
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return [task.result() for task in tasks]

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        future = asyncio.run_coroutine_threadsafe(work, _loop())
        try:
            return future.result()
        finally:
            future.cancel()  # where the wait was interrupted


async def _next_page(listing: AsyncIterator[T]) -> list[T]:
    page: list[T] = []
    async for thing in listing:
        page.append(thing)
        if len(page) == _PAGE:
            break
    return page


async def _end(listing: Any) -> None:
    await listing.aclose()
