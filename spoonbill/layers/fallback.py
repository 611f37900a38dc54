"""Entries kept in several stores, as many as can be reached."""

import dataclasses
import logging
from typing import Any, ClassVar, TypeVar

from spoonbill.layers.copies import Copies
from spoonbill.store import Store

__all__ = ["Fallback"]

K = TypeVar("K")
V = TypeVar("V")

_LOG = logging.getLogger("spoonbill.repairs")


class Fallback(Copies[K, V]):
    """Goes on where a store fails: writes go to all that take them, reads come from the first that answers.

    Where `Mirrored` raises because a copy is missing, this one logs a warning and goes on; `behind` tells which stores
    missed a write. An absence is an answer.

    ============================== ===================================================================================
    what fails                     what it means
    ============================== ===================================================================================
    a store, in a write            the next one that is not behind decides; the one that failed is behind, and answers
                                   no read until `repair`. Where its answer was lost, that is raised: `repair` takes
                                   the write back where it was done
    all stores, in a write         the first one's error is raised
    a store, in a read             the next one that is not behind answers; the first error is raised where none does
    a store, in a listing          before the first entry as in a read, later its error is raised
    a writer is killed             the store that decided has the write, or not; others may lack it until `repair`
    ============================== ===================================================================================

    Which stores are behind is known to the object that saw it fail, and to no other process: two processes of which one
    reaches a store that the other does not are not of one mind. Take it for reads that must go on, and one writer.

    Parameters
    ----------
    first : Store
        Answers and decides as long as it can.
    *others : Store
        Stores that hold the same kinds of keys and values.

    Examples
    --------
    >>> from spoonbill.testing import SpyStore
    >>> first, second = SpyStore(), SpyStore()
    >>> store = Fallback(first, second)
    >>> first.broken = True
    >>> store["a"] = 1
    >>> store["a"], len(store.behind)
    (1, 1)
    >>> first.broken = False
    >>> store.repair(), first.data
    (1, {'a': 1})
    """

    any_decides: ClassVar[bool] = True

    def __init__(self, first: Store[Any, Any], *others: Store[Any, Any]) -> None:
        super().__init__(first, *others)
        self.guarantees = dataclasses.replace(
            self.guarantees,
            crash=f"in the stores that took a write: {self.guarantees.crash}; others lack it until repair()",
            processes="each process falls back by itself: one writer, or differences until repair()",
            atomic=f"as the store that decides: {self.guarantees.atomic}",
        )

    def _doubt(self, index: int) -> None:
        self._behind.add(index)

    def _missed(self, verb: str, decided: int, failed: dict[int, Exception]) -> None:
        for index, error in failed.items():
            _LOG.warning(
                "%s was taken by %r and not by %r, which is behind until repair(): %s",
                verb,
                self._stores[decided],
                self._stores[index],
                error,
            )
