"""What an interrupted copy has done, so that the next one goes on."""

import os
from pathlib import Path
from typing import Any

from spoonbill.common.sentinels import MISSING
from spoonbill.errors import UnsupportedError
from spoonbill.query import Part, Query
from spoonbill.store import Store

__all__ = ["Journal"]

_PARTS = 64

Place = str | os.PathLike[str] | Store[Any, Any]
"""A folder for a journal, or a store that holds it."""


def _opened(place: str | os.PathLike[str]) -> Store[Any, Any]:
    from spoonbill.datastores.lmdb import LmdbStore

    return LmdbStore(Path(place))


class Journal:
    """The parts of a source, and which of them are copied; in a store of its own.

    Parameters
    ----------
    place : str or Path or Store
        A folder for it, or a small store.
    source, target : Store
        The ends of the copy. A journal of other ends, or of another search, is refused.
    query : Query
        What is copied.
    """

    def __init__(self, place: Place, source: Store[Any, Any], target: Store[Any, Any], query: Query) -> None:
        self._ours = not isinstance(place, Store)
        self._store: Store[Any, Any] = place if isinstance(place, Store) else _opened(place)
        about = (repr(source), repr(target), str(query))
        known = self._store.get("copy", MISSING)
        if known is MISSING:
            self._store.update({"parts": source.split(_PARTS), "copy": about})
        elif tuple(known) != about:
            self.close()
            raise UnsupportedError(
                f"the journal {self._store!r} is of a copy from {known[0]} to {known[1]}, {known[2]}: give "
                "resume= another place, or finish that one"
            )

    @property
    def parts(self) -> int:
        """The number of all parts."""
        return len(self._store["parts"])

    def rest(self) -> list[tuple[int, Part]]:
        """Return the parts that are not copied yet, with their numbers."""
        parts = self._store["parts"]
        return [(number, tuple(part)) for number, part in enumerate(parts) if f"done {number}" not in self._store]

    def done(self, number: int) -> None:
        """Note that a part is copied; it is on the disk when this returns."""
        self._store[f"done {number}"] = True

    def finish(self) -> None:
        """Forget everything: the copy is whole."""
        self._store.clear()

    def close(self) -> None:
        """Close the store, where it was opened here."""
        if self._ours:
            self._store.close()
