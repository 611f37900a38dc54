"""Entries kept in several stores, all or an error."""

import dataclasses
from typing import Any, TypeVar

from spoonbill.errors import StoreError
from spoonbill.layers.copies import Copies
from spoonbill.store import Store

__all__ = ["Mirrored"]

K = TypeVar("K")
V = TypeVar("V")


class Mirrored(Copies[K, V]):
    """Writes every entry to a primary and to others, and reads from the first that answers.

    A write that returned is in every store. `add`, `replace`, `pop`, `discard` and the like are decided by the primary.
    An absence is an answer. Writers of one process reach all stores in one order; where several processes write one
    key at once, the copies of the others may differ from the primary until `repair`.

    ============================== ===================================================================================
    what fails                     what it means
    ============================== ===================================================================================
    the primary, in a write        its error is raised and nothing was written anywhere; where its answer was lost, the
                                   others are behind until `repair`
    another, in a write            `StoreError`: the primary has the write, and each store that took it; the one that
                                   failed is behind, and answers no read until `repair`
    a store, in a read             the next one that is not behind answers; its error is raised where none does
    a store, in a listing          before the first entry as in a read, later its error is raised
    a writer is killed             the primary has the write, or not; others may lack the last one until `repair`
    ============================== ===================================================================================

    Which stores are behind is known to the object that saw it fail, and to no other process.

    Parameters
    ----------
    primary : Store
        Decides.
    *others : Store
        Stores that hold the same kinds of keys and values.

    Examples
    --------
    >>> from spoonbill.datastores import InMemoryStore
    >>> first, second = InMemoryStore({"a": 1}), InMemoryStore({"b": 2})
    >>> store = Mirrored(first, second)
    >>> store.repair(), second.copy()
    (2, {'a': 1})
    >>> store["c"] = 3
    >>> first.copy() == second.copy() == {"a": 1, "c": 3}
    True
    """

    def __init__(self, primary: Store[Any, Any], *others: Store[Any, Any]) -> None:
        super().__init__(primary, *others)
        self.guarantees = dataclasses.replace(
            primary.guarantees,
            crash=f"the primary: {primary.guarantees.crash}; the others may lack the last write until repair()",
            processes="as the primary's; copies that several processes write at once may differ until repair()",
        )

    def _doubt(self, index: int) -> None:
        self._behind |= {other for other, _ in enumerate(self._stores) if other != index}

    def _missed(self, verb: str, decided: int, failed: dict[int, Exception]) -> None:
        error = next(iter(failed.values()))
        missing = ", ".join(repr(self._stores[index]) for index in failed)
        raise StoreError(
            f"{verb} in {self!r} is done in {self._stores[decided]!r} and was not taken by {missing}: {error} Those "
            "stores are behind: call repair() when they are back"
        ) from error
