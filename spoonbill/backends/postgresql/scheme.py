"""How PostgreSQL holds keys and values: text without NUL, and ``jsonb``, or bytes as they are."""

import re
from collections.abc import Iterable
from math import copysign, isfinite
from typing import Any, ClassVar, Final

from spoonbill.backends.shared.documents import RESERVED, DocumentScheme, decode_json, encode_json
from spoonbill.errors import CodecError

__all__ = [
    "BytesScheme",
    "PostgresScheme",
    "copy_lines",
    "fields_in",
    "has_controls",
    "text_down",
    "text_up",
    "value_in",
    "written",
]

_LARGEST: Final = 1e16
"""From here on Python writes a float with an exponent; ``jsonb`` gives back all its digits, which read as an int."""

_IN_COPY: Final = (("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))
"""What separates values and lines there, and how it stands in a text."""
_ESCAPED: Final = re.compile("\x01([\x01\x02])")
_MEANINGS: Final = {"\x01": "\0", "\x02": "\x01"}


def text_down(text: str) -> str:
    r"""Return a text as PostgreSQL can hold it: NUL as ``\x01\x01`` and ``\x01`` as ``\x01\x02``, in the same order."""
    if "\0" in text or "\x01" in text:
        return text.replace("\x01", "\x01\x02").replace("\0", "\x01\x01")
    return text


def text_up(text: str) -> str:
    """Return the text that is held as `text`."""
    return _ESCAPED.sub(lambda match: _MEANINGS[match[1]], text) if "\x01" in text else text


class PostgresScheme(DocumentScheme):
    """Values as ``jsonb``. Numbers that it does not give back, bytes and times are text under the reserved field."""

    native_bytes: ClassVar[bool] = False

    def holds_float(self, value: float) -> bool:
        return isfinite(value) and abs(value) < _LARGEST and (value != 0 or copysign(1, value) > 0)


class BytesScheme(DocumentScheme):
    """Values that are bytes already, by a codec."""

    def dump(self, value: Any) -> dict[str, Any]:
        if type(value) is not bytes:
            raise CodecError(f"a table of bytes holds bytes, not {type(value).__name__}: put a codec above it")
        return {RESERVED: {"value": value}}

    def load(self, fields: dict[str, Any]) -> Any:
        return fields[RESERVED]["value"]


def written(document: dict[str, Any]) -> str:
    """Return a document as the JSON that PostgreSQL is sent."""
    text = encode_json(document)
    if has_controls(text):
        return encode_json(_each_text(document, text_down))
    return text


def copy_lines(rows: Iterable[tuple[str, str]]) -> str:
    """Return rows of two texts as PostgreSQL's ``COPY`` takes them, escaped all at once: none of them holds a NUL.

    The format: https://www.postgresql.org/docs/current/sql-copy.html, "Text Format".
    """
    lines = "".join([f"{first}\0f{second}\0r" for first, second in rows]).replace("\\", "\\\\")
    for character, escaped in _IN_COPY:
        if character in lines:
            lines = lines.replace(character, escaped)
    return lines.replace("\0f", "\t").replace("\0r", "\n")


def has_controls(text: str) -> bool:
    """Return whether JSON may hold a character that `text_down` changes."""
    return "\\u000" in text and ("\\u0000" in text or "\\u0001" in text)


def value_in(text: str) -> Any:
    """Return the value of JSON that holds nothing of this store's own.

    Raises
    ------
    CodecError
        If it is larger or deeper than Python reads.
    """
    try:
        return decode_json(text)
    except (ValueError, RecursionError) as error:
        raise CodecError(f"what another program wrote cannot be read: {error}") from None


def fields_in(text: str) -> dict[str, Any]:
    """Return the fields of a document as PostgreSQL gives it back, also of one that another program wrote."""
    value = value_in(text)
    if "\\u0001" in text:
        value = _each_text(value, text_up)
    return value if type(value) is dict else {RESERVED: {"value": value}}


def _each_text(value: Any, change: Any) -> Any:
    kind = type(value)
    if kind is str:
        return change(value)
    if kind is dict:
        return {change(name): _each_text(item, change) for name, item in value.items()}
    return [_each_text(item, change) for item in value] if kind is list else value
