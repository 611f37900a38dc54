"""The searches of a page: what was asked for as a query, and the cursors that are open."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

from spoonbill.cli.browse.cursor import Cursor
from spoonbill.cli.common import conditions_of, pattern_of
from spoonbill.common.locks import new_lock
from spoonbill.errors import UnsupportedError
from spoonbill.query import Query, compile_query
from spoonbill.store import Store

__all__ = ["Searches", "asked_conditions", "asked_pattern"]

_OPEN: Final = 6


def asked_pattern(asked: Mapping[str, str]) -> Any:
    """Return the pattern of a request: ``pattern``, and in ``kind`` what it means."""
    text, kind = asked.get("pattern", ""), asked.get("kind", "glob")
    if not text:
        return "*"
    if kind not in {"glob", "regex", "prefix"}:
        raise UnsupportedError(f"{kind!r} is no kind of pattern: glob, regex or prefix")
    return pattern_of(*(text if kind == one else None for one in ("glob", "regex", "prefix")))


def asked_conditions(asked: Mapping[str, str]) -> dict[str, Any]:
    """Return the conditions of a request: ``where`` holds one a line, as ``--where`` takes them."""
    return conditions_of(tuple(line.strip() for line in asked.get("where", "").splitlines() if line.strip()))


class Searches:
    """The cursors of the searches that were asked for last.

    Parameters
    ----------
    store : Store
        Where they search.
    """

    def __init__(self, store: Store[Any, Any]) -> None:
        self._store = store
        self._open: OrderedDict[tuple[str, ...], Cursor] = OrderedDict()
        self._lock = new_lock()

    def cursor(self, asked: Mapping[str, str]) -> Cursor:
        """Return the cursor of a search, a new one with ``fresh``; the oldest of too many is ended."""
        name = tuple(asked.get(part, "") for part in ("pattern", "kind", "where"))
        with self._lock:
            cursor = None if asked.get("fresh") else self._open.get(name)
            if cursor is None:
                cursor = Cursor(self._store, self._query(asked))
                old = self._open.pop(name, None)
                self._open[name] = cursor
                if old is not None:
                    old.stop()
            self._open.move_to_end(name)
            while len(self._open) > _OPEN:
                self._open.popitem(last=False)[1].stop()
            return cursor

    def release(self, idle: float) -> None:
        """Let go of the engine in every search that rests for `idle` seconds."""
        with self._lock:
            for cursor in self._open.values():
                cursor.release(idle)

    def stop(self) -> None:
        """End every search."""
        with self._lock:
            for cursor in self._open.values():
                cursor.stop()
            self._open.clear()

    def _query(self, asked: Mapping[str, str]) -> Query:
        conditions = asked_conditions(asked)
        wanted: dict[str, Any] = {"conditions": conditions} if conditions else {}
        return compile_query(
            pattern=asked_pattern(asked),
            dialect=self._store.dialect,
            keys_only=not conditions,
            lazy=True,
            **wanted,
        )
