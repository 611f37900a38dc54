"""Searches as conditions in SQL over ``jsonb``. Operands, and the names of fields, are always bound."""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, Final

from spoonbill.backends.postgresql.scheme import text_down
from spoonbill.backends.shared.documents import (
    NOTHING,
    RESERVED,
    Filter,
    Path,
    PushedPart,
    SqlPushdown,
    is_sound,
    joined,
    server_regex,
    test,
)
from spoonbill.query import Condition, Ge, Gt, Part, Pattern

__all__ = ["KEYS", "BytesPushdown", "PartFilter", "PostgresPushdown"]

KEYS: Final = "keys"
"""The kind of a part: ``("keys", low, high, snapshot)``, keys from `low` up to `high`, None for no bound."""

_MOST_OPERANDS: Final = 200
_MOST_REPEATS: Final = 255
_KEY: Final = Filter("key")
_ESCAPE: Final = "\x01"


@dataclass(frozen=True)
class PartFilter(Filter):
    """A condition on the keys of a part, which are read as of a snapshot that the server holds."""

    snapshot: str | None = None


class BytesPushdown(SqlPushdown):
    """Conditions on the key alone: the values are bytes."""

    no_document: ClassVar[Filter] = Filter("true")

    def key(self, pattern: Pattern) -> PushedPart[Filter] | None:
        return self._strings(_KEY, pattern)

    def eq(self, where: Path, operand: Any) -> PushedPart[Filter] | None:  # noqa: ARG002
        return None

    def order(self, where: Path, kind: type[Condition], operand: Any) -> PushedPart[Filter] | None:  # noqa: ARG002
        return None

    def one_of(self, where: Path, operands: Sequence[Any]) -> PushedPart[Filter] | None:  # noqa: ARG002
        return None

    def match(self, where: Path, pattern: Pattern) -> PushedPart[Filter] | None:  # noqa: ARG002
        return None

    def present(self, where: Path) -> PushedPart[Filter] | None:  # noqa: ARG002
        return None

    def absent(self, where: Path) -> PushedPart[Filter] | None:  # noqa: ARG002
        return None

    def part(self, part: Part) -> PushedPart[Filter] | None:
        if part[0] != KEYS:
            return None
        _, low, high, snapshot = part
        tests = [test(_KEY, sign, bound) for sign, bound in ((">=", low), ("<", high)) if bound is not None]
        whole = joined(" AND ", tests) if tests else Filter("true")
        return PushedPart(PartFilter(whole.sql, whole.operands, snapshot), exact=True)

    def both(self, filters: Sequence[Filter]) -> Filter:
        whole = joined(" AND ", filters)
        part = next((each for each in filters if isinstance(each, PartFilter)), None)
        return whole if part is None else replace(part, sql=whole.sql, operands=whole.operands)

    def same_text(self, field: Filter, text: str) -> Filter:
        return test(field, "=", text_down(text))

    def _strings(self, field: Filter, pattern: Pattern) -> PushedPart[Filter] | None:
        """Return the test for strings that match: ranges, which an index serves, and a regex where one is portable."""
        if pattern.literal is not None:
            return PushedPart(self.same_text(field, pattern.literal), True) if is_sound(pattern.literal) else NOTHING
        if not any(map(is_sound, pattern.prefixes)):
            return NOTHING  # it begins with what no stored string can begin with
        tests, starts = [], self._starts(pattern)
        if starts is not None:
            tests.append(self._begins(field, [text_down(text) for text in starts]))
        regex = None if pattern.everything else _spelled(pattern)
        if regex is not None:
            tests.append(
                self.either(
                    [test(field, "~", regex), Filter(f"strpos({field.sql}, ?) > 0", (*field.operands, _ESCAPE))]
                )
            )
        return PushedPart(joined(" AND ", tests)) if tests else None


