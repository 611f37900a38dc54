"""Calls in threads, awaited by an event loop."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Final, ParamSpec, TypeVar, cast

from spoonbill.common.locks import new_lock

__all__ = ["THREADS", "Threads"]

P = ParamSpec("P")
R = TypeVar("R")

THREADS: Final = 40
"""The most calls of one store that run at once, where nothing else is asked for."""


class Threads:
    """An executor of its own, made at the first call, and made anew in a forked child or after it was stopped.

    Parameters
    ----------
    count : int
        The most calls that run at once; later ones wait.
    """

    def __init__(self, count: int) -> None:
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise ValueError(f"threads is a number of threads from 1 on, not {count!r}")
        self.count = count
        self._executor: ThreadPoolExecutor | None = None
        self._process = 0
        self._guard = new_lock()

    async def call(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a function in a thread, with the context variables of the caller, and return what it returned.

        Where the caller is cancelled, a call that has not begun never begins, and one that runs is waited for before
        the cancellation goes on: left alone, a cancelled write could land after a later one.
        """
        context = copy_context()

        def attempt() -> tuple[R | None, BaseException | None]:
            # Handed over as data: a future refuses StopIteration, and takes a CancelledError for its own.
            try:
                return context.run(function, *args, **kwargs), None
            except BaseException as error:
                return None, error

        value, error = await _finished(self._submit(attempt))
        try:
            if error is not None:
                raise error
            return cast("R", value)
        finally:
            del error  # it holds this frame by its traceback

    def _submit(self, attempt: Callable[[], R]) -> "Future[R]":
        with self._guard:
            if self._executor is None or self._process != os.getpid():
                self._executor = ThreadPoolExecutor(self.count, thread_name_prefix="spoonbill-aio")
                self._process = os.getpid()
            return self._executor.submit(attempt)

    def stop(self) -> None:
        """Let the threads end once they have done what was asked. A later call starts new ones."""
        with self._guard:
            executor, self._executor = self._executor, None
            own = self._process == os.getpid()
        if executor is not None and own:
            executor.shutdown(wait=False)


async def _finished(future: "Future[R]") -> R:
    """Wait for a call until it has ended, whatever comes meanwhile."""
    answer = asyncio.wrap_future(future)
    cancelled: asyncio.CancelledError | None = None
    while not answer.done():
        try:
            await asyncio.wait([answer])
        except asyncio.CancelledError as error:
            cancelled = error
            if future.cancel():  # it had not begun
                break
    if cancelled is None:
        return answer.result()
    try:
        raise cancelled
    finally:
        del cancelled
