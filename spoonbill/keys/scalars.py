"""Keys that are one value: their texts, and the values of their texts."""

import enum
import math
import numbers
import operator
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from spoonbill.common.enums import enum_member, enum_name
from spoonbill.errors import InvalidKeyError

MARKER: Final = "!"
"""What every stored key begins with that is not a plain string."""

_LIMIT: Final = 10**309  # every whole float is below; beyond, Python itself refuses to print ints at some length
_DIGITS: Final = 309


def is_sound(text: str) -> bool:
    """Return whether a string is free of lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def as_number(key: Any) -> int | float | None:
    """Return the int or float that a number of another type is equal to, as numpy's scalars are."""
    number: int | float
    if isinstance(key, numbers.Integral):
        number = operator.index(key)
    elif type(key).__module__ == "numpy" and type(key).__name__ in {"bool", "bool_"}:
        number = int(bool(key))
    elif isinstance(key, numbers.Real) and not isinstance(key, numbers.Rational):
        number = float(key)
    else:
        return None
    _refuse_nan(number)
    return number if key == number and hash(key) == hash(number) else None


def _encode_str(key: str) -> str:
    key = str.__str__(key)
    if not is_sound(key):
        return "!w" + key.encode("utf-8", "surrogatepass").hex()
    return "!s" + key if key[:1] == MARKER else key


def _encode_int(key: int) -> str:
    if not -_LIMIT < key < _LIMIT:
        raise InvalidKeyError(f"an int key of more than {_DIGITS} digits cannot be stored: use its str() as the key")
    return "!i" + int.__repr__(key)


def _encode_float(key: float) -> str:
    key = float.__float__(key)
    _refuse_nan(key)
    return _encode_int(int(key)) if key.is_integer() else f"!f{key!r}"


def _refuse_nan(number: float) -> None:
    if number != number:  # noqa: PLR0124  # the one test for NaN that takes ints of any size
        raise InvalidKeyError("NaN cannot be a key: it is equal to nothing, so it could never be found again")


def _encode_decimal(key: Decimal) -> str:
    if key.is_nan():
        raise InvalidKeyError("NaN cannot be a key: it is equal to nothing, so it could never be found again")
    if key.is_infinite():
        return _encode_float(-math.inf if key.is_signed() else math.inf)
    sign, digits, exponent = key.as_tuple()
    # Decimal.normalize would round to the context's precision, and two keys would become one.
    text = "".join(map(str, digits)).strip("0")
    trailing = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    power = int(exponent) + trailing
    if not text:
        return "!i0"
    if power >= 0:
        if len(text) + power > _DIGITS:
            raise InvalidKeyError(f"a key of more than {_DIGITS} digits cannot be stored: use its str() as the key")
        return "!i" + "-" * sign + text + "0" * power
    nearest = float(key)
    # The constructor would raise where the caller's decimal context traps FloatOperation.
    if Decimal.from_float(nearest) == key:  # noqa: FURB164
        return _encode_float(nearest)
    return f"!d{Decimal((sign, tuple(map(int, text)), power))}"


def _encode_date(key: date) -> str:
    return "!D" + date.isoformat(key)


def _encode_datetime(key: datetime) -> str:
    offset = key.utcoffset()
    if offset is None:
        return "!T" + datetime.isoformat(key.replace(tzinfo=None))
    if key.replace(fold=1 - key.fold).utcoffset() != offset:
        raise InvalidKeyError(
            f"the time {key!r} cannot be a key: its offset depends on fold, so Python holds it equal to no other time; "
            "use key.astimezone(datetime.UTC)"
        )
    try:
        instant = key.replace(tzinfo=None, fold=0) - offset
    except OverflowError as error:
        raise InvalidKeyError(
            f"the time {key!r} cannot be a key: it is outside of the years 1 to 9999 in UTC"
        ) from error
    return "!Z" + datetime.isoformat(instant.replace(tzinfo=UTC))


def encode_enum(key: enum.Enum) -> str:
    """Return the text of a registered member of an enumeration."""
    try:
        return "!e" + join(enum_name(key))
    except LookupError as error:
        raise InvalidKeyError(f"{key!r} cannot be a key: {error}") from error


def join(parts: Iterable[str]) -> str:
    """Return parts as one text, each after its length."""
    return "".join(f"{len(part)}:{part}" for part in parts)


def split(body: str) -> list[str]:
    """Return the parts of a text that :func:`join` wrote."""
    parts: list[str] = []
    at = 0
    while at < len(body):
        colon = body.index(":", at)
        end = colon + 1 + int(body[at:colon])
        if not colon < end <= len(body):
            raise ValueError("a part has the wrong length")
        parts.append(body[colon + 1 : end])
        at = end
    return parts


def _decode_enum(body: str) -> enum.Enum:
    name, member = split(body)
    return enum_member(name, member)


ENCODERS: Final[dict[type, Callable[[Any], str]]] = {
    str: _encode_str,
    int: _encode_int,
    bool: _encode_int,
    float: _encode_float,
    Decimal: _encode_decimal,
    type(None): lambda _: "!n",
    bytes: lambda key: "!b" + bytes.hex(key),
    UUID: lambda key: "!U" + key.hex,
    datetime: _encode_datetime,
    date: _encode_date,
}

DECODERS: Final[dict[str, Callable[[str], Any]]] = {
    "!s": str,
    "!w": lambda body: bytes.fromhex(body).decode("utf-8", "surrogatepass"),
    "!i": int,
    "!f": float,
    "!d": Decimal,
    "!n": lambda _: None,
    "!b": bytes.fromhex,
    "!U": UUID,
    "!D": date.fromisoformat,
    "!T": datetime.fromisoformat,
    "!Z": datetime.fromisoformat,
    "!e": _decode_enum,
}
