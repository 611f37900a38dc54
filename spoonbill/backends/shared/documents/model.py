"""The values that every document store holds, and the errors for all others."""

from datetime import UTC, datetime
from typing import Any, Final

from spoonbill.common.advice import advice_for
from spoonbill.common.enums import qualified
from spoonbill.errors import CodecError

__all__ = ["APART", "INT64", "check_name", "check_sound", "in_utc", "is_sound", "refused"]

INT64: Final = 1 << 63
"""The first int that is too large."""

_MODEL: Final = "None, bool, int of 64 bits, float, str, bytes, list, dict with str keys and datetime"
_REMEDY: Final[dict[str, str]] = {
    "tuple": "make it a list",
    "set": "make it a list",
    "frozenset": "make it a list",
    "bytearray": "make it bytes",
    "memoryview": "make it bytes",
    "date": "make it a datetime or its isoformat()",
    "Decimal": "make it a float or a str",
    "ndarray": "make it a list by tolist()",
}


def is_sound(text: str) -> bool:
    """Return whether `text` is without lone surrogates, so that it has a UTF-8 form."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def in_utc(value: datetime) -> datetime | None:
    """Return an aware datetime in UTC; None for a naive one, and for one outside of the years 1 to 9999 there."""
    if value.tzinfo is None or value.utcoffset() is None:
        return None
    try:
        return value.astimezone(UTC)
    except OverflowError:
        return None


def check_sound(text: str, what: str) -> None:
    """Raise `CodecError` where a text has no UTF-8 form."""
    if not is_sound(text):
        raise CodecError(f"{what} with a lone surrogate is no valid text: {text[:40]!r}; keep it as bytes")


def check_name(name: Any) -> None:
    """Raise `CodecError` where `name` cannot be the name of a field."""
    if type(name) is not str:
        raise CodecError(
            f"a field name is a str, not {qualified(type(name))} {name!r:.40}; name the fields by str, or {APART}"
        )
    if not name.isascii():
        check_sound(name, "a field name")


APART: Final = "keep such values apart, in a table or collection of their own whose store is opened with strict=False"
"""Advice that leaves the documents readable: a store opened with strict=False does not read them."""


def refused(value: Any) -> CodecError:
    """Return the error for a value of no type of the model, with what to do about it."""
    name = type(value).__name__
    remedy = _REMEDY.get(name)
    if remedy is None:
        base = next((base for base in (bool, int, float, str, bytes, list, dict) if isinstance(value, base)), None)
        remedy = advice_for(value) if base is None else f"make it a plain {base.__name__}"
    return CodecError(f"documents hold {_MODEL}, not {qualified(type(value))}: {remedy}, or {APART}")
