"""Copying the entries of one store to another."""

import time
from collections.abc import Coroutine, Generator, Iterable, Iterator
from contextlib import closing, nullcontext
from dataclasses import replace
from typing import Any, overload

from spoonbill.aio import AsyncStore
from spoonbill.common.batching import BATCH, batches
from spoonbill.common.equality import python_equal
from spoonbill.common.progress import Progress, advancing
from spoonbill.common.sentinels import MISSING
from spoonbill.query import Query, compile_query
from spoonbill.store import Store
from spoonbill.store.known_count import known_count
from spoonbill.transfer.awaiting import awaited, go_on
from spoonbill.transfer.bare import bare_ends
from spoonbill.transfer.ends import End, opened_ends, refuse_itself
from spoonbill.transfer.journal import Journal, Place
from spoonbill.transfer.pipeline import read_ahead
from spoonbill.transfer.report import Report
from spoonbill.transfer.writing import Writer

__all__ = ["copy"]

Pairs = list[tuple[Any, Any]]


@overload
def copy(
    source: End,
    target: End,
    *,
    pattern: Any = ...,
    conditions: Any = ...,
    progress: Progress = ...,
    verify: bool = ...,
    check_first: bool = ...,
    resume: Place | None = ...,
    batch: int = ...,
) -> Report: ...


@overload
def copy(
    source: AsyncStore[Any, Any],
    target: End | AsyncStore[Any, Any],
    *,
    pattern: Any = ...,
    conditions: Any = ...,
    progress: Progress = ...,
    verify: bool = ...,
    check_first: bool = ...,
    resume: Place | None = ...,
    batch: int = ...,
) -> Coroutine[Any, Any, Report]: ...


@overload
def copy(
    source: End,
    target: AsyncStore[Any, Any],
    *,
    pattern: Any = ...,
    conditions: Any = ...,
    progress: Progress = ...,
    verify: bool = ...,
    check_first: bool = ...,
    resume: Place | None = ...,
    batch: int = ...,
) -> Coroutine[Any, Any, Report]: ...


def copy(
    source: Any,
    target: Any,
    *,
    pattern: Any = MISSING,
    conditions: Any = MISSING,
    progress: Progress = False,
    verify: bool = False,
    check_first: bool = False,
    resume: Place | None = None,
    batch: int = BATCH,
) -> Any:
    """Copy entries from a store to another of any kind, in batches, while the next ones are read.

    Each batch is tried by the target's `check` before it is written: what does not fit is an error, and nothing of that
    batch is written. Entries that the target has already are replaced, others stay. Writes to the source meanwhile may
    be copied or not.

    Parameters
    ----------
    source, target : Store or AsyncStore or str
        Stores, or addresses that are opened for the copy. Where one is an asynchronous face, the copy is to be awaited:
        ``await copy(store.aio, target)``. A task that is cancelled ends it after the batch that is being written.
    pattern, conditions : optional
        What to copy, as for `keys` and `items`; by default everything.
    progress : bool or callable, optional
        True shows a bar; a callable is called with the number of entries so far.
    check_first : bool, optional
        Whether to read the source once more, before anything is written, and to try every entry: nothing at all is
        written then where one does not fit.
    verify : bool, optional
        Whether to read each batch again from the target, and to compare.
    resume : str or Path or Store, optional
        Where to note what is done. A copy that was interrupted goes on there, also in another process; at most the
        entries of one part in 64 are written twice, which changes nothing.
    batch : int, optional
        Entries that are read and written together.

    Returns
    -------
    Report
        Counts; with `verify` also how many entries were equal.

    Raises
    ------
    UnsupportedError
        If both are the same store, or the journal is of another copy.

    Examples
    --------
    >>> import spoonbill
    >>> from spoonbill.datastores import InMemoryStore
    >>> target = InMemoryStore()
    >>> spoonbill.copy(InMemoryStore({"a": 1, "b": 2}), target, verify=True).verified
    2
    """
    options: dict[str, Any] = {"pattern": pattern, "conditions": conditions, "progress": progress}
    options |= {"verify": verify, "check_first": check_first, "resume": resume, "batch": batch}
    if isinstance(source, AsyncStore) or isinstance(target, AsyncStore):
        return awaited(_copied, source, target, **options)
    return _copied(source, target, **options)


def _copied(
    source: End,
    target: End,
    *,
    pattern: Any,
    conditions: Any,
    progress: Progress,
    verify: bool,
    check_first: bool,
    resume: Place | None,
    batch: int,
) -> Report:
    start = time.perf_counter()
    report = Report()
    with opened_ends(source, target) as (first, second):
        refuse_itself(first, second)
        query = _query(first, pattern, conditions)
        total = known_count(first, progress) if query.everything else None
        journal = None if resume is None else Journal(resume, first, second, query)
        todo = [(None, None)] if journal is None else journal.rest()
        if total is not None and journal is not None:
            total = -(-total * len(todo) // journal.parts)
        if check_first:
            parts = (batches(_found(first, replace(query, part=part)), batch) for _, part in todo)
            _check_all(parts, second, progress, total)
        with closing(journal) if journal else nullcontext(), advancing(progress, "copying", total) as advance:
            reader, written = bare_ends(first, second, query)
            writer = Writer(written)
            for number, part in todo:
                with read_ahead(batches(_found(reader, replace(query, part=part)), batch)) as found:
                    for pairs in found:
                        go_on()
                        writer.write(pairs)
                        report.copied += len(pairs)
                        if verify:
                            _verify(written, pairs, report)
                        advance(len(pairs))
                if journal is not None and number is not None:
                    second.flush()
                    journal.done(number)
            if journal is not None:
                journal.finish()
    report.seconds = time.perf_counter() - start
    return report


def _check_all(
    parts: Iterable[Generator[Pairs]], target: Store[Any, Any], progress: Progress, total: int | None
) -> None:
    """Try every entry that is to be copied, and raise what a `set` of it would raise."""
    with advancing(progress, "checking", total) as advance:
        for part in parts:
            with read_ahead(part) as found:
                for pairs in found:
                    go_on()
                    for key, value in pairs:
                        target.check(key, value)
                    advance(len(pairs))


def _query(store: Store[Any, Any], pattern: Any, conditions: Any) -> Query:
    wanted = {name: given for name, given in (("pattern", pattern), ("conditions", conditions)) if given is not MISSING}
    return compile_query(dialect=store.dialect, **wanted)


def _found(store: Store[Any, Any], query: Query) -> Iterator[tuple[Any, Any]]:
    """Yield what a query finds; where it finds all, without a test of each pair."""
    return store.entries() if query.everything and query.part is None else store.matches(query)


def _verify(target: Store[Any, Any], pairs: Pairs, report: Report) -> None:
    found = target.get_many([key for key, _ in pairs], MISSING)
    for (key, value), stored in zip(pairs, found, strict=True):
        if stored is not MISSING and python_equal(stored, value):
            report.verified += 1
        else:
            report.differs(key)
