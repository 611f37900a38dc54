"""The base of the document stores over a table of SQL: expiry, counting and transactions, which such an engine has."""

import math
from abc import abstractmethod
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from spoonbill.backends.shared.documents.backend import DocumentBackend
from spoonbill.backends.shared.documents.engine import DocumentEngine
from spoonbill.common.batching import batches
from spoonbill.common.equality import python_equal
from spoonbill.common.sentinels import MISSING
from spoonbill.store import Store
from spoonbill.store.binding import given
from spoonbill.store.numbers import check_number, check_ttl

__all__ = ["TableBackend", "TableEngine"]

F = TypeVar("F")


class TableEngine(DocumentEngine[F]):
    """What an engine with a table writes beside the hooks of every `DocumentEngine`."""

    @abstractmethod
    def expires_in(self, name: Any) -> float | None:
        """Return the seconds after which a document expires, None where it stays; raise KeyError where it is absent."""

    @abstractmethod
    def prolong(self, name: Any, ttl: float | None) -> bool:
        """Let a document expire `ttl` seconds from now, None: never. Return whether it was there."""

    @abstractmethod
    def drop(self, name: Any, fits: Callable[[Any], bool]) -> bool:
        """Delete a document where it fits, in one step of the engine. Return whether it was deleted."""

    @abstractmethod
    def count_up(self, name: Any, by: int, document: Any, *, renew: bool) -> int | None:
        """Add to an int in one statement, and return the sum; None where there is another value than an int.

        Parameters
        ----------
        name
            The document.
        by : int
            What to add.
        document
            `by` as a document, for where there is none; it tells when it expires.
        renew : bool
            Whether one that was there expires anew too.
        """

    @abstractmethod
    def sweep(self) -> int:
        """Delete what has expired, and return how many documents it was."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[Any]:
        """Hold a transaction of this thread: what it writes is written together, or not at all."""


class TableBackend(DocumentBackend):
    """A store of documents in a table. Entries expire by a column of their own, unseen at once and swept later.

    Parameters
    ----------
    engine : TableEngine
        What talks to the database.
    """

    features = frozenset({"ttl"})
    _engine: TableEngine[Any]

    def discard(self, key: Any, expected: Any) -> bool:
        name = self._lookup(key)
        if name is MISSING:
            return False

        def fits(found: Any) -> bool:
            return python_equal(self._loaded("discard", key, found), expected)

        return bool(self._tried("discard", key, self._engine.drop, name, fits))

    def increment(self, key: Any, by: float = 1, *, ttl: float | None = None) -> Any:
        check_number(by, self, key)
        if type(by) is int:
            name, document = self._ready(key, by, ttl)
            total = self._tried("increment", key, self._counted, name, by, document, ttl)
            if total is not None:
                return total
        return Store.increment(self, key, by, **given(ttl=ttl))

    def _counted(self, name: Any, by: int, document: Any, ttl: float | None) -> int | None:
        return self._engine.count_up(name, by, document, renew=ttl is not None)

    def ttl(self, key: Any) -> float | None:
        name = self._lookup(key)
        if name is MISSING:
            raise KeyError(key)
        try:
            left = self._tried("ttl", key, self._engine.expires_in, name)
        except KeyError:
            raise KeyError(key) from None
        return None if left is None else float(left)

    def touch(self, key: Any, ttl: float | None) -> bool:
        seconds = None if ttl is None or check_ttl(ttl, self) == math.inf else ttl
        name = self._lookup(key)
        return name is not MISSING and bool(self._tried("touch", key, self._engine.prolong, name, seconds))

    def replace_all(self, pairs: Iterable[tuple[Any, Any]]) -> None:
        self._tried("replace_all", MISSING, self._replaced, pairs)

    def _replaced(self, pairs: Iterable[tuple[Any, Any]]) -> None:
        """Put `pairs` in place of everything, in one transaction: an error undoes it all."""
        with self._engine.transaction():
            self._engine.empty()
            for batch in batches(pairs, self._engine.write_batch):
                self._engine.put(dict(self._ready(key, value) for key, value in batch))
