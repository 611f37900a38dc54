"""When the entries of a cache are over, in the store that they were read from."""

import math
import time
from collections.abc import Hashable, Iterable
from typing import Any, Final

from spoonbill.store import Store

__all__ = ["Ends"]

_MOST: Final = 100_000


class Ends:
    """The ends of entries, so that a cache gives none whose time is over below.

    Where entries end by a layer's envelope, or without that their writer said so, the store is asked for each entry
    that is kept. Where the engine itself ends them, only the times that were given through this cache are known.

    Parameters
    ----------
    store : Store
        The store below the cache.

    Attributes
    ----------
    asks : bool
        Whether the store is asked.
    at : dict
        When entries are over, by ``time.monotonic()``; those that stay are not in it.
    """

    def __init__(self, store: Store[Any, Any]) -> None:
        may_end = "ttl" in store.features
        self._store = store
        self.asks: bool = may_end and (store.ends_by_default or not store.native("ttl"))
        self.at: dict[Hashable, float] = {}

    def ask(self, key: Any, known: Hashable) -> bool:
        """Ask the store for the end of an entry that was read; return False where it is over already."""
        now = time.monotonic()
        try:
            self.note([known], self._store.ttl(key), now)
        except KeyError:
            return False
        return True

    def note(self, names: Iterable[Hashable], seconds: float | None, since: float) -> None:
        """Note that entries are over so many seconds after a time, None: never."""
        for known in names:
            self.at.pop(known, None)
            if seconds is not None:
                self.at[known] = since + seconds
        while len(self.at) > _MOST:  # the oldest ones are the first
            self.at.pop(next(iter(self.at)), None)

    def over(self, known: Hashable) -> bool:
        """Return whether an entry is over by now."""
        return self.at.get(known, math.inf) <= time.monotonic()
