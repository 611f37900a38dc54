"""Locks for keys: a few for all, so that writers of different keys rarely wait for each other."""

from collections.abc import Hashable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Final

from spoonbill.common.locks import new_lock, waiting_lock

__all__ = ["Stripes"]

_COUNT: Final = 64


class Stripes:
    """Locks for any number of keys.

    Parameters
    ----------
    waits : bool
        Whether they are held over calls that may be suspended in a bridge.
    """

    def __init__(self, *, waits: bool) -> None:
        self._locks = [waiting_lock() if waits else new_lock() for _ in range(_COUNT)]

    def holding(self, keys: Iterable[Hashable] | None) -> AbstractContextManager[object]:
        """Hold the locks of `keys`, None: all, taken in one order everywhere."""
        wanted = range(_COUNT) if keys is None else sorted({hash(key) % _COUNT for key in keys})
        return self._locks[wanted[0]] if len(wanted) == 1 else self._holding(wanted)

    @contextmanager
    def _holding(self, wanted: Iterable[int]) -> Iterator[None]:
        with ExitStack() as held:
            for number in wanted:
                held.enter_context(self._locks[number])
            yield
