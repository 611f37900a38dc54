"""One search, read page by page: the keys found so far, and an iterator that goes on where they end."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from threading import Event, Thread
from typing import Any, Final

from spoonbill.common.locks import new_lock
from spoonbill.errors import UnsupportedError
from spoonbill.query import Query
from spoonbill.store import Store

__all__ = ["Cursor", "Page"]

_MOST: Final = 200_000
_LOOK: Final = 256  # candidates between two looks at whether the search is still wanted


@dataclass(frozen=True)
class Page:
    """Some keys that a search found.

    Attributes
    ----------
    keys : list
        The keys, in the order of the store.
    more : bool
        Whether there are keys after these.
    searching : bool
        Whether the search still looks for keys of this page: ask again.
    """

    keys: list[Any]
    more: bool
    searching: bool


class Cursor:
    """A search that reads only as far as pages were asked for, in a thread, so that a long one shows what it has.

    Parameters
    ----------
    store : Store
        Where to search.
    query : Query
        What to search for.
    """

    def __init__(self, store: Store[Any, Any], query: Query) -> None:
        self._store, self._query = store, query
        self._keys: list[Any] = []
        self._iterator: Iterator[Any] | None = None
        self._thread: Thread | None = None
        self._progress = Event()
        self._ended = self._stopped = False
        self._error: Exception | None = None
        self._lock = new_lock()
        self._used = time.monotonic()

    def page(self, offset: int, size: int, wait: float) -> Page:
        """Return the keys from `offset` on, at most `size` of them, after at most `wait` seconds.

        Raises
        ------
        Exception
            What the search raised.
        """
        if offset + size > _MOST:
            raise UnsupportedError(f"a search shows its first {_MOST:,} keys: ask for fewer by a pattern")
        self._used = time.monotonic()
        deadline = self._used + wait
        while not self._has(offset + size + 1):
            self._read_on(offset + size + 1)
            left = deadline - time.monotonic()
            if left <= 0 or not self._progress.wait(left):
                break
        if self._error is not None:
            raise self._error
        keys = self._keys[offset : offset + size]
        more = len(self._keys) > offset + size
        return Page(keys, more, searching=not more and not self._ended)

    def release(self, idle: float = 0) -> None:
        """Let go of the engine where no page was asked for in `idle` seconds; the next page searches on from there."""
        with self._lock:
            if time.monotonic() - self._used >= idle and self._thread is None and self._iterator is not None:
                self._iterator = None

    def stop(self) -> None:
        """End the search; a thread that is in it ends soon."""
        self._stopped = True
        thread = self._thread
        if thread is not None:
            thread.join(2)
        self.release()

    def _has(self, count: int) -> bool:
        return len(self._keys) >= count or self._ended or self._error is not None

    def _read_on(self, count: int) -> None:
        with self._lock:
            if self._thread is None and not self._has(count):
                self._progress.clear()
                self._thread = Thread(target=self._read, args=(count,), name="spoonbill-browse", daemon=True)
                self._thread.start()

    def _read(self, count: int) -> None:
        try:
            if self._iterator is None:
                self._iterator = islice(self._found(), len(self._keys), None)
            while len(self._keys) < count and not self._stopped:
                key = next(self._iterator, self)
                if key is self:
                    self._ended = True
                    break
                self._keys.append(key)
        except Exception as error:  # raised again where the page is asked for
            self._error = error
        finally:
            with self._lock:
                self._thread = None
            self._progress.set()

    def _found(self) -> Iterator[Any]:
        for number, (key, value) in enumerate(self._store.select(self._query)):
            if number % _LOOK == 0 and self._stopped:
                return
            if self._query.matches(key, value):
                yield key
