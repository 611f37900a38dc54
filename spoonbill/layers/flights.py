"""Reads of a cache that are made once for many, and in the background."""

import os
import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, Final

from spoonbill.common.locks import call_lock, new_lock

__all__ = ["Flights", "Refresher"]

_NOT_YET: Final = object()


class _Flight:
    """One read of this process, and its answer once it is there."""

    __slots__ = ("answer", "lock", "process")

    def __init__(self, waits: bool) -> None:
        self.lock = call_lock(waits=waits)
        self.process = os.getpid()
        self.answer: Any = _NOT_YET


class Flights:
    """Reads under way: who asks for what another thread is reading waits for its answer.

    Parameters
    ----------
    waits : bool
        Whether a read may be suspended in a bridge.
    """

    def __init__(self, *, waits: bool) -> None:
        self._waits = waits
        self._flying: dict[Hashable, _Flight] = {}

    def read(self, what: Hashable, read: Callable[[], Any]) -> Any:
        """Return ``read()``, of this thread, or of the one that is at `what` already.

        Where that one fails each of those who wait reads for itself.
        """
        mine = _Flight(self._waits)
        with mine.lock:
            flight = self._flying.setdefault(what, mine)
            if flight is mine:
                try:
                    mine.answer = read()
                finally:
                    self._flying.pop(what, None)
                return mine.answer
        if flight.process == mine.process:
            with flight.lock:
                if flight.answer is not _NOT_YET:
                    return flight.answer
        self._flying.pop(what, None)  # of a thread that a fork left behind, or one that failed
        return read()


class Refresher:
    """Reads entries anew whose time is over, one thread a key.

    Parameters
    ----------
    refresh : callable
        Reads a key, which is known by a name, into the cache.
    ttl : float
        Seconds for which an entry is fresh.
    """

    def __init__(self, refresh: Callable[[Any, Any], None], ttl: float) -> None:
        self._refresh = refresh
        self._ttl = ttl
        self._filled: dict[Any, float] = {}
        self._guard = new_lock()

    def filled(self, known: Any) -> None:
        """Note that an entry is fresh now."""
        now = time.monotonic()
        with self._guard:
            self._filled.pop(known, None)
            self._filled[known] = now
            while len(self._filled) > 100_000:  # the oldest ones are the first; an unknown one is read anew
                del self._filled[next(iter(self._filled))]

    def used(self, known: Any, key: Any) -> None:
        """Begin to read an entry anew where its time is over and nobody reads it."""
        now = time.monotonic()
        with self._guard:
            if now - self._filled.get(known, -self._ttl) < self._ttl:
                return
            self._filled[known] = now  # no other thread begins; after a failure the next one after this time does
        threading.Thread(target=self._refreshed, args=(key, known), daemon=True, name="spoonbill-refresh").start()

    def _refreshed(self, key: Any, known: Any) -> None:
        try:
            self._refresh(key, known)
        except Exception:
            import logging

            logging.getLogger("spoonbill.refreshes").warning("an entry could not be read anew", exc_info=True)
