"""The layer that says what a search means here, and what it may cost."""

from collections.abc import Iterator
from typing import Any, TypeVar

from spoonbill.errors import QueryError
from spoonbill.query import DIALECTS, Plan, Query, regex
from spoonbill.store import Layer, Store

K = TypeVar("K")
V = TypeVar("V")


class Search(Layer[K, V]):
    """What a plain string means as a pattern in this stack, and how many entries a search may look at.

    Parameters
    ----------
    store : Store
        Any store.
    dialect : {"regex", "glob", "like", "prefix"}, optional
        What a plain string pattern means.
    max_scanned : int, optional
        A search that looks at more entries than this raises `QueryError`, so that a slip in a pattern cannot turn
        into an hour of reading.
    match_seconds : float, optional
        A match of a regular expression that takes longer than this many seconds raises `QueryError`: an expression such
        as ``(a+)+b`` can take years on a key of a hundred characters. It needs the extra ``regex``.
    """

    def __init__(
        self,
        store: Store[Any, Any],
        dialect: str = "regex",
        max_scanned: int | None = None,
        match_seconds: float | None = None,
    ) -> None:
        if dialect not in DIALECTS:
            raise QueryError(f"there is no dialect {dialect!r}: use one of {', '.join(DIALECTS)}")
        super().__init__(store)
        self.dialect = dialect
        self.max_scanned = max_scanned
        if match_seconds is not None:
            regex("a").bounded(match_seconds).matches("a")  # says at once where its package is missing
            self.match_seconds = match_seconds

    leaves = ("split",)

    def select(self, query: Query) -> Iterator[tuple[K, V]]:
        found = self.inner.select(query)
        return found if self.max_scanned is None else self._bounded(found, self.max_scanned)

    def _bounded(self, found: Iterator[tuple[K, V]], most: int) -> Iterator[tuple[K, V]]:
        for scanned, pair in enumerate(found, 1):
            if scanned > most:
                raise QueryError(
                    f"the search in {self!r} looked at {most} entries and was stopped: narrow its pattern, or raise "
                    "max_scanned="
                )
            yield pair

    def plan(self, query: Query) -> Plan:
        return self._below(query, f"plain strings are {self.dialect}")
