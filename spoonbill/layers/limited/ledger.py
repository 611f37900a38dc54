"""What a bounded store knows of its entries: their sizes, and which go first."""

import math
from collections.abc import Iterable
from typing import Any, Final

import cachetools

from spoonbill.errors import UnsupportedError

__all__ = ["Ledger"]

_POLICIES: Final[dict[str, Any]] = {
    "refuse": cachetools.FIFOCache,
    "fifo": cachetools.FIFOCache,
    "lru": cachetools.LRUCache,
    "lfu": cachetools.LFUCache,
}


def _size(size: int) -> int:
    return size


class Ledger:
    """The sizes of entries by their keys, in the order in which a policy gives them up.

    Parameters
    ----------
    policy : {"refuse", "fifo", "lru", "lfu"}
        Which entry goes first.
    most_entries, most_bytes : int or None
        What there may be.
    """

    def __init__(self, policy: str, most_entries: int | None, most_bytes: int | None) -> None:
        if policy not in _POLICIES:
            raise UnsupportedError(f"Limited knows no policy {policy!r}: use one of {', '.join(_POLICIES)}")
        self.most_entries = math.inf if most_entries is None else most_entries
        self.most_bytes = math.inf if most_bytes is None else most_bytes
        self._sizes: Any = _POLICIES[policy](math.inf, getsizeof=_size)

    def count(self, entries: Iterable[tuple[Any, int]]) -> None:
        """Note what is there."""
        for key, size in entries:
            self._sizes[key] = size

    def fits(self, new: dict[Any, int]) -> bool:
        """Return whether these entries can be set without one that goes."""
        sizes = self._sizes
        more = sum(size - self.size(key) for key, size in new.items())
        added = sum(key not in sizes for key in new)
        return len(sizes) + added <= self.most_entries and sizes.currsize + more <= self.most_bytes

    def admit(self, key: Any, size: int) -> list[Any]:
        """Note an entry, and return the keys of those that have to go for it."""
        self._sizes[key] = size
        gone = []
        while len(self._sizes) > self.most_entries or self._sizes.currsize > self.most_bytes:
            first, its_size = self._sizes.popitem()
            if first == key:  # the one that comes in stays
                second = self._sizes.popitem()[0]
                self._sizes[first] = its_size
                first = second
            gone.append(first)
        return gone

    def size(self, key: Any) -> int:
        """Return the size of an entry, 0 where there is none. It is no use of it."""
        return int(cachetools.Cache.__getitem__(self._sizes, key)) if key in self._sizes else 0

    def use(self, key: Any, size: int) -> None:
        """Note that an entry was read; one that another process wrote is known from then on."""
        if key in self._sizes:
            self._sizes[key]
        else:
            self._sizes[key] = size

    def forget(self, keys: Iterable[Any]) -> None:
        """Note that entries are gone."""
        for key in keys:
            self._sizes.pop(key, None)

    @property
    def entries(self) -> int:
        """How many entries there are."""
        return len(self._sizes)

    @property
    def bytes(self) -> int:
        """How many bytes they have."""
        return int(self._sizes.currsize)