class PostgresPushdown(BytesPushdown):
    """Conditions on fields as well.

    A field is compared as ``jsonb`` where its type is of no matter, which an index of `create_index` serves, and as
    text by code points where it is a string. Numbers are asked for with a little space around them, since Python reads
    what other tools wrote as the nearest float; those that ``jsonb`` does not hold stand as text in a map.
    """

    no_document: ClassVar[Filter] = Filter("jsonb_typeof(value) <> 'object'")

    def match(self, where: Path, pattern: Pattern) -> PushedPart[Filter] | None:
        if pattern.literal is not None and is_sound(pattern.literal):
            return self.eq(where, pattern.literal)
        found = self._strings(_text(where), pattern)
        return found if found is NOTHING else PushedPart(_strings_at(where, None if found is None else found.filter))

    def eq(self, where: Path, operand: Any) -> PushedPart[Filter] | None:
        exact = (operand is None or isinstance(operand, bool | str)) and not _may_be_of_lists(where)
        return PushedPart(self._equal(where, operand), exact)

    def one_of(self, where: Path, operands: Sequence[Any]) -> PushedPart[Filter] | None:
        field = _field(where)
        plain = [operand for operand in operands if operand is None or isinstance(operand, bool | str)]
        others = [operand for operand in operands if operand is not None and not isinstance(operand, bool | str)]
        if len(others) > _MOST_OPERANDS:
            return None
        tests = [self._equal(where, operand) for operand in others]
        if plain:
            tests.append(Filter(f"{field.sql} = ANY(?::jsonb[])", (*field.operands, [_json(each) for each in plain])))
        return PushedPart(joined(" OR ", tests), not others and not _may_be_of_lists(where))

    def order(self, where: Path, kind: type[Condition], operand: Any) -> PushedPart[Filter] | None:
        if isinstance(operand, bytes | datetime):
            return PushedPart(_wrapped(where))
        upwards = kind in {Gt, Ge}
        if isinstance(operand, str):
            sign = {"Gt": ">", "Ge": ">=", "Lt": "<", "Le": "<="}[kind.__name__]
            tests = _strings_at(where, test(_text(where), sign, text_down(operand)))
            return PushedPart(tests, not _may_be_of_lists(where))
        low, high = _bounds(operand)
        bound = low if upwards else high
        field = _field(where)
        numbers = _number(where)
        if bound is not None:
            numbers = joined(" AND ", [_compared(field, ">=" if upwards else "<=", bound), numbers])
        return PushedPart(self.either([numbers, _wrapped(where)]))

    def present(self, where: Path) -> PushedPart[Filter] | None:
        field = _field(where)
        return PushedPart(Filter(f"{field.sql} IS NOT NULL", field.operands), not _may_be_of_lists(where))

    def absent(self, where: Path) -> PushedPart[Filter] | None:
        if _may_be_of_lists(where):
            return None
        field = _field(where)
        return PushedPart(Filter(f"{field.sql} IS NULL", field.operands), True)

    def _equal(self, where: Path, operand: Any) -> Filter:
        if operand is None or isinstance(operand, bool | str):
            return _compared(_field(where), "=", _json(operand))
        if isinstance(operand, bytes | datetime):
            return _wrapped(where)
        if isinstance(operand, list | dict):
            field = _field(where)
            kind = "array" if isinstance(operand, list) else "object"
            return Filter(f"jsonb_typeof({field.sql}) = '{kind}'", field.operands)
        return self._equal_number(where, operand)

    def _equal_number(self, where: Path, operand: float) -> Filter:
        field = _field(where)
        low, high = _bounds(operand)
        tests = []
        if low is not None and high is not None:
            tests.append(joined(" AND ", [_compared(field, ">=", low), _compared(field, "<=", high)]))
        if operand == 0 or abs(operand) >= 1 << 50:
            tests.append(_wrapped(where))
        return joined(" OR ", tests)


def _field(where: Path) -> Filter:
    return Filter("(value #> ?::text[])", ([text_down(name) for name in where],))


def _text(where: Path) -> Filter:
    return Filter('(value #>> ?::text[]) COLLATE "C"', ([text_down(name) for name in where],))


def _compared(field: Filter, sign: str, operand: str) -> Filter:
    return Filter(f"{field.sql} {sign} ?::jsonb", (*field.operands, operand))


def _strings_at(where: Path, tests: Filter | None) -> Filter:
    field = _field(where)
    kind = Filter(f"jsonb_typeof{field.sql} = 'string'", field.operands)
    return kind if tests is None else joined(" AND ", [kind, tests])


def _number(where: Path) -> Filter:
    field = _field(where)
    return Filter(f"jsonb_typeof{field.sql} = 'number'", field.operands)


def _wrapped(where: Path) -> Filter:
    """Return the test for a map with the reserved field, as which everything is kept that ``jsonb`` cannot hold."""
    field = _field(where)
    # The first comparison is for an index: maps come after all else.
    sql = f"({field.sql} >= '{{}}' AND jsonb_exists({field.sql}, ?))"
    return Filter(sql, (*field.operands, *field.operands, RESERVED))


def _may_be_of_lists(where: Path) -> bool:
    """Return whether a name of a path may also count the items of a list, which for us has no fields."""
    return any(name.lstrip("+-").strip().isdigit() for name in where)


def _json(operand: bool | str | None) -> str:
    return json.dumps(text_down(operand) if isinstance(operand, str) else operand, ensure_ascii=False)


def _bounds(operand: float) -> tuple[str | None, str | None]:
    """Return bounds around all numbers that Python reads as equal to `operand`, as JSON; None where it holds none."""
    try:
        near = float(operand)
    except OverflowError:
        return str(operand), str(operand)
    if math.isinf(near):
        return None, None
    low, high = math.nextafter(near, -math.inf), math.nextafter(near, math.inf)
    least = min(operand, low) if not math.isinf(low) else operand
    most = max(operand, high) if not math.isinf(high) else operand
    return json.dumps(least), json.dumps(most)


def _spelled(pattern: Pattern) -> str | None:
    r"""Return a pattern as PostgreSQL's regular expressions have it: there ``\x`` takes all the digits that follow."""
    text = server_regex(pattern)
    if text is None or any(int(count) > _MOST_REPEATS for count in re.findall(r"\{(?:\d+,)?(\d+)", text)):
        return None
    text = text.replace(r"[\s\S]", ".")
    return re.sub(r"\\(\\|x[0-9a-f]{2})", lambda match: match[0] if match[1] == "\\" else rf"\u00{match[1][1:]}", text)
