"""Searches as conditions in SQL. Operands are always bound, never written into the text."""

import math
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final

from spoonbill.backends.shared.documents import (
    NOTHING,
    DocumentScheme,
    Filter,
    Path,
    PushedPart,
    SqlPushdown,
    after_prefix,
    as_float_range,
    is_sound,
    joined,
    span,
    test,
)
from spoonbill.query import Condition, Ge, Gt, Part, Pattern

__all__ = ["ROWS", "Filter", "SQLitePushdown", "path_of"]

ROWS: Final = "rows"
"""The kind of a part: ``("rows", low, high)``, rowids from `low` up to `high`, None for no bound."""

_MOST_OPERANDS: Final = 500
_MOST_PREFIXES: Final = 50
_TOLERANCE: Final = 1e-14
"""SQLite reads the decimals of a float with some 15 digits."""


_NO_DOCUMENT: Final = Filter("CASE WHEN json_valid(value) THEN json_type(value) END IS NOT 'object'")


class SQLitePushdown(SqlPushdown):
    """Conditions on the key and on ``json_extract``; SQLite orders numbers before texts, and texts by code points.

    A JSON object comes as text that begins with ``{``, and so does what JSON cannot hold: a condition on numbers lets
    those pass too. Text is compared up to a NUL, where some versions of SQLite cut it.

    Parameters
    ----------
    scheme : DocumentScheme
        How values are held.
    field : callable
        Returns the SQL of a field by its path in JSON, with the operands of it.
    """

    no_document: ClassVar[Filter] = _NO_DOCUMENT

    def __init__(self, scheme: DocumentScheme, field: Callable[[str], Filter]) -> None:
        super().__init__(scheme)
        self._field = field

    def key(self, pattern: Pattern) -> PushedPart[Filter] | None:
        return _strings(Filter("key"), pattern)

    def match(self, where: Path, pattern: Pattern) -> PushedPart[Filter] | None:
        field = self._at(where)
        return None if field is None else _strings(field, pattern)

    def eq(self, where: Path, operand: Any) -> PushedPart[Filter] | None:
        field = self._at(where)
        tests = None if field is None else self._equal(where, field, operand)
        return None if tests is None else PushedPart(tests)

    def one_of(self, where: Path, operands: Sequence[Any]) -> PushedPart[Filter] | None:
        field = self._at(where)
        if field is None or len(operands) > _MOST_OPERANDS:
            return None
        if all(type(operand) is str and "\0" not in operand for operand in operands):
            marks = ", ".join("?" * len(operands))
            return PushedPart(Filter(f"{field.sql} IN ({marks})", (*field.operands, *operands)))
        tests = [self._equal(where, field, operand) for operand in operands]
        return None if None in tests else PushedPart(self.either([test for test in tests if test is not None]))

    def order(self, where: Path, kind: type[Condition], operand: Any) -> PushedPart[Filter] | None:
        field = self._at(where)
        if field is None:
            return None
        if isinstance(operand, bytes | datetime):
            return PushedPart(_wrapped(field))
        upwards = kind in {Gt, Ge}
        if isinstance(operand, str):
            text = operand.partition("\0")[0]
            tests = test(field, ">=", text) if upwards else span(field, "", text, closed="\0" not in operand)
            return PushedPart(tests)
        low, high = _bounds(operand)
        numbers = span(field, low, "") if upwards else test(field, "<=", high)
        return PushedPart(self.either([numbers, _wrapped(field)]))

    def present(self, where: Path) -> PushedPart[Filter] | None:
        kind = self._kind(where)
        return None if kind is None else PushedPart(Filter(f"{kind.sql} IS NOT NULL", kind.operands))

    def absent(self, where: Path) -> PushedPart[Filter] | None:
        kind = self._kind(where)
        return None if kind is None else PushedPart(Filter(f"{kind.sql} IS NULL", kind.operands))

    def part(self, part: Part) -> PushedPart[Filter] | None:
        if part[0] != ROWS:
            return None
        _, low, high = part
        bounds = [(sign, bound) for sign, bound in ((">=", low), ("<", high)) if bound is not None]
        tests = [Filter(f"rowid {sign} ?", (bound,)) for sign, bound in bounds]
        return PushedPart(joined(" AND ", tests) if tests else Filter("1"), exact=True)

    def _at(self, where: Path) -> Filter | None:
        path = path_of(where)
        return None if path is None else self._field(path)

    def _kind(self, where: Path) -> Filter | None:
        path = path_of(where)
        return None if path is None else Filter("CASE WHEN json_valid(value) THEN json_type(value, ?) END", (path,))

    def _equal(self, where: Path, field: Filter, operand: Any) -> Filter | None:
        if operand is None:
            kind = self._kind(where)
            return None if kind is None else Filter(f"{kind.sql} = 'null'", kind.operands)
        if isinstance(operand, str):
            return _same(field, operand)
        if isinstance(operand, bytes | datetime | dict):
            return _wrapped(field)
        if isinstance(operand, list):
            return span(field, "[", "\\")
        low, high = _bounds(operand)
        numbers = test(field, "=", low) if low == high else span(field, low, high, closed=True)
        return self.either([numbers, _wrapped(field)])


def path_of(where: Path) -> str | None:
    """Return a path as JSON's functions take it; None for a name that versions of SQLite read in different ways."""
    if any('"' in name or "\\" in name or not name.isprintable() or not name for name in where):
        return None
    return "$" + "".join(f'."{name}"' for name in where)


def _same(field: Filter, operand: str) -> Filter:
    """Return the test for a text, of which SQLite may have cut what follows a NUL."""
    text, cut, _ = operand.partition("\0")
    return span(field, text, after_prefix(text)) if cut else test(field, "=", text)


def _wrapped(field: Filter) -> Filter:
    """Return the test for a JSON object, as which everything is kept that JSON cannot hold."""
    return span(field, "{", "|")


def _bounds(operand: float) -> tuple[float, float]:
    """Return bounds that hold whatever SQLite makes of the decimals of a number equal to `operand`."""
    if isinstance(operand, int) and abs(operand) < 1 << 31:
        return int(operand) - 1e-6, int(operand) + 1e-6
    low, high = as_float_range(operand)
    margin = abs(float(low)) * _TOLERANCE + 1e-300
    if math.isinf(margin):
        return low, high
    return float(low) - margin, float(high) + margin


def _strings(field: Filter, pattern: Pattern) -> PushedPart[Filter] | None:
    """Return the test by what every match begins with; None where nothing is known of it."""
    if pattern.literal is not None:
        if not is_sound(pattern.literal):
            return NOTHING
        return PushedPart(test(field, "=", pattern.literal) if field.sql == "key" else _same(field, pattern.literal))
    sound = [text for text in pattern.prefixes if is_sound(text)]
    if not sound:
        return NOTHING  # it begins with what no stored string can begin with
    starts = sorted({text if field.sql == "key" else text.partition("\0")[0] for text in sound})
    if "" in starts or len(starts) > _MOST_PREFIXES:
        return None if field.sql == "key" else PushedPart(test(field, ">=", ""))
    return PushedPart(joined(" OR ", [span(field, text, after_prefix(text)) for text in starts]))
