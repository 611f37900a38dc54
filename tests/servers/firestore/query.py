"""Queries on the test server of Firestore.

As the service documents it: filters on fields named by paths with backticks; a range holds only for values of its
operand's type, a NaN below every number; IN of 1 to 30 values; a document without a value for an ordered field is no
answer; the order is that of the fields asked for, of the ranged field, then of the name; cursors, offset, limit and
projections. What an automatic index of one field cannot serve (an equality together with a range or an order of another
field or with a range of the name, or two ranged fields) fails for want of a composite index.
"""

import operator
from bisect import bisect_left

import grpc
from google.cloud.firestore_v1 import types

from tests.servers.firestore.values import Refused, check_id, invalid, rank, sort_key

NAME = "__name__"
MOST_IN = 30
Operator = types.StructuredQuery.FieldFilter.Operator
Unary = types.StructuredQuery.UnaryFilter.Operator
COMPARES = {
    Operator.LESS_THAN: operator.lt,
    Operator.LESS_THAN_OR_EQUAL: operator.le,
    Operator.GREATER_THAN: operator.gt,
    Operator.GREATER_THAN_OR_EQUAL: operator.ge,
}


def parsed_path(text):
    """Return the names of a field path."""
    if len(text.encode()) > 1500:
        raise invalid("A field path has at most 1500 bytes.")
    names, place = [], 0
    while True:
        if text[place : place + 1] == "`":
            name, place = _quoted(text, place + 1)
        else:
            end = text.find(".", place)
            name, place = (text[place:], len(text)) if end < 0 else (text[place:end], end)
            if not name.isascii() or not name.replace("_", "a").isalnum() or name[0].isdigit():
                raise invalid(f"Invalid property path {text!r}.")
        names.append(name)
        if place == len(text):
            return tuple(names)
        if text[place] != ".":
            raise invalid(f"Invalid property path {text!r}.")
        place += 1


def _quoted(text, place):
    name = ""
    while text[place : place + 1] != "`":
        if place >= len(text):
            raise invalid(f"Invalid property path {text!r}.")
        place += text[place] == "\\"
        name += text[place]
        place += 1
    if not name:
        raise invalid(f"Invalid property path {text!r}.")
    return name, place + 1


def value_at(document, path):
    """Return the value at a path of a document, None where there is none."""
    if path == (NAME,):
        return types.Value.pb()(reference_value=document.name)
    fields = document.fields
    for name in path[:-1]:
        if name not in fields:
            return None
        fields = fields[name].map_value.fields
    return fields[path[-1]] if path[-1] in fields else None


