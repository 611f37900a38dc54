"""What a cache holds, what makes room in it, and how it does."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cachetools

from spoonbill.errors import UnsupportedError

__all__ = ["CacheStats", "Recent", "cache_of"]


@dataclass
class CacheStats:
    """How a cache did since it was made.

    Attributes
    ----------
    hits : int
        Reads answered by the cache.
    misses : int
        Reads that went to the store below.
    size : int
        Entries held now, or their total in the unit of ``getsizeof``.
    maxsize : int
        The most that it holds.
    """

    hits: int
    misses: int
    size: int
    maxsize: int


class Recent(OrderedDict[Any, Any]):
    """A cache of which the entry goes that was used longest ago: each of its steps is one of the interpreter's own.

    A reader takes a value by `get` and then calls `move_to_end`, without a lock; between the two the entry may go.

    Parameters
    ----------
    maxsize : int
        The most entries to hold.
    """

    def __init__(self, maxsize: int) -> None:
        super().__init__()
        self.maxsize = maxsize

    @property
    def currsize(self) -> int:
        """The number of entries."""
        return len(self)

    def keep(self, known: Any, value: Any) -> None:
        """Hold an entry, and make room for it; ValueError where there can be none."""
        if self.maxsize < 1:
            raise ValueError("value too large")
        self[known] = value
        self.move_to_end(known)
        if len(self) > self.maxsize:
            self.popitem(last=False)


def cache_of(name: str, maxsize: int, ttl: float | None, getsizeof: Callable[[Any], int] | None) -> Any:
    """Return an empty cache of a policy.

    Raises
    ------
    UnsupportedError
        If there is none of that name, or it has no times.
    """
    if ttl is not None:
        if name not in {"lru", "ttl"}:
            raise UnsupportedError(f"Cached(policy={name!r}, ttl=...): entries expire with policy 'lru' or 'ttl' only")
        return cachetools.TTLCache(maxsize, ttl, getsizeof=getsizeof)
    if name == "lru" and getsizeof is None:
        return Recent(maxsize)
    policies = {"lru": cachetools.LRUCache, "lfu": cachetools.LFUCache, "fifo": cachetools.FIFOCache}
    if name not in policies:
        raise UnsupportedError(f"there is no cache policy {name!r}: use lru, lfu, fifo, or ttl together with ttl=")
    return policies[name](maxsize, getsizeof=getsizeof)
