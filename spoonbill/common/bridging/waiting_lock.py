"""A lock that threads and the calls of an event loop wait for, each in its way."""

import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from spoonbill.common.bridging.bridge import Bridge, caller, current, wait_for

if TYPE_CHECKING:
    import asyncio

__all__ = ["WaitingLock"]


class WaitingLock:
    """A re-entrant lock that belongs to a bridge, or to a thread outside of bridges.

    All calls of one event loop run in one thread, so a lock of the thread would let each of them in. Who waits in a
    bridge suspends it; who waits in a thread blocks it. Nobody is favoured: whoever comes first when it is free has it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner: Bridge | int | None = None
        self._count = 0
        self._waiting: deque[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = deque()

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
        me: Bridge | int = threading.get_ident() if bridge is None else bridge
        if self._owner == me:
            self._count += 1
            return True
        if not self._lock.acquire(blocking=False):
            if not blocking:
                return False
            if bridge is not None:
                self._suspend()
            else:
                owner = self._owner
                if isinstance(owner, Bridge) and owner.thread == me:
                    raise RuntimeError(
                        "a call of this event loop holds the lock, and blocking the loop would never end: await the "
                        "store here too"
                    )
                if not self._lock.acquire(timeout=timeout):
                    return False
        self._owner, self._count = me, 1
        return True

    def release(self) -> None:
        """Let it go, as ``RLock.release`` does."""
        if self._owner != (caller()):
            raise RuntimeError("a lock is released by who holds it")
        self._count -= 1
        if not self._count:
            self._owner = None
            self._lock.release()
            if self._waiting:
                self._wake()

    def _suspend(self) -> None:
        """Wait in a bridge until it was free for this one."""
        from asyncio import get_running_loop

        loop = get_running_loop()
        while True:
            ticket = loop, loop.create_future()
            self._waiting.append(ticket)
            # Looked at again behind the ticket: who lets it go from now on wakes us.
            if self._lock.acquire(blocking=False):
                self._leave(ticket)
                return
            try:
                wait_for(ticket[1])
            except BaseException:
                self._leave(ticket)
                raise
            if self._lock.acquire(blocking=False):
                return

    def _leave(self, ticket: "tuple[asyncio.AbstractEventLoop, Any]") -> None:
        """Give up a ticket; where it was called already, call the next one."""
        try:
            self._waiting.remove(ticket)
        except ValueError:
            if not self._lock.locked():
                self._wake()

    def _wake(self) -> None:
        while self._waiting:
            try:
                loop, future = self._waiting.popleft()
                loop.call_soon_threadsafe(_call, future)
            except (IndexError, RuntimeError):  # another one was faster, or that loop is closed
                continue
            return

    def _at_fork_reinit(self) -> None:
        """Be free in a forked child, where no other thread and no event loop goes on."""
        self._lock = threading.Lock()
        self._owner, self._count = None, 0
        self._waiting.clear()


def _call(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
