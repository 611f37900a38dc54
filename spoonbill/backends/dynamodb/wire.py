"""DynamoDB's own form of values: written and read here, since boto3's refuses floats and rounds what it reads."""

from decimal import Decimal
from typing import Any, Final

__all__ = ["MOST_DIGITS", "from_wire", "item_size", "number_text", "to_wire"]

Wire = dict[str, Any]

MOST_DIGITS: Final = 38
"""Significant digits that a number of DynamoDB holds."""

_LARGEST: Final = 10**126
_SMALLEST: Final = 1e-130
_OVERHEAD: Final = 3


def to_wire(value: Any) -> Wire:  # noqa: PLR0911 - one a type
    """Return a value of None, bool, int, float, str, bytes, list and dict as DynamoDB writes it."""
    kind = type(value)
    if kind is str:
        return {"S": value}
    if value is None:
        return {"NULL": True}
    if kind is bool:
        return {"BOOL": value}
    if kind is int or kind is float:
        return {"N": repr(value)}
    if kind is bytes:
        return {"B": value}
    if kind is list:
        return {"L": list(map(to_wire, value))}
    return {"M": {name: to_wire(item) for name, item in value.items()}}


def from_wire(wire: Wire) -> Any:  # noqa: PLR0911 - one a type
    """Return the value of what DynamoDB wrote: a whole number as int, another as float, sets as sets.

    A number that a float would round comes back as a Decimal; only other tools write such.
    """
    ((tag, part),) = wire.items()
    if tag in {"S", "BOOL"}:
        return part
    if tag == "N":
        return _number(part)
    if tag == "M":
        return {name: from_wire(item) for name, item in part.items()}
    if tag == "L":
        return list(map(from_wire, part))
    if tag == "NULL":
        return None
    if tag == "B":
        return bytes(part)
    return {_number(item) if tag == "NS" else bytes(item) if tag == "BS" else item for item in part}


def _number(text: str) -> int | float | Decimal:
    try:
        return int(text)
    except ValueError:
        exact = Decimal(text)
    exponent = int(exact.as_tuple().exponent)
    if exponent >= 0 or exact == int(exact):
        return int(exact)
    near = float(text)
    return near if Decimal(repr(near)) == exact else exact


def number_text(number: float) -> str | None:
    """Return a number as DynamoDB holds it exactly (a float by its shortest form), None where it does not."""
    if isinstance(number, float):
        if not number.is_integer():
            return repr(number) if _SMALLEST <= abs(number) < float("inf") else None
        number = int(number)
    if abs(number) >= _LARGEST:
        return None
    text = str(number)
    return text if len(text.lstrip("-").rstrip("0")) <= MOST_DIGITS else None


def item_size(value: Any) -> int:
    """Return the bytes that DynamoDB counts for a value, as its documentation describes it."""
    kind = type(value)
    if kind is str:
        return len(value) if value.isascii() else len(value.encode())
    if kind is bytes:
        return len(value)
    if value is None or kind is bool:
        return 1
    if kind is int or kind is float:
        digits = len(repr(value).partition("e")[0].replace(".", "").lstrip("-0").rstrip("0"))
        return (digits + 1) // 2 + 1 + int(value < 0)
    if kind is list:
        return _OVERHEAD + len(value) + sum(map(item_size, value))
    return _OVERHEAD + len(value) + sum(item_size(name) + item_size(item) for name, item in value.items())
