"""Values of the test server of Firestore: their order, their sizes, and what a document may hold.

As the service documents it: null < booleans < numbers (NaN first, -0.0 before 0, ints and doubles by value) <
timestamps < strings (by UTF-8) < bytes < references < points < arrays < vectors < maps; indexes consider the first
1,500 bytes of a string or of bytes; a timestamp keeps microseconds; a document has 1 MiB and 40,000 index entries at
most, field names of 1,500 bytes that are not empty and not ``__.*__``, twenty levels of maps and arrays, and no array
directly in an array.
"""

import math
import re

import grpc

CONSIDERED = 1500
LARGEST = 1 << 20
DEEPEST = 20
MOST_ENTRIES = 40_000
RESERVED = re.compile("__.*__", re.DOTALL)


class Refused(Exception):
    """What the service answers instead of doing the call."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def invalid(message):
    return Refused(grpc.StatusCode.INVALID_ARGUMENT, message)


def sort_key(value):
    """Return a key by which values compare as the service orders them."""
    kind = value.WhichOneof("value_type")
    return _KEYS[kind](value)


def rank(value):
    """Return the place of a value's type among the types."""
    return sort_key(value)[0]


def _number(number):
    if isinstance(number, float) and math.isnan(number):
        return (2, (0,))
    return (2, (1, number, -1 if number == 0 and math.copysign(1, number) < 0 else 0))


def _map(value):
    fields = value.map_value.fields
    if is_vector(value):
        items = fields["value"].array_value.values
        return (9, (len(items), tuple(map(sort_key, items))))
    return (10, tuple((name.encode(), sort_key(fields[name])) for name in sorted(fields)))


def is_vector(value):
    fields = value.map_value.fields
    return "__type__" in fields and fields["__type__"].string_value == "__vector__"


_KEYS = {
    "null_value": lambda value: (0,),
    "boolean_value": lambda value: (1, value.boolean_value),
    "integer_value": lambda value: _number(value.integer_value),
    "double_value": lambda value: _number(value.double_value),
    "timestamp_value": lambda value: (3, (value.timestamp_value.seconds, value.timestamp_value.nanos)),
    "string_value": lambda value: (4, value.string_value.encode()[:CONSIDERED]),
    "bytes_value": lambda value: (5, value.bytes_value[:CONSIDERED]),
    "reference_value": lambda value: (6, tuple(value.reference_value.split("/"))),
    "geo_point_value": lambda value: (7, (value.geo_point_value.latitude, value.geo_point_value.longitude)),
    "array_value": lambda value: (8, tuple(map(sort_key, value.array_value.values))),
    "map_value": _map,
}


def check_id(text, what):
    """Refuse what cannot be the id of a collection or a document."""
    if not text or text in {".", ".."} or "/" in text or RESERVED.fullmatch(text) or len(text.encode()) > CONSIDERED:
        raise invalid(f"{what} id {text[:50]!r} is invalid: empty, a dot or two, reserved, or over 1500 bytes.")


def check_document(path, fields):
    """Refuse a document that the service would not store, and cut its timestamps to microseconds.

    `path` is the path in the database.
    """
    for part in path.split("/"):
        check_id(part, "Resource")
    entries = _check_fields(fields, 0)
    if entries > MOST_ENTRIES:
        raise invalid(f"too many index entries for entity {path}")
    size = 32 + 16 + len(path.encode()) + 1 + _fields_size(fields)
    if size > LARGEST:
        raise invalid(
            f"Document '{path[:80]}' cannot be written because its size ({size:,} bytes) exceeds the maximum allowed "
            f"size of {LARGEST:,} bytes."
        )


def _check_fields(fields, depth):
    entries = 0
    for name, value in fields.items():
        if not name or len(name.encode()) > CONSIDERED or RESERVED.fullmatch(name):
            raise invalid(f"Field name {name[:50]!r} is empty, reserved, or over 1500 bytes.")
        entries += _check_value(value, depth)
    return entries


def _check_value(value, depth):
    """Refuse what cannot be stored; return the number of index entries: two a plain value, one an item of an array."""
    kind = value.WhichOneof("value_type")
    if kind is None:
        raise invalid("A value has no type.")
    if kind == "timestamp_value":
        value.timestamp_value.nanos -= value.timestamp_value.nanos % 1000
    if kind not in {"array_value", "map_value"}:
        return 2
    if depth >= DEEPEST:
        raise invalid(f"Property is nested too deeply: at most {DEEPEST} levels.")
    if kind == "map_value":
        return 2 if is_vector(value) else _check_fields(value.map_value.fields, depth + 1)
    for item in value.array_value.values:
        if item.WhichOneof("value_type") == "array_value":
            raise invalid("Cannot convert an array value in an array value.")
        _check_value(item, depth + 1)
    return len(value.array_value.values)


def _fields_size(fields):
    return sum(len(name.encode()) + 1 + _size(value) for name, value in fields.items())


def _size(value):
    kind = value.WhichOneof("value_type")
    if kind == "string_value":
        return len(value.string_value.encode()) + 1
    if kind == "bytes_value":
        return len(value.bytes_value)
    if kind == "map_value":
        return _fields_size(value.map_value.fields)
    if kind == "array_value":
        return sum(map(_size, value.array_value.values))
    if kind == "reference_value":
        return len(value.reference_value.partition("/documents/")[2].encode()) + 17
    return {"null_value": 1, "boolean_value": 1, "geo_point_value": 16}.get(kind, 8)
