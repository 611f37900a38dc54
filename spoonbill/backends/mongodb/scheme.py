"""How MongoDB holds values. Imported when a store is opened, since it needs the client."""

from datetime import UTC, datetime
from typing import Any, Final

from bson import Code, CodecOptions, DatetimeMS, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.binary import Binary
from bson.codec_options import DatetimeConversion
from bson.raw_bson import RawBSONDocument

from spoonbill.backends.shared.documents import RESERVED, DocumentScheme, in_utc

__all__ = ["OPTIONS", "RAW_OPTIONS", "MongoDBScheme"]

OPTIONS: Final[CodecOptions[Any]] = CodecOptions(
    tz_aware=True, tzinfo=UTC, datetime_conversion=DatetimeConversion.DATETIME_AUTO
)
"""How documents are decoded: times with their zone, and a time beyond the year 9999 is no error."""

RAW_OPTIONS: Final[CodecOptions[Any]] = CodecOptions(document_class=RawBSONDocument)


class MongoDBScheme(DocumentScheme):
    """Values as BSON. Beyond the model a document may hold BSON's own types, such as ``ObjectId``."""

    own_types = (ObjectId, Decimal128, Regex, Timestamp, DBRef, Code, MinKey, MaxKey, DatetimeMS, Binary)

    def stands_at_top(self, name: str) -> bool:
        return name != "_id" and not name.startswith(RESERVED) and self.stands_within(name)

    def stands_within(self, name: str) -> bool:
        return name != RESERVED and name[:1] != "$" and "." not in name and "\0" not in name

    def native_datetime(self, value: datetime) -> datetime | None:
        # BSON counts milliseconds, in UTC.
        return None if value.microsecond % 1000 else in_utc(value)

    def plain(self, value: Any) -> Any:
        return int(value) if type(value) is Int64 else value
