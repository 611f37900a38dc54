"""Comparing two stores, and bringing one into step with the other."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from spoonbill.common.batching import BATCH, batches
from spoonbill.common.equality import python_equal
from spoonbill.common.progress import Progress, advancing
from spoonbill.common.sentinels import MISSING
from spoonbill.store import Store
from spoonbill.store.known_count import known_count
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


def diff(a: End, b: End, *, pattern: Any = "*", progress: Progress = False, batch: int = BATCH) -> Iterator[Difference]:
    """Yield the keys in which the store `b` differs from the store `a`.

    Memory is bounded by a batch; every value of `a` is read once, and those of `b` once or twice.

    Parameters
    ----------
    a, b : Store or str
        Stores, or addresses that are opened for it.
    pattern : optional
        Which keys, as for `keys`.
    progress : bool or callable, optional
        True shows a bar; a callable is called with the number of keys so far.
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
        yield from _differences(first, second, pattern, batch, progress)


def _differences(
    a: Store[Any, Any], b: Store[Any, Any], pattern: Any, batch: int, progress: Progress
) -> Iterator[Difference]:
    counts = [known_count(store, progress) for store in (a, b)] if pattern == "*" else []
    total = sum(filter(None, counts)) if counts and None not in counts else None
    with advancing(progress, "comparing", total) as advance:
        for found, count in _compared(a, b, pattern, batch):
            yield from found
            advance(count)


def _compared(
    a: Store[Any, Any], b: Store[Any, Any], pattern: Any, batch: int
) -> Iterator[tuple[list[Difference], int]]:
    """Yield the differences of each batch of keys, and how many keys these were."""
    with read_ahead(batches(a.keys(pattern), batch)) as found:
        for keys in found:
            pairs = zip(keys, a.get_many(keys, MISSING), b.get_many(keys, MISSING), strict=True)
            yield [one for pair in pairs if (one := _difference(*pair)) is not None], len(keys)
    with read_ahead(batches(b.keys(pattern), batch)) as found:
        for keys in found:
            values = zip(keys, a.get_many(keys, MISSING), strict=True)
            yield [Difference(key, "extra") for key, value in values if value is MISSING], len(keys)


def _difference(key: Any, value: Any, other: Any) -> Difference | None:
    if value is MISSING:  # it went away meanwhile
        return None
    if other is MISSING:
        return Difference(key, "missing")
    return None if python_equal(value, other) else Difference(key, "changed")


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
        True shows a bar; a callable is called with the number of keys so far.
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
        for some in batches(_differences(first, second, pattern, batch, progress), batch):
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
