"""Values as conditions see them: classes, equality and order, without surprises between types."""

import math
import numbers
import operator
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from spoonbill.common.equality import python_equal
from spoonbill.common.failures import UNSOUND, pass_on_signal

__all__ = ["classify", "compare", "equal", "is_nan", "loose_hash"]

_PLAIN = {type(None): "null", bool: "bool", int: "number", float: "number", str: "str", bytes: "bytes"}

_KINDS: tuple[tuple[Any, str], ...] = (
    (bool, "bool"),
    ((int, float, Decimal, numbers.Real), "number"),
    (str, "str"),
    ((bytes, bytearray), "bytes"),
    (date, "time"),
    ((list, tuple), "list"),
    (Mapping, "map"),
)


def classify(value: Any) -> str:
    """Return the class of a value: conditions compare values of one class only.

    Returns
    -------
    str
        ``"null"``, ``"bool"``, ``"number"`` (int, float, Decimal, any real), ``"str"``, ``"bytes"``, ``"time"`` (date,
        datetime), ``"list"`` (list, tuple), ``"map"``, or ``"other"``. A numpy scalar is of the class of what it holds.
    """
    return _classified(value)[0]


def _classified(value: Any) -> tuple[str, Any]:
    """Return the class of a value, and the value to compare: a numpy scalar as Python's, which compares exactly."""
    kind = _PLAIN.get(type(value))
    if kind is not None:
        return kind, value
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.generic):
        if isinstance(value, numpy.datetime64 | numpy.timedelta64):
            return "other", value  # a timedelta64 passes for an integer
        value = value.item() if isinstance(value, numpy.bool_ | numpy.number) else value
    for types, name in _KINDS:
        if isinstance(value, types):
            return name, value
    return "other", value


_PLAINEST: Final = frozenset({str, int, float, bool, bytes, type(None)})
"""Types of which two values are compared at once."""


def equal(a: Any, b: Any) -> bool:
    """Return whether two values are of one class and equal, all the way down.

    So ``True`` is not ``1``, also as an item or a key; a list equals a tuple; numbers compare exactly whatever their
    types; NaN equals nothing, itself neither. Of a class of its own (a set, an array) both must be of one type.
    """
    if type(a) is type(b) and type(a) in _PLAINEST:
        return bool(a == b)
    pairs, met = [(a, b)], dict[tuple[int, int], Any]()  # not by recursion: values may be nested deeper than the stack
    while pairs:
        a, b = pairs.pop()
        kind, a = _classified(a)
        other, b = _classified(b)
        if kind != other:
            return False
        if kind not in {"list", "map"}:
            if not _equal_leaf(kind, a, b):
                return False
        elif len(a) != len(b):
            return False
        elif (id(a), id(b)) not in met:
            met[id(a), id(b)] = a, b  # kept, so that no other object gets their ids
            parts = zip(a, b, strict=False) if kind == "list" else _parts_of_maps(a, b)
            if parts is None:
                return False
            pairs.extend(parts)
    return True


def _equal_leaf(kind: str, a: Any, b: Any) -> bool:
    if kind == "time" and isinstance(a, datetime) != isinstance(b, datetime):
        return False
    if kind == "other":
        return type(a) is type(b) and _asked(python_equal, a, b)
    return _asked(operator.eq, a, b)


def _parts_of_maps(a: Mapping[Any, Any], b: Mapping[Any, Any]) -> Iterable[tuple[Any, Any]] | None:
    """Return the pairs of values, and of keys where they are not all text; None where a key is missing."""
    if not all(key in b for key in a):
        return None
    parts = [(value, b[key]) for key, value in a.items()]
    if not all(type(key) is str for key in a):
        own = {key: key for key in b}  # a mapping finds 1 under True: compare the keys themselves
        parts.extend((key, own[key]) for key in a)
    return parts


def compare(test: Callable[[Any, Any], Any], a: Any, b: Any) -> bool:
    """Apply an order (``operator.lt``, ...) to two values of one class: number, str, bytes or time; else False."""
    kind, a = _classified(a)
    other, b = _classified(b)
    if kind != other or kind not in {"number", "str", "bytes", "time"}:
        return False
    if kind == "time" and isinstance(a, datetime) != isinstance(b, datetime):
        return False
    return _asked(test, a, b)


def _asked(test: Callable[[Any, Any], Any], a: Any, b: Any) -> bool:
    try:
        return bool(test(a, b))
    except (*UNSOUND, RuntimeError) as error:
        pass_on_signal(error)
        # A naive and an aware datetime, a signalling NaN, a class whose == fails: no match, and no end of the search.
        return False


def is_nan(value: Any) -> bool:
    """Return whether a value is a number that equals nothing."""
    kind, value = _classified(value)
    if kind != "number":
        return False
    return value.is_nan() if isinstance(value, Decimal) else isinstance(value, float) and math.isnan(value)


def loose_hash(value: Any) -> int:
    """Return a hash for any value, hashable or not: values that are `equal` have the same one."""
    kind, value = _classified(value)
    if kind == "list":
        return hash((kind, tuple(map(classify, value))))
    if kind == "map":
        return hash((kind, len(value)))
    if kind == "other":
        return hash((kind, type(value)))
    try:
        return hash((kind, value))
    except (TypeError, ValueError):  # a bytearray has none, nor has a signalling NaN
        return hash((kind, bytes(value) if kind == "bytes" else 0))
