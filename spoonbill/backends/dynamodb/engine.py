"""What DynamoDB is asked for, by name."""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from spoonbill.backends.dynamodb.batches import get_all_items, get_items, write_requests
from spoonbill.backends.dynamodb.errors import GUIDE, NOT_THERE, codes_of
from spoonbill.backends.dynamodb.expiry import alive, expiring_until, key_and_end, let_remove, take_left
from spoonbill.backends.dynamodb.expressions import Expressions, path
from spoonbill.backends.dynamodb.items import (
    CLIENT,
    as_item,
    client_of,
    conditional,
    fields_of,
    is_client,
    key_item,
    name_in,
    rev_of,
    unchanged,
)
from spoonbill.backends.dynamodb.options import DynamoDBOptions
from spoonbill.backends.dynamodb.pushdown import SEGMENT, DynamoDBPushdown, Filter
from spoonbill.backends.dynamodb.scan import page_sizes, parallel_pages, scan_pages
from spoonbill.backends.dynamodb.scheme import DynamoDBScheme
from spoonbill.backends.dynamodb.table import KINDS, Table, TableKey
from spoonbill.backends.dynamodb.wire import item_size, number_text
from spoonbill.backends.shared import Connection, ErrorGuide, check_client, client_module, unknown_option
from spoonbill.backends.shared.documents import (
    EXPIRY,
    DocumentEngine,
    KeyEscape,
    PushedQuery,
    UnwrittenError,
    end_of,
    readable,
    writable,
)
from spoonbill.common.batching import batches
from spoonbill.common.boto import may_be_done, never_repeats, once, reads_whole_answers
from spoonbill.common.failures import pass_on, suppress_failures
from spoonbill.common.sentinels import MISSING
from spoonbill.errors import SpoonbillError
from spoonbill.query import Part, Query
from spoonbill.store import Store
from spoonbill.store.numbers import check_ttl

__all__ = ["LARGEST", "LONGEST", "DynamoDBEngine"]

LONGEST = 2048
"""Bytes of the longest key."""

LARGEST = 400 * 1024
"""Bytes of the largest item."""

_REV_SIZE = 40
"""What the token of a write adds to an item, with its names, at most."""

_WRITE_BATCH = 25
_READ_BATCH = 100
_MOST_SEGMENTS = 1_000_000
_ESCAPE = KeyEscape()


