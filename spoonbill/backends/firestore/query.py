"""Queries as messages of Firestore's protocol, and the pages of their answers."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from google.cloud.firestore_v1 import types
from google.cloud.firestore_v1.field_path import FieldPath

from spoonbill.backends.firestore.filters import BY_NAME, Test
from spoonbill.backends.firestore.private_api import FirestoreConnection
from spoonbill.backends.firestore.wire import fill
from spoonbill.backends.shared.documents import EXPIRY

__all__ = ["distinct", "listed", "query_message", "skip"]

_FIRST_PAGE: Final = 32
"""Few: every document is billed, and a loop is often left early. More than a query of 30 unique values finds."""

_LARGEST_PAGE: Final = 300
_PAGE_BYTES: Final = 16 << 20
_LARGEST_CURSOR: Final = 1000

_NAME: Final = "__name__"

_Query: Final[Any] = types.StructuredQuery.pb()
_FieldFilter: Final[Any] = types.StructuredQuery.FieldFilter
_SIGNS: Final = {
    "==": _FieldFilter.Operator.EQUAL,
    "in": _FieldFilter.Operator.IN,
    "<": _FieldFilter.Operator.LESS_THAN,
    "<=": _FieldFilter.Operator.LESS_THAN_OR_EQUAL,
    ">": _FieldFilter.Operator.GREATER_THAN,
    ">=": _FieldFilter.Operator.GREATER_THAN_OR_EQUAL,
}
_CURSORS: Final = frozenset({"from", "until"})
_IS_NULL: Final = types.StructuredQuery.UnaryFilter.Operator.IS_NULL
_AND: Final = types.StructuredQuery.CompositeFilter.Operator.AND
_ASCENDING: Final = types.StructuredQuery.Direction.ASCENDING


def _field_of(path: tuple[str, ...]) -> str:
    """Return a path as the service writes it, every name quoted by the client where it has to be."""
    return _NAME if path == BY_NAME else FieldPath(*path).to_api_repr()


def _ordered_by(tests: Sequence[Test]) -> tuple[str, ...]:
    """Return the path by which the answer to some tests comes in order: the ranged field, or else the name."""
    return next((test.path for test in tests if test.sign not in {"==", "in", "null"}), BY_NAME)


def query_message(connection: FirestoreConnection, tests: Sequence[Test] = (), *, keys_only: bool = False) -> Any:
    """Return a query of the collection.

    Parameters
    ----------
    connection : FirestoreConnection
        The way to it.
    tests : sequence of Test
        All of them hold.
    keys_only : bool
        No field is sent, save the one that the answer is ordered by and the end.
    """
    query = _Query()
    query.from_.add(collection_id=connection.collection)
    ordered = _ordered_by(tests)
    filters = [test for test in tests if test.sign not in {"there", *_CURSORS}]
    if len(filters) == 1:
        _write(query.where, filters[0], connection)
    elif filters:
        query.where.composite_filter.op = _AND
        for test in filters:
            _write(query.where.composite_filter.filters.add(), test, connection)
    for path in [ordered] if ordered == BY_NAME else [ordered, BY_NAME]:
        query.order_by.add(direction=_ASCENDING).field.field_path = _field_of(path)
    for test in tests:
        if test.sign in _CURSORS:
            cursor = query.start_at if test.sign == "from" else query.end_at
            cursor.values.add(reference_value=f"{connection.root}/{test.operand}")
            cursor.before = True
    if keys_only:
        query.select.fields.add(field_path=_field_of(ordered))
        query.select.fields.add(field_path=EXPIRY)
    return query


def _write(target: Any, test: Test, connection: FirestoreConnection) -> None:
    if test.sign == "null":
        target.unary_filter.op = _IS_NULL
        target.unary_filter.field.field_path = _field_of(test.path)
        return
    target.field_filter.op = _SIGNS[test.sign]
    target.field_filter.field.field_path = _field_of(test.path)
    if test.path == BY_NAME:
        target.field_filter.value.reference_value = f"{connection.root}/{test.operand}"
    else:
        fill(target.field_filter.value, test.operand, connection.database)


def listed(
    connection: FirestoreConnection,
    alternatives: Sequence[Sequence[Test]],
    *,
    keys_only: bool = False,
    limit: int | None = None,
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield names and fields of the documents that answer queries, page by page, a page in memory at a time.

    Parameters
    ----------
    connection : FirestoreConnection
        The way to the collection.
    alternatives : sequence of sequence of Test
        The tests of each query.
    keys_only : bool
        The fields are not needed.
    limit : int, optional
        How many documents at most.
    """
    moment: Any = None
    left = limit
    # A loop that writes what it reads would move documents ahead of itself in the order of a field.
    by_fields = any(test.path != BY_NAME for tests in alternatives for test in tests)
    for tests in alternatives:
        query = query_message(connection, tests, keys_only=keys_only)
        size = _FIRST_PAGE
        while left is None or left > 0:
            query.limit.value = wanted = size if left is None else min(size, left)
            found, at = connection.ask(query, moment)
            moment = _whole_microseconds(at) if by_fields and moment is None else moment
            for document in found:
                name, fields = connection.loaded(document)
                yield name, fields
            left = None if left is None else left - len(found)
            if len(found) < wanted:
                break
            skip(query, found, _ordered_by(tests))
            size = _next_size(size, found)


def distinct(found: Iterator[tuple[str, dict[str, Any]]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each document once, though several queries found it."""
    seen: set[str] = set()
    for name, fields in found:
        if name not in seen:
            seen.add(name)
            yield name, fields


def skip(query: Any, found: list[Any], ordered: tuple[str, ...] = BY_NAME) -> None:
    """Let a query go on after the documents that it found."""
    values = [types.Value.pb()(reference_value=found[-1].name)]
    if ordered != BY_NAME:
        values.insert(0, _value_at(found[-1], ordered))
    if sum(value.ByteSize() for value in values[:-1]) > _LARGEST_CURSOR:
        query.offset += len(found)  # indexes hold the beginning of a long value, where a cursor would be astray
        return
    query.offset = 0
    del query.start_at.values[:]
    query.start_at.values.extend(values)
    query.start_at.before = False


def _value_at(document: Any, path: tuple[str, ...]) -> Any:
    value = document.fields[path[0]]
    for name in path[1:]:
        value = value.map_value.fields[name]
    return value


def _whole_microseconds(moment: Any) -> Any:
    moment.nanos -= moment.nanos % 1000
    return moment


def _next_size(size: int, found: list[Any]) -> int:
    average: int = sum(document.ByteSize() for document in found) // len(found) + 1
    return max(1, min(size * 2, _LARGEST_PAGE, _PAGE_BYTES // average))
