"""A lock that threads and the calls of an event loop wait for, each in its way."""

import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from spoonbill.common.bridging.bridge import Bridge, current, have_begun, on_first_bridge, wait_for

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterable
    from weakref import WeakSet

__all__ = ["WaitingLock", "follow_bridges", "new_waiting_lock"]

_RLock: Any = type(threading.RLock())
_AGAIN: Final = 0.05
"""Seconds after which a call looks again: a thread that took the lock before there were bridges wakes nobody."""


class _Lock(_RLock):  # type: ignore[misc] # the type in C, which the library's stub calls final
    """The interpreter's own lock of a thread, with room for what a lock of calls notes."""

    __slots__ = ("_bridge", "_count", "_waiting")

    def __init__(self) -> None:
        self._bridge: Bridge | None = None
        self._count = 0
        self._waiting: deque[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = deque()

    def _at_fork_reinit(self) -> None:
        """Be free in a forked child, where no other thread and no event loop goes on."""
        super()._at_fork_reinit()
        self._bridge, self._count = None, 0
        self._waiting.clear()


class WaitingLock(_Lock):
    """A re-entrant lock that belongs to a bridge, or to a thread outside of bridges.

    All calls of one event loop run in one thread, so a lock of the thread would let each of them in. Who waits in a
    bridge suspends it; who waits in a thread blocks it. Nobody is favoured: whoever comes first when it is free has it.
    """

    __slots__ = ()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *exc_info: object) -> None:
        self.release()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take it, as ``RLock.acquire`` does; in a bridge `timeout` is not heeded.

        Raises
        ------
        RuntimeError
            If a suspended call of this thread's event loop holds it: blocking the loop would never end.
        """
        bridge = current()
        if bridge is None:
            holder = self._bridge
            if holder is not None and holder.thread == threading.get_ident():
                raise RuntimeError(
                    "a call of this event loop holds the lock, and blocking the loop would never end: await the "
                    "store here too"
                )
            return bool(super().acquire(blocking, timeout))
        if self._bridge is not bridge and not self._take(bridge):
            if not blocking:
                return False
            self._suspend(bridge)
        self._count += 1
        return True

    def _take(self, bridge: Bridge) -> bool:
        """Take it for a bridge where it is free."""
        if self._bridge is None and super().acquire(blocking=False):
            self._bridge = bridge
            return True
        return False

    def release(self) -> None:
        """Let it go, as ``RLock.release`` does."""
        bridge = current()
        if bridge is None:
            super().release()
        elif self._bridge is not bridge:
            raise RuntimeError("a lock is released by who holds it")
        else:
            self._count -= 1
            if self._count:
                return
            self._bridge = None
            super().release()
        if self._waiting:
            self._wake()

    def _suspend(self, bridge: Bridge) -> None:
        """Wait until it was free for a bridge."""
        from asyncio import get_running_loop

        loop = get_running_loop()
        while True:
            ticket = loop, loop.create_future()
            self._waiting.append(ticket)
            # Looked at again behind the ticket: who lets it go from now on wakes us.
            if self._take(bridge):
                self._leave(ticket)
                return
            again = loop.call_later(_AGAIN, _call, ticket[1])
            try:
                wait_for(ticket[1])
            except BaseException:
                self._leave(ticket)
                raise
            finally:
                again.cancel()
            if self._take(bridge):
                self._leave(ticket)
                return
            self._forget(ticket)

    def _leave(self, ticket: "tuple[asyncio.AbstractEventLoop, Any]") -> None:
        """Give up a ticket; where it was called already, call the next one."""
        if not self._forget(ticket):
            self._wake()

    def _forget(self, ticket: "tuple[asyncio.AbstractEventLoop, Any]") -> bool:
        """Take a ticket out, and return whether it was not called yet."""
        try:
            self._waiting.remove(ticket)
        except ValueError:
            return False
        return True

    def _wake(self) -> None:
        while self._waiting:
            try:
                loop, future = self._waiting.popleft()
                loop.call_soon_threadsafe(_call, future)
            except (IndexError, RuntimeError):  # another one was faster, or that loop is closed
                continue
            return


class _ThreadsLock(_Lock):
    """The same lock before there is a bridge: its steps are those in C, which no signal cuts in two."""

    __slots__ = ()


def new_waiting_lock() -> Any:
    """Return a lock of threads, for `follow_bridges`; where a bridge has begun already, one of calls too."""
    return WaitingLock() if have_begun() else _ThreadsLock()


def follow_bridges(lock: Any, among: "WeakSet[Any]") -> None:
    """Have a lock become one of calls with the first bridge of the process.

    Parameters
    ----------
    lock : Lock
        A lock.
    among : WeakSet
        All locks of the process, which this one was put into.
    """
    if on_first_bridge(_let_calls_in, among):
        _let_calls_in([lock])


def _let_calls_in(locks: "Iterable[Any]") -> None:
    """Make locks of threads those of calls. Who holds one, or waits for it, goes on as before."""
    for lock in list(locks):
        if type(lock) is _ThreadsLock:
            lock.__class__ = WaitingLock


def _call(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
