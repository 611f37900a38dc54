"""One connection to a Redis server for all callers of an event loop: requests as they come, answers in their order."""

import asyncio
import select
from collections import deque
from collections.abc import Sequence
from typing import Any, Final

import redis.exceptions as theirs

from spoonbill.backends.redis.replies import Replies
from spoonbill.backends.redis.wire import pack
from spoonbill.common.bridging.bridge import wait_for

__all__ = ["Line", "packed"]

_CLOSED: Final = "Connection closed by server."
_ROUNDS: Final = 3
"""Rounds of the loop within which it hears what has come."""


class Line(asyncio.Protocol):
    """Takes over a connection that was greeted. A caller who is cut off leaves its answer to be thrown away.

    Parameters
    ----------
    connection : redis.asyncio.connection.AbstractConnection
        Connected.
    timeout : float or None
        Seconds for which the server may be silent while answers are missing; then the line is given up.
    """

    def __init__(self, connection: Any, timeout: float | None) -> None:
        self.connection = connection
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._replies = Replies()
        self._waiting: deque[tuple[asyncio.Future[list[Any]], int, list[Any]]] = deque()
        self._heard = 0.0  # when the server last said something, or was asked after a rest
        self._timer: asyncio.TimerHandle | None = None
        self._room = asyncio.Event()
        self._room.set()
        self._lost = False
        self._transport: Any = connection._writer.transport  # noqa: SLF001 - the client shows it nowhere else
        self._transport.set_protocol(self)
        self._poll = select.poll()
        self._poll.register(self._transport.get_extra_info("socket"), select.POLLIN)

    # -- what a caller does ------------------------------------------------------------------------------------

    def is_alive(self) -> bool:
        """Return whether it can be used. Asked in a bridge: what came while the loop did not look is read first."""
        if self._is_closed():
            return False
        if self._waiting or not self._poll.poll(0):
            return True
        for _ in range(_ROUNDS):  # it may be the end of the connection, or a ticket of TLS
            wait_for(asyncio.sleep(0))
        return not self._is_closed() and (bool(self._waiting) or not self._poll.poll(0))

    def _is_closed(self) -> bool:
        return self._lost or bool(self._transport.is_closing())

    def wait_for_room(self) -> None:
        """Wait in a bridge until the server takes what was sent."""
        if not self._room.is_set():
            wait_for(self._room.wait())

    def ask(self, data: bytes, count: int) -> "asyncio.Future[list[Any]]":
        """Send requests, and return the future of their answers, errors included. What is raised here sent nothing."""
        if self._is_closed():
            raise theirs.ConnectionError(_CLOSED)
        future: asyncio.Future[list[Any]] = self._loop.create_future()
        if not self._waiting:
            self._heard = self._loop.time()
        self._waiting.append((future, count, []))
        self._transport.write(data)
        if self._timer is None and self._timeout is not None:
            self._timer = self._loop.call_later(self._timeout, self._check)
        return future

    def close(self, error: Exception | None = None) -> None:
        """Give the line up: every answer that is missing is an error."""
        self._transport.abort()
        self.connection_lost(error)

    # -- what the event loop tells -----------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        self._heard = self._loop.time()
        try:
            for reply in self._replies.feed(data):
                future, count, replies = self._waiting[0]
                replies.append(reply)
                if len(replies) == count:
                    self._waiting.popleft()
                    if not future.done():  # a caller who was cut off waits no more
                        future.set_result(replies)
        except Exception as error:  # what comes is no protocol of Redis
            self.close(theirs.InvalidResponse(f"Protocol Error: {error!r}"))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._lost:
            return
        self._lost = True
        if self._timer is not None:
            self._timer.cancel()
        self._room.set()
        for future, _, _ in self._waiting:
            if not future.done():
                future.set_exception(exc if isinstance(exc, theirs.RedisError) else theirs.ConnectionError(_CLOSED))
        self._waiting.clear()

    def pause_writing(self) -> None:
        self._room.clear()

    def resume_writing(self) -> None:
        self._room.set()

    def _check(self) -> None:
        """Give the line up where the server was silent for too long."""
        self._timer = None
        if self._timeout is None or not self._waiting:
            return
        left = self._heard + self._timeout - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._check)
        else:
            self.close(theirs.TimeoutError("Timeout reading from socket"))


def packed(words: Sequence[Any]) -> bytes:
    """Return a command as it goes over the wire."""
    return pack([word if isinstance(word, bytes) else str(word).encode() for word in words])
