"""Handles of an engine by which event loops wait for it: one a loop, closed when the loop ends."""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from functools import partial
from typing import Any, Generic, TypeVar
from weakref import WeakSet, finalize

from spoonbill.common.bridging.bridge import drive, wait_for
from spoonbill.common.locks import waiting_lock
from spoonbill.common.weak import weakly

__all__ = ["LoopHandles"]

H = TypeVar("H")
_Kept = dict[asyncio.AbstractEventLoop, tuple[Any, AsyncGenerator[None, None]]]

_all: WeakSet["LoopHandles[Any]"] = WeakSet()
_of_the_parent: list[Any] = []


class LoopHandles(Generic[H]):
    """The handle of the running event loop, made at its first call inside a bridge.

    A client of asyncio belongs to one event loop. The handle is closed when its loop ends by ``asyncio.run``, when the
    face is released or closed. Where the loop was closed without a word it is let go at the next call of another loop.

    Parameters
    ----------
    connect : callable
        Makes a handle. Runs in a bridge, so that it may wait.
    disconnect : callable, optional
        Closes a handle, in a bridge of its loop.

    Examples
    --------
    >>> import asyncio
    >>> from spoonbill.aio import LoopHandles, wait_for
    >>> from spoonbill.datastores import InMemoryStore
    >>> handle = LoopHandles(lambda: wait_for(asyncio.sleep(0, "connected")))
    >>> asyncio.run(InMemoryStore().aio._calls.call(handle))
    'connected'
    """

    def __init__(
        self,
        connect: Callable[[], H],
        disconnect: Callable[[H], object] | None = None,
    ) -> None:
        self._connect = weakly(connect)
        self._disconnect = disconnect
        self._kept: _Kept = {}
        self._lock = waiting_lock()
        self._release = finalize(self, _let_all_go, self._kept)
        self._release.atexit = False
        _all.add(self)

    def __call__(self) -> H:
        """Return the handle of the running loop."""
        loop = asyncio.get_running_loop()
        kept = self._kept.get(loop)
        return self._connected(loop) if kept is None else kept[0]

    def _connected(self, loop: asyncio.AbstractEventLoop) -> H:
        with self._lock:
            if loop in self._kept:  # another call was first
                return self._kept[loop][0]  # type: ignore[no-any-return]
            for other in [other for other in list(self._kept) if other.is_closed()]:
                _let_go(self._kept, other)
            handle = self._connect()
            until = _until_the_end(self._kept, loop, handle, self._disconnect)
            wait_for(anext(until))  # the loop closes what it knows of when it ends
            self._kept[loop] = handle, until
            return handle

    async def release(self) -> None:
        """Close the handle of the running loop. A later call makes a new one."""
        kept = self._kept.get(asyncio.get_running_loop())
        if kept is not None:
            await kept[1].aclose()

    def close(self) -> None:
        """Close the handles of all loops, each as soon as its loop has time for it."""
        _let_all_go(self._kept)

    def forget(self) -> None:
        """Let go of the parent's handles in a forked child, without a word to the engine."""
        _of_the_parent.append(dict(self._kept))
        self._kept.clear()


async def _until_the_end(
    kept: _Kept, loop: asyncio.AbstractEventLoop, handle: Any, disconnect: Callable[[Any], object] | None
) -> AsyncGenerator[None, None]:
    """Wait until the loop ends its asynchronous generators, or until somebody else ends this one."""
    try:
        yield
    finally:
        kept.pop(loop, None)
        if disconnect is not None:
            await drive(partial(disconnect, handle))


def _let_all_go(kept: _Kept) -> None:
    for loop in list(kept):
        _let_go(kept, loop)


def _let_go(kept: _Kept, loop: asyncio.AbstractEventLoop) -> None:
    found = kept.pop(loop, None)
    if found is not None:
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(_finish, loop, found[1])


def _finish(loop: asyncio.AbstractEventLoop, until: AsyncGenerator[None, None]) -> None:
    task = loop.create_task(_ended(until))
    _finishing.add(task)
    task.add_done_callback(_finishing.discard)


async def _ended(until: AsyncGenerator[None, None]) -> None:
    await until.aclose()


_finishing: set["asyncio.Task[None]"] = set()


def _forget_all() -> None:
    for handles in list(_all):
        handles.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
