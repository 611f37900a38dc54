"""Comparing two stores, and bringing one into step with the other."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from spoonbill.common.batching import BATCH, batches
from spoonbill.common.equality import python_equal
from spoonbill.common.progress import Progress, with_progress
from spoonbill.common.sentinels import MISSING
from spoonbill.store import Store
from spoonbill.transfer.ends import End, opened_ends, refuse_itself
from spoonbill.transfer.pipeline import read_ahead
from spoonbill.transfer.report import Report

__all__ = ["Difference", "diff", "sync"]


@dataclass(frozen=True)
class Difference:
    """One key in which two stores differ.

    Attributes
    ----------
    key
        The key.
    kind : {"missing", "extra", "changed"}
        Of the second store: it lacks the key, it alone has it, or it has another value.
    """

    key: Any
    kind: Literal["missing", "extra", "changed"]


def diff(a: End, b: End, *, pattern: Any = "*", batch: int = BATCH) -> Iterator[Difference]:
    """Yield the keys in which the store `b` differs from the store `a`.

    Memory is bounded by a batch; every value of `a` is read once, and those of `b` once or twice.

    Parameters
    ----------
    a, b : Store or str
        Stores, or addresses that are opened for it.
    pattern : optional
        Which keys, as for `keys`.
    batch : int, optional
        Keys that are compared together.

    Examples
    --------
    >>> from spoonbill.datastores import InMemoryStore
    >>> a, b = InMemoryStore({"x": 1, "y": 2}), InMemoryStore({"y": 3, "z": 4})
    >>> [(one.key, one.kind) for one in diff(a, b)]
    [('x', 'missing'), ('y', 'changed'), ('z', 'extra')]
    """
    with opened_ends(a, b) as (first, second):
        yield from _differences(first, second, pattern, batch)


def _differences(a: Store[Any, Any], b: Store[Any, Any], pattern: Any, batch: int) -> Iterator[Difference]:
    for keys in read_ahead(batches(a.keys(pattern), batch)):
        for key, value, other in zip(keys, a.get_many(keys, MISSING), b.get_many(keys, MISSING), strict=True):
            if value is MISSING:
                continue  # it went away meanwhile
            if other is MISSING:
                yield Difference(key, "missing")
            elif not python_equal(value, other):
                yield Difference(key, "changed")
    for keys in read_ahead(batches(b.keys(pattern), batch)):
        for key, value in zip(keys, a.get_many(keys, MISSING), strict=True):
            if value is MISSING:
                yield Difference(key, "extra")


def sync(
    a: End, b: End, *, pattern: Any = "*", delete: bool = False, progress: Progress = False, batch: int = BATCH
) -> Report:
    """Bring the store `b` into step with the store `a`: only what differs is written.

    Parameters
    ----------
    a, b : Store or str
        Stores, or addresses that are opened for it.
    pattern : optional
        Which keys, as for `keys`.
    delete : bool, optional
        Whether entries go that `b` alone has.
    progress : bool or callable, optional
        True shows a bar; a callable is called with the number of differences so far.
    batch : int, optional
        Entries that are written together.

    Returns
    -------
    Report
        How many entries were written and removed.
    """
    start = time.perf_counter()
    report = Report()
    with opened_ends(a, b) as (first, second):
        refuse_itself(first, second)
        found = with_progress(_differences(first, second, pattern, batch), progress, "syncing")
        for some in batches(found, batch):
            keys = [one.key for one in some if one.kind != "extra"]
            values = first.get_many(keys, MISSING)
            pairs = [(key, value) for key, value in zip(keys, values, strict=True) if value is not MISSING]
            for key, value in pairs:
                second.check(key, value)
            second.set_many(pairs)
            report.copied += len(pairs)
            if delete:
                report.deleted += second.delete_many([one.key for one in some if one.kind == "extra"])
    report.seconds = time.perf_counter() - start
    return report
