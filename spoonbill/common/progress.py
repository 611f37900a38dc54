"""Progress of long work: a bar, a function that is called, or nothing."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["Progress", "advancing", "with_progress"]

Progress = bool | Callable[[int], object]
"""False for none, True for a progress bar, or a function that is called with the number of entries so far."""


def with_progress(things: Iterable[Any], progress: Progress, what: str, total: int | None = None) -> Iterator[Any]:
    """Yield `things`, and report how many there were so far; with `total` a bar tells the time that is left."""
    if progress is False:
        return iter(things)
    if progress is True:
        from tqdm.auto import tqdm

        return iter(tqdm(things, desc=what, unit=" entries", total=total))
    return _reported(things, progress)


def _reported(things: Iterable[Any], report: Callable[[int], object]) -> Iterator[Any]:
    for count, thing in enumerate(things, 1):
        yield thing
        report(count)


@contextmanager
def advancing(progress: Progress, what: str, total: int | None = None) -> Iterator[Callable[[int], object]]:
    """Give a function that is told how many entries more are done, of `total` where that is known."""
    if progress is True:
        from tqdm.auto import tqdm

        with tqdm(desc=what, unit=" entries", total=total) as bar:
            yield bar.update
        return
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        if progress is not False:
            progress(done)

    yield advance
