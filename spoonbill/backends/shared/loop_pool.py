"""Connections of one event loop: so many at once, and the others wait in order."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from spoonbill.common.bridging.bridge import wait_for

__all__ = ["LoopPool"]

C = TypeVar("C")


class LoopPool(Generic[C]):
    """Lends connections inside bridges of one loop. It runs nothing in the background.

    Parameters
    ----------
    connect : callable
        Makes a connection, in a bridge.
    most : int
        How many there are at once.
    """

    def __init__(self, connect: Callable[[], C], most: int) -> None:
        self._connect = connect
        self._places = asyncio.Semaphore(most)
        self._idle: list[C] = []
        self.connections: set[C] = set()
        """All that are open, lent or not."""

    def take(self, timeout: float | None = None) -> C:
        """Return a connection, made now where none is at rest.

        Raises
        ------
        TimeoutError
            If none was free within `timeout` seconds.
        """
        if self._places.locked():
            wait_for(asyncio.wait_for(self._places.acquire(), timeout))
        else:
            wait_for(self._places.acquire())
        try:
            if self._idle:
                return self._idle.pop()
            made = self._connect()
        except BaseException:
            self._places.release()
            raise
        self.connections.add(made)
        return made

    def give(self, connection: C, *, usable: bool = True) -> None:
        """Take a connection back; one that is not usable any more is forgotten."""
        if usable:
            self._idle.append(connection)
        else:
            self.connections.discard(connection)
        self._places.release()