class DynamoDBEngine(DocumentEngine[Filter]):
    """The items of a table.

    Parameters
    ----------
    store : Store
        The store that this is the engine of.
    table_name : str
        The table.
    key_type : {"S", "N", "B"} or None
        The type of its key; None takes it from the table, and S for a new one.
    key_name, create, consistent, segments, client, **options
        As `DynamoDBOptions` describes them.
    """

    largest: ClassVar[int] = LARGEST
    ends_in_fields: ClassVar[bool] = True
    read_batch: ClassVar[int] = 1000
    write_batch: ClassVar[int] = 500
    delete_batch: ClassVar[int] = 100

    def __init__(
        self,
        store: Store[Any, Any],
        table_name: str,
        key_type: str | None,
        *,
        key_name: str = "key",
        create: bool = True,
        consistent: bool = True,
        segments: int = 1,
        client: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(store)
        client_module("dynamodb")
        check_client(repr(self), client, fits=is_client(client), wanted=CLIENT)
        if key_type not in {None, "S", "N", "B"}:
            raise ValueError(f'DynamoDB: key_type is "S", "N" or "B", not {key_type!r}')
        self._table_name, self._key = table_name, TableKey(key_name, key_type)
        self._create, self._consistent, self._segments = create, consistent, segments
        self._given, self._options = client, options
        self._removes = False
        self._table = Connection(self._connect, _disconnect if client is None else None, self.closed_error)
        self.scheme = DynamoDBScheme(self._key)
        self.pushdown = DynamoDBPushdown(self.scheme, self._key, _ESCAPE)

    def prepare(self) -> None:
        self._table()  # its key decides which fields may stand beside it

    # -- the way to the table ----------------------------------------------------------------------------------

    def _connect(self) -> Table:
        try:
            client = client_of(self._options) if self._given is None else self._given
            never_repeats(client)
            reads_whole_answers(client)
            table = Table(client, self._table_name, self._key, create=self._create)
            table.check()
        except Exception as error:
            pass_on(error)
            misspelled = unknown_option(repr(self), error, DynamoDBOptions.__annotations__)
            if misspelled is not None:
                raise misspelled from None
            if isinstance(error, SpoonbillError) or GUIDE.is_of_client(error):
                raise self.translated("open", MISSING, error) from error
            raise self.failure("open", MISSING, error, "Check the options that the store was opened with.") from error
        return table

    @property
    def client(self) -> Any:
        return self._table().client

    def knock(self) -> None:
        self._table().describe()

    def close(self) -> None:
        self._table.close()

    # -- one item ----------------------------------------------------------------------------------------------

    def find(self, name: Any) -> dict[str, Any] | None:
        table = readable(self._table)
        found = None if table is None else self._item(table, name)
        return None if table is None or found is None else fields_of(table, found)[1]

    def _item(self, table: Table, name: Any, **options: Any) -> dict[str, Any] | None:
        answer = table.client.get_item(
            TableName=table.name,
            Key=key_item(table, name),
            ConsistentRead=options.pop("consistent", self._consistent),
            **options,
        )
        item: dict[str, Any] | None = answer.get("Item")
        return item

    def knows(self, name: Any) -> bool:
        table = readable(self._table)
        if table is None:
            return False
        expressions = Expressions()
        found = self._item(
            table, name, ProjectionExpression=key_and_end(table, expressions), **expressions.parameters()
        )
        return found is not None and not self.is_over(fields_of(table, found)[1])

    def write(self, name: Any, document: dict[str, Any]) -> None:
        table = writable(self._table)
        table.client.put_item(TableName=table.name, Item=as_item(table, name, document))

    def insert(self, name: Any, document: dict[str, Any]) -> bool:
        table = writable(self._table)
        return self._put(
            table,
            name,
            Item=as_item(table, name, document),
            ConditionExpression="attribute_not_exists(#k)",
            ExpressionAttributeNames={"#k": table.attribute},
        )

    def _put(self, table: Table, name: Any, *, Item: dict[str, Any], **condition: Any) -> bool:  # noqa: N803 - boto3's
        """Write an item under a condition, once; where the answer is lost, the token that is there may tell."""
        try:
            return conditional(lambda: table.client.put_item(TableName=table.name, Item=Item, **condition))
        except Exception as error:
            if may_be_done(error):
                with suppress_failures():  # it is still not known
                    if rev_of(self._item(table, name, consistent=True)) == rev_of(Item):
                        return True
            raise

    def erase(self, name: Any) -> bool:
        table = readable(self._table)
        if table is None:
            return False
        expressions = Expressions()
        condition = expressions.text(("attribute_exists(", *path(table.attribute), ") AND ", *alive()))
        return conditional(
            lambda: table.client.delete_item(
                TableName=table.name,
                Key=key_item(table, name),
                ConditionExpression=condition,
                **expressions.parameters(),
            )
        )

    def take(self, name: Any) -> dict[str, Any] | None:
        table = readable(self._table)
        if table is None:
            return None
        with once():
            answer = table.client.delete_item(TableName=table.name, Key=key_item(table, name), ReturnValues="ALL_OLD")
        item = answer.get("Attributes")
        return None if item is None else fields_of(table, item)[1]

    def swap(self, name: Any, fits: Callable[[dict[str, Any]], bool], document: dict[str, Any]) -> bool:
        table = readable(self._table)
        while table is not None and (item := self._item(table, name, consistent=True)) is not None:
            if not fits(fields_of(table, dict(item))[1]):
                return False
            expressions = Expressions()
            condition = expressions.text(unchanged(table, item))
            new = as_item(table, name, document)
            if self._put(table, name, Item=new, ConditionExpression=condition, **expressions.parameters()):
                return True
        return False

    # -- many items --------------------------------------------------------------------------------------------

    def fetch(self, names: list[Any]) -> dict[Any, dict[str, Any]]:
        table = readable(self._table)
        if table is None:
            return {}
        keys = [key_item(table, name) for name in names]
        requests = [
            {"Keys": keys[start : start + _READ_BATCH], "ConsistentRead": self._consistent}
            for start in range(0, len(keys), _READ_BATCH)
        ]
        return dict(fields_of(table, item) for item in get_all_items(table.client, table.name, requests))

    def put(self, documents: dict[Any, dict[str, Any]]) -> None:
        table = writable(self._table)
        puts = {name: {"PutRequest": {"Item": as_item(table, name, fields)}} for name, fields in documents.items()}
        self._write_all(table, puts)

    def remove(self, names: list[Any]) -> int:
        table = readable(self._table)
        if table is None:
            return 0
        # The service does not tell which of a batch were there.
        expressions = Expressions()
        request = {
            "Keys": [key_item(table, name) for name in names],
            "ConsistentRead": True,
            "ProjectionExpression": key_and_end(table, expressions),
            **expressions.parameters(),
        }
        found = [fields_of(table, item) for item in get_items(table.client, table.name, request)]
        over = sum(self.is_over(fields) for _, fields in found)
        present = [name for name, _ in found]
        self._write_all(table, {name: {"DeleteRequest": {"Key": key_item(table, name)}} for name in present})
        return len(present) - over

    @staticmethod
    def _write_all(table: Table, requests: dict[Any, dict[str, Any]]) -> None:
        names = list(requests)
        for start in range(0, len(names), _WRITE_BATCH):
            sent = [requests[name] for name in names[start : start + _WRITE_BATCH]]
            try:
                write_requests(table.client, table.name, sent, lambda request: name_in(table, request))
            except UnwrittenError as error:
                raise UnwrittenError([*error.names, *names[start + _WRITE_BATCH :]], error.cause) from error.cause

    def empty(self) -> None:
        table = readable(self._table)
        if table is None:
            return
        for batch in batches((name for name, _ in self.listing(None, keys_only=True)), _WRITE_BATCH):
            self._write_all(table, {name: {"DeleteRequest": {"Key": key_item(table, name)}} for name in batch})

    # -- listing and searching ---------------------------------------------------------------------------------

    def size(self) -> int:
        table = readable(self._table)
        if table is None:
            return 0
        expressions = Expressions()
        request = {"TableName": table.name, "ConsistentRead": self._consistent, "Select": "COUNT"}
        request |= {"FilterExpression": expressions.text(alive()), **expressions.parameters()}
        return sum(page["Count"] for page in self._pages(table, request))

    def listing(
        self,
        native: Filter | None,
        *,
        keys_only: bool = False,
        limit: int | None = None,
        page: int | None = None,
    ) -> Iterator[tuple[Any, dict[str, Any]]]:
        table = readable(self._table)
        if table is None:
            return
        if native is not None and native.name is not None:
            yield from self.fetch([native.name]).items()
            return
        request: dict[str, Any] = {"TableName": table.name, "ConsistentRead": self._consistent}
        expressions = Expressions()
        if native is not None:
            if native.tokens:
                request["FilterExpression"] = expressions.text(native.tokens)
            if native.segment is not None:
                request["Segment"], request["TotalSegments"] = native.segment
        if keys_only:
            request["ProjectionExpression"] = key_and_end(table, expressions)
        request |= expressions.parameters()
        for found in self._pages(table, request, **page_sizes(native, limit, page, keys_only=keys_only)):
            for item in found["Items"]:
                yield fields_of(table, item)

    def _pages(self, table: Table, request: dict[str, Any], **most: int | None) -> Iterator[dict[str, Any]]:
        if self._segments > 1 and most.get("limit") is None and "Segment" not in request:
            return parallel_pages(table.client.scan, request, self._segments)
        return scan_pages(table.client.scan, request, **most)

    def split(self, count: int) -> list[Part]:
        readable(self._table)
        return [(SEGMENT, index, count) for index in range(min(count, _MOST_SEGMENTS))]

    def explain_scan(self, pushed: PushedQuery[Filter], query: Query) -> str:
        if pushed.filter is not None and pushed.filter.name is not None:
            return "one item by its key: billed for its size"
        price = "in units of 4 KB" if self._consistent else "in units of 8 KB"
        if pushed.filter is None and pushed.exact and query.limit is not None:
            return f"{query.limit} items at most of the table {self._table_name!r}, billed {price}"
        sent = "keys" if query.keys_only else "items"
        return (
            f"the whole table {self._table_name!r} by Scan: every item is read and billed {price}, whatever the filter "
            f"lets pass; only {sent} that pass are sent"
        )

    # -- keys, sizes, errors -----------------------------------------------------------------------------------

    def name_of(self, key: Any) -> Any:
        kind = self._table().kind
        if kind == "S" and isinstance(key, str):
            return self.escaped(key, _ESCAPE, LONGEST)
        if kind == "N" and isinstance(key, int | float) and type(key) is not bool and number_text(key) is not None:
            return int(key) if key == key // 1 else float(key)
        if kind == "B" and type(key) is bytes and key:
            if len(key) > LONGEST:
                raise self.too_long(key, len(key), LONGEST)
            return key
        raise self.no_key(key, KINDS[kind])

    def key_of(self, name: Any) -> Any:
        if type(name) in {int, float, bytes}:
            return name
        return self.unescaped(name, _ESCAPE)

    def fit(self, name: Any, key: Any, document: dict[str, Any]) -> Any:
        size = item_size(self._table().attribute) + item_size(name) + _REV_SIZE
        size += sum(item_size(field) + item_size(value) for field, value in document.items())
        if size > LARGEST:
            raise self.too_large(key, size)
        return document

    # -- expiry ------------------------------------------------------------------------------------------------

    def left_of(self, found: dict[str, Any]) -> float | None:
        return take_left(found) if EXPIRY in found else None

    def expiring(self, document: Any, ttl: float) -> Any:
        end = end_of(check_ttl(ttl, self.store))
        if end is None:
            return document
        if not self._removes:
            let_remove(writable(self._table), repr(self))
            self._removes = True
        return expiring_until(document, end)

    @property
    def guide(self) -> ErrorGuide:
        return GUIDE

    def note(self, error: Exception) -> None:
        if NOT_THERE in codes_of(error):
            self._table().invalidate()


def _disconnect(table: Table) -> None:
    table.client.close()
