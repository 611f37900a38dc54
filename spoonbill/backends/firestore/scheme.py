"""How Firestore holds values. Imported when a store is opened, since it needs the client."""

import re
from datetime import datetime
from typing import ClassVar

from spoonbill.backends.firestore.wire import OWN_TYPES
from spoonbill.backends.shared.documents import RESERVED, DocumentScheme, in_utc

__all__ = ["FirestoreScheme"]

_LONGEST_NAME = 1500
_RESERVED = re.compile("__.*__", re.DOTALL)


class FirestoreScheme(DocumentScheme):
    """Values as Firestore's types. Beyond the model a document may hold the client's own, such as ``GeoPoint``."""

    max_depth: ClassVar[int] = 21  # twenty levels of maps and arrays below the document itself
    nests_lists: ClassVar[bool] = False
    own_types = OWN_TYPES

    def stands_at_top(self, name: str) -> bool:
        return not name.startswith(RESERVED) and self.stands_within(name)

    def stands_within(self, name: str) -> bool:
        if not name or name == RESERVED or (name[:2] == "__" and _RESERVED.fullmatch(name)):
            return False
        return len(name) * 4 <= _LONGEST_NAME or len(name.encode()) <= _LONGEST_NAME

    def native_datetime(self, value: datetime) -> datetime | None:
        return in_utc(value)  # a timestamp is an instant, to the microsecond
