"""DynamoDB: items of a table with a hash key."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, ClassVar, Literal

from spoonbill.backends.dynamodb import errors as dynamodb_errors
from spoonbill.backends.dynamodb.batches import UndoneError, get_all_items, get_items, write_requests
from spoonbill.backends.dynamodb.expressions import Expressions, path
from spoonbill.backends.dynamodb.items import (
    as_item,
    client_of,
    conditional,
    fields_of,
    key_item,
    name_in,
    rev_of,
    unchanged,
)
from spoonbill.backends.dynamodb.pushdown import DynamoDBPushdown, Filter
from spoonbill.backends.dynamodb.scan import parallel_pages, scan_pages
from spoonbill.backends.dynamodb.scheme import DynamoDBScheme
from spoonbill.backends.dynamodb.table import Table
from spoonbill.backends.dynamodb.wire import item_size, number_text
from spoonbill.backends.shared import Connection, client_module
from spoonbill.backends.shared.documents import (
    DocumentBackend,
    KeyEscape,
    PushedQuery,
    ScanPartition,
    UnwrittenError,
    is_sound,
    readable,
    writable,
)
from spoonbill.common.batching import batches
from spoonbill.common.boto import may_be_done, never_repeats, once, reads_whole_answers
from spoonbill.common.sentinels import MISSING
from spoonbill.common.traits import Guarantees, Limits
from spoonbill.errors import SpoonbillError
from spoonbill.query import Query

_LONGEST = 2048
_LARGEST = 400 * 1024
_REV_SIZE = 40
"""What the token of a write adds to an item, with its names, at most."""

_WRITES = 25
_READS = 100
_ESCAPE = KeyEscape()


class DynamoDB(DocumentBackend[Filter]):
    """The items of a table, each under its hash key.

    Parameters
    ----------
    table_name : str
        The table. The first call connects and reads its key.
    key_type : {"S", "N", "B"}, optional
        The type of its key: str, numbers or bytes. By default as the table has it, and S for a new one.
    key_name : str, optional
        The name of the key attribute of a new table.
    create : bool, optional
        Whether the first write may make the table, on demand capacity. Where not, a missing one is a `StoreError`.
    consistent : bool, optional
        False reads at half the price what may be a second old, so that a write may not be seen at once.
    segments : int, optional
        How many parts of the table a scan reads at once, each in a thread.
    client : object, optional
        A low-level client of yours, ``boto3.client("dynamodb")``, which is never closed.
    **options
        For ``boto3.client``.
    """

    limits = Limits(key_bytes=_LONGEST, value_bytes=_LARGEST)
    guarantees = Guarantees(
        threads="safe",
        processes="safe",
        fork="both sides go on; the child connects anew",
        crash="a finished write is in several data centres",
        iteration="each key once; writes made meanwhile may or may not be seen",
        atomic="between all clients of the service; `replace` does not see another tool add an attribute",
    )
    read_batch: ClassVar[int] = 1000
    write_batch: ClassVar[int] = 500
    delete_batch: ClassVar[int] = 100

    def __init__(
        self,
        table_name: str,
        key_type: Literal["S", "N", "B"] | None = None,
        *,
        key_name: str = "key",
        create: bool = True,
        consistent: bool = True,
        segments: int = 1,
        client: Any = None,
        **options: Any,
    ) -> None:
        client_module("dynamodb")
        if key_type not in {None, "S", "N", "B"}:
            raise ValueError(f'DynamoDB: key_type is "S", "N" or "B", not {key_type!r}')
        self._table_name, self._wanted, self._key_name = table_name, key_type, key_name
        self._create, self._consistent, self._segments = create, consistent, segments
        self._given, self._options = client, options
        self._table = Connection(self._connect, _disconnect if client is None else None, self._closed_error)
        self.scheme = DynamoDBScheme(lambda: self._table().attribute)
        self.pushdown = DynamoDBPushdown(self.scheme, lambda: (self._table().attribute, self._table().kind), _ESCAPE)

    # -- the way to the table ----------------------------------------------------------------------------------

    def _connect(self) -> Table:
        try:
            client = client_of(self._options) if self._given is None else self._given
            never_repeats(client)
            reads_whole_answers(client)
            table = Table(client, self._table_name, self._wanted, self._key_name, create=self._create)
            table.look()
        except Exception as error:
            if isinstance(error, SpoonbillError) or dynamodb_errors.is_of_client(error):
                raise self._translated("open", MISSING, error) from error
            raise self._failure("open", MISSING, error, "Check the options that the store was opened with.") from error
        return table

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
        only = {"ProjectionExpression": "#k", "ExpressionAttributeNames": {"#k": table.attribute}}
        return self._item(table, name, **only) is not None

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
                with suppress(Exception):  # it is still not known
                    if rev_of(self._item(table, name, consistent=True)) == rev_of(Item):
                        return True
            raise

    def erase(self, name: Any) -> bool:
        table = readable(self._table)
        return table is not None and conditional(
            lambda: table.client.delete_item(
                TableName=table.name,
                Key=key_item(table, name),
                ConditionExpression="attribute_exists(#k)",
                ExpressionAttributeNames={"#k": table.attribute},
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
            {"Keys": keys[start : start + _READS], "ConsistentRead": self._consistent}
            for start in range(0, len(keys), _READS)
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
        request = {
            "Keys": [key_item(table, name) for name in names],
            "ConsistentRead": True,
            "ProjectionExpression": "#k",
            "ExpressionAttributeNames": {"#k": table.attribute},
        }
        present = [fields_of(table, item)[0] for item in get_items(table.client, table.name, request)]
        self._write_all(table, {name: {"DeleteRequest": {"Key": key_item(table, name)}} for name in present})
        return len(present)

    @staticmethod
    def _write_all(table: Table, requests: dict[Any, dict[str, Any]]) -> None:
        names = list(requests)
        for start in range(0, len(names), _WRITES):
            batch = names[start : start + _WRITES]
            sent = [requests[name] for name in batch]
            try:
                write_requests(table.client, table.name, sent)
            except UndoneError as error:
                left = [name_in(table, request) for request in error.requests]
                raise UnwrittenError([*left, *names[start + _WRITES :]], error.cause) from error

    def empty(self) -> None:
        table = readable(self._table)
        if table is None:
            return
        for batch in batches((name for name, _ in self.listing(None, keys_only=True)), _WRITES):
            self._write_all(table, {name: {"DeleteRequest": {"Key": key_item(table, name)}} for name in batch})

    # -- listing and searching ---------------------------------------------------------------------------------

    def size(self) -> int:
        table = readable(self._table)
        if table is None:
            return 0
        request = {"TableName": table.name, "ConsistentRead": self._consistent, "Select": "COUNT"}
        return sum(page["Count"] for page in self._pages(table, request))

    def listing(
        self,
        narrowed: Filter | None,
        *,
        keys_only: bool = False,
        limit: int | None = None,
        page: int | None = None,
        **share: Any,
    ) -> Iterator[tuple[Any, dict[str, Any]]]:
        table = readable(self._table)
        if table is None:
            return
        if narrowed is not None and narrowed.name is not None:
            yield from self.fetch([narrowed.name]).items()
            return
        request = {"TableName": table.name, "ConsistentRead": self._consistent, **share}
        expressions = Expressions()
        if narrowed is not None:
            request["FilterExpression"] = expressions.text(narrowed.tokens)
        if keys_only:
            request["ProjectionExpression"] = expressions.text(path(table.attribute))
        request |= expressions.parameters()
        for found in self._pages(table, request, **_page_sizes(narrowed, limit, page, keys_only=keys_only)):
            for item in found["Items"]:
                yield fields_of(table, item)

    def _pages(self, table: Table, request: dict[str, Any], **most: int | None) -> Iterator[dict[str, Any]]:
        if self._segments > 1 and most.get("limit") is None and "Segment" not in request:
            return parallel_pages(table.client.scan, request, self._segments)
        return scan_pages(table.client.scan, request, **most)

    def scan_shares(self, count: int) -> list[Iterable[Any]]:
        return [ScanPartition(self, None, Segment=segment, TotalSegments=count) for segment in range(count)]

    def explain_scan(self, narrowing: PushedQuery[Filter], query: Query) -> str:
        if narrowing.filter is not None and narrowing.filter.name is not None:
            return "one item by its key: billed for its size"
        price = "in units of 4 KB" if self._consistent else "in units of 8 KB"
        if narrowing.filter is None and narrowing.exact and query.limit is not None:
            return f"{query.limit} items at most of the table {self._table_name!r}, billed {price}"
        sent = "keys" if query.keys_only else "items"
        return (
            f"the whole table {self._table_name!r} by Scan: every item is read and billed {price}, whatever the filter "
            f"lets pass; only {sent} that pass are sent"
        )

    # -- keys, sizes, errors -----------------------------------------------------------------------------------

    def name_of(self, key: Any) -> Any:
        kind = self._table().kind
        if kind == "S" and isinstance(key, str) and is_sound(key):
            name = _ESCAPE.down(str.__str__(key))
            size = len(name) if name.isascii() else len(name.encode())
            if size > _LONGEST:
                raise self.too_long(key, size, _LONGEST)
            return name
        if kind == "N" and isinstance(key, int | float) and type(key) is not bool and number_text(key) is not None:
            return int(key) if key == key // 1 else float(key)
        if kind == "B" and type(key) is bytes and key:
            if len(key) > _LONGEST:
                raise self.too_long(key, len(key), _LONGEST)
            return key
        raise self.no_key(key, _KINDS[kind])

    def key_of(self, name: Any) -> Any:
        if type(name) in {int, float, bytes}:
            return name
        try:
            return _ESCAPE.up(name)
        except (ValueError, TypeError) as error:
            raise self.no_name(name, str(error)) from error

    def sealed(self, name: Any, key: Any, document: dict[str, Any]) -> Any:
        size = item_size(self._table().attribute) + item_size(name) + _REV_SIZE
        size += sum(item_size(field) + item_size(value) for field, value in document.items())
        if size > _LARGEST:
            raise self.too_large(key, size, _LARGEST)
        return document

    def mapped(self, operation: str, key: Any, error: Exception) -> Exception:
        if not dynamodb_errors.is_of_client(error):
            return error
        if dynamodb_errors.code_of(error) == dynamodb_errors.NOT_THERE:
            self._table().forget()
        if dynamodb_errors.is_too_large(error):
            return self.too_large(key, None, _LARGEST)
        remedy = dynamodb_errors.remedy_for(error)
        return self._failure(operation, key, error, remedy, unanswered=may_be_done(error))


_KINDS = {
    "S": "a str of valid text",
    "N": "an int or a float of at most 38 digits",
    "B": "bytes, and not empty",
}


def _disconnect(table: Table) -> None:
    table.client.close()


def _page_sizes(
    narrowed: Filter | None, limit: int | None, page: int | None, *, keys_only: bool
) -> dict[str, int | None]:
    """Return how the pages of a scan grow: a loop over keys is often left after the first, and each page is billed."""
    if narrowed is None and limit is not None:
        return {"limit": limit}
    return {"wanted": 1 if keys_only and page is None else page}
