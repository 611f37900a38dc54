"""How Cosmos DB holds values."""

from math import isfinite
from typing import Any, ClassVar, Final

from spoonbill.backends.shared.documents import RESERVED, DocumentScheme

__all__ = ["SYSTEM", "CosmosDBScheme"]

SYSTEM: Final = frozenset({"id", "_rid", "_self", "_etag", "_attachments", "_ts"})
"""The fields that the service gives to every document."""

_WHOLE: Final = 1 << 53


class CosmosDBScheme(DocumentScheme):
    """Values as JSON whose numbers are doubles.

    ``id`` is the key, ``ttl`` would let the document expire, and names that begin with ``_`` are the service's.
    """

    native_bytes: ClassVar[bool] = False

    def stands_at_top(self, name: str) -> bool:
        return name[:1] not in {"", "_"} and name not in {"id", "ttl"} and not name.startswith(RESERVED)

    def stands_within(self, name: str) -> bool:
        return name not in {RESERVED, ""}

    def holds_int(self, value: int) -> bool:
        return abs(value) <= _WHOLE

    def holds_float(self, value: float) -> bool:
        return isfinite(value)

    def _load(self, value: Any) -> Any:
        # No int of that size is held as it is, so it was a float: JSON writes 1e20 as 100000000000000000000.
        if type(value) is int and not -_WHOLE <= value <= _WHOLE:
            return float(value)
        return super()._load(value)
