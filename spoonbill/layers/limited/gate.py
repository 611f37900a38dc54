"""How many calls there are at once, and how many a second."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from spoonbill.common.bridging.bridge import pause
from spoonbill.common.bridging.local import Local
from spoonbill.common.locks import Lock, new_lock, waiting_lock

__all__ = ["Gate"]


class _OfThread(threading.local):
    """Whether a thread is behind the gate."""

    value = False


class Gate:
    """Lets calls through: so many at once, so many a second; the others wait. A call within a call passes.

    Parameters
    ----------
    most : int or None
        Calls at once.
    rate : float or None
        Calls a second; what was not used in the last second may come at once.
    waits : bool
        Whether a call may be suspended in a bridge.
    """

    def __init__(self, most: int | None, rate: float | None, *, waits: bool) -> None:
        # A lock a place, so that all are free in a forked child, where the threads that held them are not.
        self._places = [waiting_lock() if waits else new_lock() for _ in range(most or 0)]
        self._pause = 0.0 if rate is None else 1 / rate
        self._guard = new_lock()
        self._next = 0.0
        self._within: Local[bool] | _OfThread = Local(False) if waits else _OfThread()

    def guarding(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function behind the gate."""

        def guarded(*arguments: Any, **options: Any) -> Any:
            if self._within.value:
                return function(*arguments, **options)
            with self._place():
                self._wait()
                return function(*arguments, **options)

        return guarded

    @contextmanager
    def _place(self) -> Iterator[None]:
        place = self._taken()
        self._within.value = True
        try:
            yield
        finally:
            self._within.value = False
            if place is not None:
                place.release()

    def _taken(self) -> "Lock | None":
        for place in self._places:
            if place.acquire(blocking=False):
                return place
        if not self._places:
            return None
        place = random.choice(self._places)  # noqa: S311 - any will do
        place.acquire()
        return place

    def _wait(self) -> None:
        if not self._pause:
            return
        with self._guard:
            now = time.monotonic()
            self._next = max(self._next, now - 1) + self._pause
            wait = self._next - now
        if wait > 0:
            pause(wait)
