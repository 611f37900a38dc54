"""The types that msgpack itself lacks, as its extension types.

====  ==============================  ===================================================================
code  type                            payload
====  ==============================  ===================================================================
1     int beyond 64 bits              two's complement, big-endian
2     tuple                           msgpack array
3     set                             msgpack array
4     frozenset                       msgpack array
5     complex                         two big-endian doubles
6     date                            ISO 8601
7     datetime                        msgpack of [ISO 8601 without offset, fold, zone]
8     time                            msgpack of [ISO 8601 without offset, fold, zone]
9     timedelta                       msgpack of [days, seconds, microseconds]
10    Decimal                         its ``str``
11    UUID                            16 bytes
12    member of a registered Enum     msgpack of [registered name, member's name]
13    numpy array                     a frame, see :mod:`spoonbill.codecs.arrays`
14    numpy scalar                    msgpack of [dtype, bytes]
15    a type of BSON's own            BSON of a document with the field "", such as an ``ObjectId``
====  ==============================  ===================================================================

A zone is nil, the key of a ``ZoneInfo``, or [microseconds east of UTC] with the name of a ``timezone`` if it has one.
The codes never change their meaning.
"""

import enum
import struct
import sys
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from importlib import import_module
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from spoonbill.codecs.arrays import dump_array, dump_scalar, load_array, load_scalar
from spoonbill.common.advice import advice_for
from spoonbill.common.enums import enum_member, enum_name, qualified
from spoonbill.common.nesting import MOST_COLLISIONS, collides
from spoonbill.errors import CodecError, MissingExtraError

__all__ = ["TUPLE", "from_extension", "to_extension"]

TUPLE: Final = 2
"""The code of a tuple, which the codec writes and reads itself where it can."""

_Pack = Callable[[Any], bytes]
_Unpack = Callable[[bytes], Any]

_MICROSECOND: Final = timedelta(microseconds=1)
_COMPLEX: Final = struct.Struct(">dd")


def to_extension(value: Any, pack: _Pack) -> tuple[int, bytes]:
    """Return the code and the payload of a value, whose parts ``pack`` encodes.

    Raises
    ------
    CodecError
        The value's type, exactly, is none that the msgpack codec holds.
    """
    writer = _WRITERS.get(type(value))
    if writer is not None:
        return writer(value, pack)
    if isinstance(value, enum.Enum):
        try:
            return 12, pack(list(enum_name(value)))
        except LookupError as error:
            raise CodecError(f"the msgpack codec cannot hold {value!r}: {error}") from error
    if type(value).__module__.partition(".")[0] == "bson":
        return 15, _bson().encode({"": value})
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        if type(value) is numpy.ndarray:
            return 13, dump_array(value)
        if isinstance(value, numpy.generic):
            return 14, pack(dump_scalar(value))
    raise CodecError(
        f"the msgpack codec cannot hold a value of type {qualified(type(value))}: {advice_for(value)}; or open "
        "the store with strict=False, which pickles such values"
    )


def from_extension(code: int, data: bytes, unpack: _Unpack) -> Any:
    """Return the value of a code and a payload, whose parts ``unpack`` decodes.

    Raises
    ------
    CodecError
        No type has this code. Damaged payloads raise whatever error their type raises.
    """
    reader = _READERS.get(code)
    if reader is None:
        raise CodecError(f"the stored bytes hold an extension type of unknown code {code}")
    return reader(data, unpack)


def _write_int(value: int, _: _Pack) -> tuple[int, bytes]:
    return 1, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)


def _write_moment(value: datetime | time, pack: _Pack) -> tuple[int, bytes]:
    code = 7 if type(value) is datetime else 8
    return code, pack([value.replace(tzinfo=None).isoformat(), value.fold, _zone(value.tzinfo)])