class Query:
    """A structured query, checked."""

    def __init__(self, message, parent):
        (source,) = message.from_
        if source.all_descendants:
            raise Refused(grpc.StatusCode.UNIMPLEMENTED, "collection groups are not served here")
        check_id(source.collection_id, "Collection")
        self.root = f"{parent}/{source.collection_id}"
        self.message = message
        self._equalities, self._ranges, self._tests = set(), set(), []
        self._disjunctions = 1
        if message.HasField("where"):
            self._read(message.where)
        if self._disjunctions > MOST_IN:
            raise invalid(f"'IN' supports up to {MOST_IN} comparison values.")
        self.orders = [
            (parsed_path(order.field.field_path), order.direction == types.StructuredQuery.Direction.DESCENDING)
            for order in message.order_by
        ]
        self._complete_orders()
        self._check_index()

    def _complete_orders(self):
        descending = self.orders[-1][1] if self.orders else False
        ordered = [path for path, _ in self.orders]
        missing = [path for path in sorted(self._ranges) if path not in ordered and path != (NAME,)]
        if ordered and missing and ordered[0] not in self._ranges:
            raise invalid("The first sort property must be the property with an inequality filter.")
        self.orders += [(path, descending) for path in missing]
        if (NAME,) not in ordered:
            self.orders.append(((NAME,), descending))

    def _check_index(self):
        fields = {path for path, _ in self.orders} - {(NAME,)}
        by_name = (NAME,) in self._ranges
        others = self._equalities - fields
        directions = {descending for _, descending in self.orders}
        served = len(fields) <= 1 and len(directions) == 1
        if fields and (others or by_name):
            served = False
        if self._equalities and (by_name or True in directions):
            served = False
        if not served:
            raise Refused(
                grpc.StatusCode.FAILED_PRECONDITION,
                "The query requires an index. You can create it here: https://console.example/indexes",
            )

    # -- filters -----------------------------------------------------------------------------------------------

    def _read(self, where):
        kind = where.WhichOneof("filter_type")
        if kind == "composite_filter":
            if where.composite_filter.op != types.StructuredQuery.CompositeFilter.Operator.AND:
                raise Refused(grpc.StatusCode.UNIMPLEMENTED, "only AND is served here")
            if not where.composite_filter.filters:
                raise invalid("A composite filter needs a filter.")
            for each in where.composite_filter.filters:
                self._read(each)
        elif kind == "unary_filter":
            self._read_unary(where.unary_filter)
        else:
            self._read_field(where.field_filter)

    def _read_unary(self, unary):
        path = parsed_path(unary.field.field_path)
        if unary.op != Unary.IS_NULL:
            raise Refused(grpc.StatusCode.UNIMPLEMENTED, "only IS_NULL is served here")
        self._equalities.add(path)
        self._tests.append((path, lambda value: value.WhichOneof("value_type") == "null_value"))

    def _read_field(self, field):
        path = parsed_path(field.field.field_path)
        if path == (NAME,):
            self._check_reference(field)
        if field.op in COMPARES:
            self._ranges.add(path)
            compare, wanted, kind = COMPARES[field.op], sort_key(field.value), rank(field.value)
            self._tests.append((path, lambda value: rank(value) == kind and compare(sort_key(value), wanted)))
            return
        self._equalities.add(path)
        if field.op == Operator.EQUAL:
            wanted = {sort_key(field.value)}
        elif field.op == Operator.IN:
            values = field.value.array_value.values
            if not values:
                raise invalid("'IN' requires an non-empty ArrayValue.")
            self._disjunctions *= len(values)
            wanted = {sort_key(value) for value in values if value.WhichOneof("value_type") != "null_value"}
        else:
            raise Refused(grpc.StatusCode.UNIMPLEMENTED, f"operator {field.op} is not served here")
        self._tests.append((path, lambda value: sort_key(value) in wanted))

    def _check_reference(self, field):
        values = field.value.array_value.values if field.op == Operator.IN else [field.value]
        for value in values:
            if not value.reference_value.startswith(f"{self.root}/"):
                raise invalid("__key__ filter value must be a Key of the collection.")
            check_id(value.reference_value[len(self.root) + 1 :], "Document")

    # -- answers -----------------------------------------------------------------------------------------------

    def answers(self, documents):
        """Return the documents that answer the query, of all in the collection in the order of their names."""
        descending = {descending for _, descending in self.orders} == {True}
        paths = [path for path, _ in self.orders if path != (NAME,)]
        found = [
            (self._keys(document, paths), document)
            for document in self._from_the_cursor(documents, paths)
            if all((value := value_at(document, path)) is not None and test(value) for path, test in self._tests)
            and all(value_at(document, path) is not None for path in paths)
        ]
        if paths:
            found.sort(key=lambda pair: pair[0])
        if descending:
            found.reverse()
        found = self._within_cursors(found, -1 if descending else 1)
        end = self.message.offset + self.message.limit.value if self.message.HasField("limit") else None
        return [self._projected(document) for _, document in found[self.message.offset : end]]

    def _keys(self, document, paths):
        return (*(sort_key(value_at(document, path)) for path in paths), document.name)

    def _from_the_cursor(self, documents, paths):
        """Leave out what a cursor on the name alone passes by, so that a page costs no more than itself."""
        if paths or not self.message.HasField("start_at") or self.orders != [((NAME,), False)]:
            return documents
        start = bisect_left(documents, self.message.start_at.values[0].reference_value, key=lambda each: each.name)
        return documents[start:]

    def _within_cursors(self, found, sign):
        for field, compare in (("start_at", operator.ge), ("end_at", operator.le)):
            if not self.message.HasField(field):
                continue
            cursor = getattr(self.message, field)
            if len(cursor.values) > len(self.orders):
                raise invalid("A cursor has too many values.")
            wanted = tuple(
                value.reference_value if path == (NAME,) else sort_key(value)
                for value, (path, _) in zip(cursor.values, self.orders, strict=False)
            )
            strict = cursor.before == (field == "end_at")
            found = [
                pair
                for pair in found
                if compare(sign * _compared(pair[0][: len(wanted)], wanted), 0)
                and not (strict and pair[0][: len(wanted)] == wanted)
            ]
        return found

    def _projected(self, document):
        if not self.message.HasField("select") or not self.message.select.fields:
            return document
        return masked(document, [field.field_path for field in self.message.select.fields])


def _compared(a, b):
    return (a > b) - (a < b)


def masked(document, paths):
    """Return a document with those fields alone that a mask names."""
    kept = types.Document.pb()(name=document.name)
    kept.create_time.CopyFrom(document.create_time)
    kept.update_time.CopyFrom(document.update_time)
    for text in paths:
        path = parsed_path(text)
        value = value_at(document, path) if path != (NAME,) else None
        if value is None:
            continue
        fields = kept.fields
        for name in path[:-1]:
            fields = fields[name].map_value.fields
        fields[path[-1]].CopyFrom(value)
    return kept
