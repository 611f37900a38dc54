"""How DynamoDB holds values."""

from math import isfinite
from typing import ClassVar

from spoonbill.backends.dynamodb.table import TableKey
from spoonbill.backends.shared.documents import RESERVED, DocumentScheme

__all__ = ["DynamoDBScheme"]

_WHOLE = float(1 << 53)
_TINY = 1e-120


class DynamoDBScheme(DocumentScheme):
    """Values as DynamoDB's types; each write also leaves a token, ``rev``, by which a swap sees that it changed.

    Parameters
    ----------
    key : TableKey
        The table's key.
    """

    max_depth: ClassVar[int] = 32
    own_tags: ClassVar[frozenset[str]] = frozenset({"rev"})

    def __init__(self, key: TableKey) -> None:
        super().__init__()
        self._key = key

    def stands_at_top(self, name: str) -> bool:
        return name not in {self._key.attribute, ""} and not name.startswith(RESERVED)

    def stands_within(self, name: str) -> bool:
        return name not in {RESERVED, ""}

    def holds_float(self, value: float) -> bool:
        # Beyond 2**53 a whole float and an int would be one number, and its 38 digits hold no float below 1E-130.
        return isfinite(value) and abs(value) < _WHOLE and (abs(value) >= _TINY or value == 0)