def _zone(zone: tzinfo | None) -> Any:
    if zone is None:
        return None
    if type(zone) is ZoneInfo and zone.key is not None:
        return zone.key
    if type(zone) is timezone:
        # The arguments that made it tell a name that was given from the one that utcoffset makes up.
        offset, *name = zone.__getinitargs__()  # type: ignore[attr-defined]
        return [offset // _MICROSECOND, *name]
    raise CodecError(
        f"the msgpack codec cannot hold a time zone of type {qualified(type(zone))}: use zoneinfo.ZoneInfo or "
        "datetime.timezone, or open the store with strict=False"
    )


def _elements(value: Any) -> list[Any]:
    _refuse_colliding(value)
    return list(value)


def _refuse_colliding(elements: Any) -> None:
    if collides(elements):
        raise CodecError(
            f"the msgpack codec holds at most {MOST_COLLISIONS} elements of a set whose hash is the same: store a list"
        )


_WRITERS: Final[dict[type, Callable[[Any, _Pack], tuple[int, bytes]]]] = {
    int: _write_int,
    tuple: lambda value, pack: (2, pack(list(value))),
    set: lambda value, pack: (3, pack(_elements(value))),
    frozenset: lambda value, pack: (4, pack(_elements(value))),
    complex: lambda value, _: (5, _COMPLEX.pack(value.real, value.imag)),
    date: lambda value, _: (6, value.isoformat().encode()),
    datetime: _write_moment,
    time: _write_moment,
    timedelta: lambda value, pack: (9, pack([value.days, value.seconds, value.microseconds])),
    Decimal: lambda value, _: (10, str(value).encode()),
    UUID: lambda value, _: (11, value.bytes),
}


def _read_list(data: bytes, unpack: _Unpack) -> list[Any]:
    parts = unpack(data)
    if type(parts) is not list:
        raise CodecError(f"the stored bytes hold {qualified(type(parts))} where a list of parts belongs")
    return parts


def _read_set(kind: type) -> Callable[[bytes, _Unpack], Any]:
    def read(data: bytes, unpack: _Unpack) -> Any:
        parts = _read_list(data, unpack)
        _refuse_colliding(parts)
        value = kind(parts)
        if len(value) != len(parts):
            raise CodecError("the stored bytes hold a set with an element twice")
        return value

    return read


def _read_date(data: bytes, _: _Unpack) -> date:
    value: date = _checked(date.fromisoformat(data.decode()), data.decode())
    return value


def _checked(value: Any, text: str) -> Any:
    # fromisoformat also takes spellings that were never written.
    if value.isoformat() != text:
        raise CodecError(f"{text!r} is no stored date or time")
    return value


def _read_moment(kind: Any) -> Callable[[bytes, _Unpack], Any]:
    def read(data: bytes, unpack: _Unpack) -> Any:
        text, fold, zone = _read_list(data, unpack)
        moment = _checked(kind.fromisoformat(text), text)
        return moment.replace(tzinfo=_read_zone(zone), fold=fold)

    return read


def _read_zone(zone: Any) -> tzinfo | None:
    if zone is None:
        return None
    if type(zone) is str:
        return ZoneInfo(zone)
    offset, *name = zone
    return timezone(offset * _MICROSECOND, *name)


def _read_timedelta(data: bytes, unpack: _Unpack) -> timedelta:
    days, seconds, microseconds = _read_list(data, unpack)
    return timedelta(days, seconds, microseconds)


def _read_enum(data: bytes, unpack: _Unpack) -> enum.Enum:
    name, member = _read_list(data, unpack)
    return enum_member(name, member)


def _read_scalar(data: bytes, unpack: _Unpack) -> Any:
    description, payload = _read_list(data, unpack)
    return load_scalar(description, payload)


def _bson() -> Any:
    try:
        return import_module("bson")
    except ImportError as error:
        raise MissingExtraError(
            "the value is of a type of MongoDB's own, such as ObjectId, which needs its client: pip install "
            "'spoonbill-framework[mongodb]'"
        ) from error


def _read_bson(data: bytes, _: _Unpack) -> Any:
    bson = _bson()
    try:
        return bson.decode(data)[""]
    except bson.errors.BSONError as error:
        raise CodecError(f"the stored bytes are no BSON: {error}") from error


_READERS: Final[dict[int, Callable[[bytes, _Unpack], Any]]] = {
    1: lambda data, _: int.from_bytes(data, "big", signed=True),
    2: lambda data, unpack: tuple(_read_list(data, unpack)),
    3: _read_set(set),
    4: _read_set(frozenset),
    5: lambda data, _: complex(*_COMPLEX.unpack(data)),
    6: _read_date,
    7: _read_moment(datetime),
    8: _read_moment(time),
    9: _read_timedelta,
    10: lambda data, _: Decimal(data.decode()),
    11: lambda data, _: UUID(bytes=data),
    12: _read_enum,
    13: lambda data, _: load_array(data),
    14: _read_scalar,
    15: _read_bson,
}
