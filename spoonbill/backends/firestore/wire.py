"""Firestore's own form of values: written and read here, since the client's copies each document several times."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from google.cloud.firestore import DocumentReference, GeoPoint
from google.cloud.firestore_v1.vector import Vector

__all__ = ["OWN_TYPES", "document_size", "fill", "from_wire", "key_size", "value_size"]

OWN_TYPES: Final = (GeoPoint, DocumentReference, Vector)
"""Types of the client that a document may hold beyond the model."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_VECTOR: Final = "__vector__"
_DOCUMENT: Final = 32
_NAME: Final = 16
_SCALAR: Final = 8


def fill(target: Any, value: Any, database: str) -> None:  # noqa: C901 - one branch a type
    """Write a value into an empty message of the protocol.

    Parameters
    ----------
    target : object
        A protobuf ``Value``.
    value : object
        None, bool, int, float, str, bytes, list, dict, an aware datetime or one of `OWN_TYPES`.
    database : str
        The resource name of the database, for references.
    """
    kind = type(value)
    if kind is str:
        target.string_value = value
    elif kind is int:
        target.integer_value = value
    elif kind is dict:
        target.map_value.SetInParent()
        fields = target.map_value.fields
        for name, item in value.items():
            fill(fields[name], item, database)
    elif kind is list:
        target.array_value.SetInParent()
        values = target.array_value.values
        for item in value:
            fill(values.add(), item, database)
    elif kind is float:
        target.double_value = value
    elif kind is bool:
        target.boolean_value = value
    elif value is None:
        target.null_value = 0
    elif kind is bytes:
        target.bytes_value = value
    elif kind is datetime:
        target.timestamp_value.FromDatetime(value)
    else:
        _fill_own(target, value, database)


def _fill_own(target: Any, value: Any, database: str) -> None:
    if isinstance(value, GeoPoint):
        target.geo_point_value.latitude = value.latitude
        target.geo_point_value.longitude = value.longitude
    elif isinstance(value, Vector):
        fill(target, {"__type__": _VECTOR, "value": list(map(float, value))}, database)
    else:
        target.reference_value = f"{database}/documents/{value.path}"


def from_wire(wire: Any, refer: Callable[[str], Any]) -> Any:  # noqa: PLR0911 - one a type
    """Return the value of a message of the protocol.

    Parameters
    ----------
    wire : object
        A protobuf ``Value``.
    refer : callable
        Returns what a reference is, given its resource name.
    """
    kind = wire.WhichOneof("value_type")
    if kind == "map_value":
        fields = wire.map_value.fields
        if "__type__" in fields and fields["__type__"].string_value == _VECTOR:
            return Vector([item.double_value for item in fields["value"].array_value.values])
        return {name: from_wire(item, refer) for name, item in fields.items()}
    if kind == "array_value":
        return [from_wire(item, refer) for item in wire.array_value.values]
    if kind == "timestamp_value":
        # What other tools wrote may count nanoseconds, which a datetime does not.
        stamp = wire.timestamp_value
        return _EPOCH + timedelta(seconds=stamp.seconds, microseconds=stamp.nanos // 1000)
    if kind == "reference_value":
        return refer(wire.reference_value)
    if kind == "geo_point_value":
        return GeoPoint(wire.geo_point_value.latitude, wire.geo_point_value.longitude)
    return None if kind == "null_value" else getattr(wire, kind)


def key_size(path: str) -> int:
    """Return the bytes that Firestore counts for the name of a document, given its path in the database."""
    return _NAME + len(path.encode()) + 1


def document_size(path: str, document: dict[str, Any]) -> int:
    """Return the bytes that Firestore counts for a document, as its page on storage sizes describes it."""
    return _DOCUMENT + key_size(path) + value_size(document)


def value_size(value: Any) -> int:  # noqa: PLR0911 - one a type
    """Return the bytes that Firestore counts for a value."""
    kind = type(value)
    if kind is str:
        return 1 + (len(value) if value.isascii() else len(value.encode()))
    if kind is dict:
        return sum(
            1 + (len(name) if name.isascii() else len(name.encode())) + value_size(item) for name, item in value.items()
        )
    if kind is list:
        return sum(map(value_size, value))
    if kind is bytes:
        return len(value)
    if value is None or kind is bool:
        return 1
    if isinstance(value, DocumentReference):
        return key_size(value.path)
    if isinstance(value, Vector):
        return _SCALAR * len(value)
    return 2 * _SCALAR if isinstance(value, GeoPoint) else _SCALAR
