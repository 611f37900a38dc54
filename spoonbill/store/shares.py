"""Shares of a store: what one of several processes reads."""

import pickle
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from spoonbill.common.batching import batches

if TYPE_CHECKING:
    from spoonbill.query import Part, Query
    from spoonbill.store.methods.searches import Searches

K = TypeVar("K")
V = TypeVar("V")

_OPEN = 8
"""Stores that a process keeps open for the shares it was sent."""


class Share(Generic[K, V]):
    """One of the disjoint shares of a search, as `Store.shares` makes them.

    It pickles as the configuration of its store, the search and the part: some hundred bytes, whatever it holds.

    Parameters
    ----------
    store : Store
        The store.
    query : Query
        What is searched.
    part : tuple
        The part of the store, one of those that its `split` returned.

    Examples
    --------
    >>> from spoonbill.datastores import InMemoryStore
    >>> numbers = InMemoryStore({str(number): number for number in range(10)})
    >>> sum(value for share in numbers.shares(3) for _, value in share.entries())
    45
    """

    def __init__(self, store: "Searches[K, V]", query: "Query", part: "Part") -> None:
        self.store = store
        self.query = query
        self.part = part

    def keys(self) -> Iterator[K]:
        """Yield the keys of the share."""
        query = replace(self.query, part=self.part, keys_only=not self.query.filters_values)
        return (key for key, _ in self.store.matches(query))

    def entries(self) -> Iterator[tuple[K, V]]:
        """Yield the pairs of the share."""
        return self.store.matches(replace(self.query, part=self.part))

    def batches(self, size: int = 500) -> Iterator[list[tuple[K, V]]]:
        """Yield the pairs of the share in lists of at most `size`."""
        return batches(self.entries(), size)

    def __reduce__(self) -> tuple[Any, ...]:
        return _share, (pickle.dumps(self.store), self.query, self.part)

    def __repr__(self) -> str:
        return f"<share {self.part[0]!r} of {self.store!r} where {self.query}>"


def _share(store: bytes, query: "Query", part: "Part") -> "Share[Any, Any]":
    opened = _store(store)
    if opened.closed:
        _store.cache_clear()
        opened = _store(store)
    return Share(opened, query, part)


@lru_cache(maxsize=_OPEN)
def _store(configuration: bytes) -> "Searches[Any, Any]":
    store: Searches[Any, Any] = pickle.loads(configuration)
    return store
