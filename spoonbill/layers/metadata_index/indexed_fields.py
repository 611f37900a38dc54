"""What an index keeps of a value: chosen fields, by which a search leaves out what cannot match."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from spoonbill.errors import UnsupportedError
from spoonbill.query import Query

__all__ = ["UNKNOWN", "IndexedFields"]

UNKNOWN = ""
"""The entry of a key of whose fields nothing is known: a str, which every store of values can hold."""

ABSENT = "spoonbill__absent"
"""The field of an entry that names the fields which the value does not have."""

_PLAIN = frozenset({type(None), bool, int, float, str, bytes, datetime})
_INT64 = 1 << 63


class IndexedFields:
    """Makes an index's entries, and tells by them which values a search need not read.

    An entry is a dict of the fields that the value has, and a list of those that it lacks. A field that is in neither
    is not known: its value was not plain, or the entry was written by an index that does not keep it.

    Parameters
    ----------
    names : iterable of str
        The fields to keep. With none, each entry is `UNKNOWN`.
    """

    def __init__(self, names: Iterable[str]) -> None:
        if isinstance(names, str):
            raise UnsupportedError(f"fields= takes names, as in fields=({names!r},), not one str")
        self.names = tuple(dict.fromkeys(names))
        if wrong := [name for name in self.names if not isinstance(name, str) or name == ABSENT]:
            raise UnsupportedError(f"fields= takes names of fields, and {wrong[0]!r} is none")

    def __bool__(self) -> bool:
        return bool(self.names)

    def entry(self, value: Any) -> Any:
        """Return the entry for a value."""
        if not self.names:
            return UNKNOWN
        held: Mapping[Any, Any] = value if isinstance(value, Mapping) else {}
        entry: dict[str, Any] = {name: held[name] for name in self.names if name in held and _is_plain(held[name])}
        if absent := [name for name in self.names if name not in held]:
            entry[ABSENT] = absent
        return entry

    def help_with(self, query: Query) -> bool:
        """Return whether entries can say anything about the conditions of a query."""
        conditions = query.conditions
        return conditions is not None and not (conditions.fields or {}).keys().isdisjoint(self.names)

    def rule_out(self, entry: Any, query: Query) -> bool:
        """Return whether the entry proves that its value does not match."""
        if not isinstance(entry, Mapping) or query.conditions is None:
            return False
        absent = entry.get(ABSENT, ())
        for name, condition in (query.conditions.fields or {}).items():
            held = name in entry and name != ABSENT
            if (held or name in absent) and not condition.matches(entry[name] if held else None, held):
                return True
        return False


def _is_plain(value: Any) -> bool:
    """Return whether every index can hold the value, and give back what equals it: an int of 64 bits, and no NaN."""
    return type(value) in _PLAIN and (type(value) is not int or -_INT64 <= value < _INT64) and value == value  # noqa: PLR0124
