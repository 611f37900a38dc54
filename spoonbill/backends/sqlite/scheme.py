"""How SQLite holds values: JSON text that ``json_extract`` reads, or bytes as they are."""

from math import isfinite
from typing import Any, ClassVar

from spoonbill.backends.shared.documents import RESERVED, DocumentScheme, decode_json, encode_json
from spoonbill.errors import CodecError

__all__ = ["Cell", "SQLiteScheme", "fields_in", "value_in", "written"]

Cell = str | bytes
"""What stands in the column ``value``."""


class SQLiteScheme(DocumentScheme):
    """Values as JSON. Numbers that JSON does not have, bytes and times are kept as text under the reserved field."""

    native_bytes: ClassVar[bool] = False

    def holds_float(self, value: float) -> bool:
        return isfinite(value)

    def dump(self, value: Any) -> dict[str, Any]:
        if type(value) is bytes:
            return {RESERVED: {"value": value}}  # a BLOB of its own, not text in JSON
        return super().dump(value)


def written(document: dict[str, Any]) -> Cell:
    """Return the document as it stands in the table."""
    own = document.get(RESERVED)
    if own is not None and type(own.get("value")) is bytes:
        return own["value"]  # type: ignore[no-any-return]
    return encode_json(document)


def value_in(text: str) -> Any:
    """Return the value of JSON that holds nothing of this store's own.

    Raises
    ------
    CodecError
        If it is no JSON.
    """
    try:
        return decode_json(text)
    except (ValueError, RecursionError) as error:
        raise CodecError(f"the text in the table is no JSON: {error}; open the store with the codec of it") from None


def fields_in(text: str) -> dict[str, Any]:
    """Return the fields of a document, also of one that another program wrote."""
    value = value_in(text)
    return value if type(value) is dict else {RESERVED: {"value": value}}
