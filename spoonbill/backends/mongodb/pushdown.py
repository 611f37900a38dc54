"""Searches as MongoDB's filters."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from spoonbill.backends.shared.documents import (
    RESERVED,
    DocumentScheme,
    Path,
    Pushdown,
    PushedPart,
    after_prefix,
    as_float_range,
    in_utc,
    is_sound,
    server_regex,
)
from spoonbill.query import Condition, Ge, Gt, Part, Pattern

Filter = dict[str, Any]
RANGE: Final = "range"
"""The kind of a part: ``("range", low, high)``, the str keys from `low` up to `high`, None for no bound."""

_MOST_LEAVES = 50


class MongoDBPushdown(Pushdown[Filter]):
    """Filters as the documents that ``find`` takes; every operand stands behind an operator, so none is read as one.

    MongoDB looks into arrays: a filter on a field also finds arrays with such an item. So hardly any is exact.

    Parameters
    ----------
    scheme : DocumentScheme
        How values are held.
    foreign_keys : bool
        Whether there may be keys that are no strings; those are matched here.
    """

    def __init__(self, scheme: DocumentScheme, *, foreign_keys: bool) -> None:
        super().__init__(scheme)
        self._foreign_keys = foreign_keys

    def key(self, pattern: Pattern) -> PushedPart[Filter]:
        tests = _strings("_id", pattern)
        if self._foreign_keys:
            tests = {"$or": [tests, {"_id": {"$not": {"$type": "string"}}}]}
        return PushedPart(tests)

    def match(self, where: Path, pattern: Pattern) -> PushedPart[Filter] | None:
        field = _dotted(where)
        return None if field is None else PushedPart(_strings(field, pattern))

    def eq(self, where: Path, operand: Any) -> PushedPart[Filter] | None:
        field = _dotted(where)
        tests = None if field is None else self._equal(field, operand)
        return None if tests is None else PushedPart(tests)

    def one_of(self, where: Path, operands: Sequence[Any]) -> PushedPart[Filter] | None:
        field = _dotted(where)
        if field is None:
            return None
        if None not in operands and all(
            self.scheme.is_simple(operand) and not isinstance(operand, dict | list) for operand in operands
        ):
            return PushedPart({field: {"$in": list(operands)}})
        each = [self._equal(field, operand) for operand in operands[:_MOST_LEAVES]]
        if len(operands) > _MOST_LEAVES or None in each:
            return None
        return PushedPart({"$or": each})

    def order(self, where: Path, kind: type[Condition], operand: Any) -> PushedPart[Filter] | None:
        field = _dotted(where)
        if field is None:
            return None
        if isinstance(operand, datetime):
            return PushedPart(_or_wrapped(field, _time_order(field, kind, operand)))
        if isinstance(operand, bytes):
            return PushedPart({field: {"$type": "binData"}})  # the server orders bytes by their length first
        if isinstance(operand, str):
            return PushedPart({field: {_SIGNS[kind.__name__]: operand}})
        return PushedPart({field: _number_order(kind, operand)})

    def present(self, where: Path) -> PushedPart[Filter] | None:
        field = _dotted(where)
        return None if field is None else PushedPart({field: {"$exists": True}}, exact=len(where) == 1)

    def absent(self, where: Path) -> PushedPart[Filter] | None:
        field = _dotted(where)
        return None if field is None else PushedPart({field: {"$exists": False}}, exact=len(where) == 1)

    def both(self, filters: Sequence[Filter]) -> Filter:
        return {"$and": list(filters)}

    def either(self, filters: Sequence[Filter]) -> Filter:
        return {"$or": list(filters)}

    def part(self, part: Part) -> PushedPart[Filter] | None:
        if part[0] != RANGE:
            return None
        _, low, high = part
        if low is None:  # the first part has the keys of all other types too
            return PushedPart({} if high is None else {"_id": {"$not": {"$gte": high}}}, exact=True)
        return PushedPart({"_id": {"$gte": low} if high is None else {"$gte": low, "$lt": high}}, exact=True)

    def show(self, native: Filter) -> str:
        return f"find({native!r})"

    # -- equality ----------------------------------------------------------------------------------------------

    def _equal(self, field: str, operand: Any) -> Filter | None:
        if isinstance(operand, dict):
            return self._equal_map(field, operand)
        if isinstance(operand, datetime):
            native = self.scheme.native_datetime(operand)
            return _or_wrapped(field, None if native is None else {field: {"$eq": native}})
        if operand is None:
            return {field: {"$type": "null"}}  # $eq would also find what is absent
        if isinstance(operand, list):
            return {field: {"$eq": operand}} if self._is_flat(operand) else {field: {"$type": "array"}}
        if isinstance(operand, int | float) and not isinstance(operand, bool):
            low, high = as_float_range(operand)
            return {field: {"$eq": low}} if low == high else {field: {"$gte": low, "$lte": high}}
        return {field: {"$eq": operand}}

    def _equal_map(self, field: str, operand: dict[Any, Any]) -> Filter | None:
        """Ask for each leaf: MongoDB holds two maps equal only where their fields have one order."""
        if not all(type(name) is str and is_sound(name) for name in operand):
            return None
        if not all(map(self.scheme.stands_within, operand)):
            return {f"{field}.{RESERVED}": {"$exists": True}}
        if not operand or "" in operand or len(operand) > _MOST_LEAVES:
            return {field: {"$type": "object"}}
        leaves = [self._leaf(f"{field}.{name}", item) for name, item in operand.items()]
        known = [leaf for leaf in leaves if leaf is not None]
        return {"$and": known} if known else {field: {"$type": "object"}}

    def _leaf(self, field: str, item: Any) -> Filter | None:
        plain = item is None or type(item) in {bool, int, float, str, bytes, dict, list, datetime}
        if not plain or item != item or (type(item) is str and not is_sound(item)):  # noqa: PLR0124 - NaN
            return None
        return self._equal(field, item)

    def _is_flat(self, operand: list[Any]) -> bool:
        return all(not isinstance(item, dict | list) and self.scheme.is_simple(item) for item in operand)


_SIGNS: Final = {"Gt": "$gt", "Ge": "$gte", "Lt": "$lt", "Le": "$lte"}


def _dotted(where: Path) -> str | None:
    """Return a path as the server writes it; None where one of its names is empty, which it reads in two ways."""
    return None if "" in where else ".".join(where)


def _or_wrapped(field: str, native: Filter | None) -> Filter:
    wrapped: Filter = {f"{field}.{RESERVED}": {"$exists": True}}
    return wrapped if native is None else {"$or": [native, wrapped]}


def _time_order(field: str, kind: type[Condition], operand: datetime) -> Filter | None:
    instant = in_utc(operand)
    if instant is None:
        return None if operand.utcoffset() is None else {field: {"$type": "date"}}
    whole = instant - timedelta(microseconds=instant.microsecond % 1000)
    if whole == instant:
        return {field: {_SIGNS[kind.__name__]: instant}}
    return {field: {"$gt" if kind in {Gt, Ge} else "$lte": whole}}


def _number_order(kind: type[Condition], operand: float) -> Filter:
    low, high = as_float_range(operand)
    if low == high:
        return {_SIGNS[kind.__name__]: low} if low == operand else {"$gte" if kind in {Gt, Ge} else "$lte": low}
    if kind in {Gt, Ge}:
        return {"$gte": float(low)}
    return {"$lte": float(high)}


def _strings(field: str, pattern: Pattern) -> Filter:
    """Return the filter for strings that match: ranges, which an index serves, and a regex where one is portable."""
    if pattern.literal is not None and is_sound(pattern.literal):
        return {field: {"$eq": pattern.literal}}
    ranges = [_range(text) for text in pattern.prefixes if is_sound(text)]
    text = None if pattern.everything else server_regex(pattern)
    if text is not None:
        for tests in ranges:
            tests["$regex"] = text
    if not ranges:
        return {field: {"$in": []}}  # it begins with what no stored string can begin with
    return {field: ranges[0]} if len(ranges) == 1 else {"$or": [{field: tests} for tests in ranges]}


def _range(text: str) -> Filter:
    tests: Filter = {"$gte": text}
    end = after_prefix(text)
    if end is not None and text:
        tests["$lt"] = end
    return tests
