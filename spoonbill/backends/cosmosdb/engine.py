"""What Cosmos DB is asked for, by name."""

import json
import math
from collections.abc import Callable, Iterator
from itertools import islice, pairwise
from typing import Any, ClassVar, Final

from spoonbill.backends.cosmosdb.container import Container
from spoonbill.backends.cosmosdb.errors import (
    GUIDE,
    has_changed,
    is_absence,
    is_conflict,
    is_container_gone,
    remedy_for_account,
)
from spoonbill.backends.cosmosdb.options import CosmosDBOptions
from spoonbill.backends.cosmosdb.pushdown import ESCAPE, HASHES, LONGEST, CosmosDBPushdown, Filter
from spoonbill.backends.cosmosdb.query import ID, Operand, alive, query
from spoonbill.backends.cosmosdb.scheme import SYSTEM, CosmosDBScheme
from spoonbill.backends.shared import Connection, ErrorGuide, check_client, check_spelling, client_module
from spoonbill.backends.shared.documents import (
    EXPIRY,
    DocumentEngine,
    PushedQuery,
    end_of,
    must_expire,
    readable,
    seconds_left,
    writable,
)
from spoonbill.common.failures import pass_on
from spoonbill.common.sentinels import MISSING
from spoonbill.errors import UnsupportedError
from spoonbill.query import Part, Query
from spoonbill.store import Store
from spoonbill.store.numbers import check_ttl

__all__ = ["LARGEST", "CosmosDBEngine"]

LARGEST: Final = 2 * 1024 * 1024
"""Bytes of the largest document."""

_SYSTEM_SIZE: Final = 1024
"""What the service's own fields add to a document, at most."""

_SMALL_PAGE: Final = 100
_INSERTIONS: Final = 3
"""How often a document is created that is in the way and then not there."""
_PATIENCE: Final = {"connection_timeout": 5, "retry_connect": 2, "read_timeout": 30, "retry_read": 1}
"""A service that is not there is found out in some seconds, one that says nothing in a minute; both can be given."""

_SHORT: Final = {"enable_compact_utf8_item_writes": True}
"""Text is sent as UTF-8, as it is measured, and not with an escape for each character."""


class CosmosDBEngine(DocumentEngine[Filter]):
    """The documents of a container.

    Parameters
    ----------
    store : Store
        The store that this is the engine of.
    database, container : str
        Where the documents are.
    endpoint, credential, partition_key, create, client, **options
        As `CosmosDBOptions` describes them.
    """

    largest: ClassVar[int] = LARGEST
    ends_in_fields: ClassVar[bool] = True
    read_batch: ClassVar[int] = 1000
    write_batch: ClassVar[int] = 100
    delete_batch: ClassVar[int] = 100

    def __init__(
        self,
        store: Store[Any, Any],
        database: str,
        container: str,
        *,
        endpoint: str | None = None,
        credential: Any = None,
        partition_key: str = "/id",
        create: bool = True,
        expires: bool = False,
        client: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(store)
        client_module("cosmosdb")
        if partition_key != "/id":
            raise UnsupportedError(
                f"CosmosDB: the partition key {partition_key!r} would let one id name many documents; a store needs a "
                'container with the partition key "/id"'
            )
        from azure.cosmos import CosmosClient

        check_client(repr(self), client, fits=isinstance(client, CosmosClient), wanted="an azure.cosmos.CosmosClient")
        check_spelling(repr(self), options, CosmosDBOptions.__annotations__)
        if client is None and (endpoint is None or credential is None):
            raise UnsupportedError("CosmosDB: give the account's endpoint= and credential=, or a client=")
        self._database, self._name, self._create, self._expires = database, container, create, expires
        self._endpoint, self._credential, self._given, self._options = endpoint, credential, client, options
        self._container = Connection(self._connect, _disconnect if client is None else _stop, self.closed_error)
        self.scheme = CosmosDBScheme()
        self.pushdown = CosmosDBPushdown(self.scheme)

    # -- the way to the container ------------------------------------------------------------------------------

    def _connect(self) -> Container:
        from azure.cosmos import CosmosClient

        try:
            client: Any = self._given
            if client is None:
                options = {**_PATIENCE, **_SHORT, **self._options}
                client = CosmosClient(str(self._endpoint), credential=self._credential, **options)
        except Exception as error:
            pass_on(error)
            # Not by `translated`, which asks for the very connection that is being made here.
            raise self.failure("open", MISSING, error, remedy_for_account(error)) from error
        if getattr(client.client_connection.connection_policy, "RetryNonIdempotentWrites", 0):
            raise UnsupportedError(
                f"{self!r}: with retry_write= the client repeats a write whose answer was lost, which then meets its "
                "own effect: add, replace, pop and delete would give wrong answers. Leave retry_write= out"
            )
        return Container(client, self._database, self._name, create=self._create, expires=self._expires)

    @property
    def client(self) -> Any:
        return self._container().client

    def knock(self) -> None:
        self._container().describe()

    def close(self) -> None:
        self._container.close()

    # -- one document ------------------------------------------------------------------------------------------

    def find(self, name: Any) -> dict[str, Any] | None:
        container = readable(self._container)
        found = None if container is None else _item(container, name)
        return None if found is None else _fields_of(found)

    def knows(self, name: Any) -> bool:
        container = readable(self._container)
        if container is None:
            return False
        text, parameters = query(f"VALUE {ID}", (ID, " = ", Operand(name), " AND ", *alive()))
        return any(container.pages(text, parameters, partition_key=name))

    def write(self, name: Any, document: dict[str, Any]) -> None:
        writable(self._container).items.upsert_item({**document, "id": name}, no_response=True)

    def insert(self, name: Any, document: dict[str, Any]) -> bool:
        """Create the document; a conflict can also be one of a unique key, so that the document has to be seen."""
        items = writable(self._container).items
        left = _INSERTIONS  # it may have been deleted in between
        while True:
            try:
                items.create_item({**document, "id": name}, no_response=True)
            except Exception as error:
                left -= 1
                if not is_conflict(error):
                    raise
                if self.find(name) is not None:
                    return False
                if not left:
                    raise
            else:
                return True

    def erase(self, name: Any) -> bool:
        container = readable(self._container)
        return container is not None and self._erased(container, name)

    def take(self, name: Any) -> dict[str, Any] | None:
        container = readable(self._container)
        while container is not None and (item := _item(container, name)) is not None:
            if _unchanged(container.items.delete_item, name, item["_etag"], partition_key=name):
                return _fields_of(item)
        return None

    def swap(self, name: Any, fits: Callable[[dict[str, Any]], bool], document: dict[str, Any]) -> bool:
        container = readable(self._container)
        while container is not None and (item := _item(container, name)) is not None:
            if not fits(_fields_of(item)):
                return False
            body = {**document, "id": name}
            if _unchanged(container.items.replace_item, name, item["_etag"], body=body, no_response=True):
                return True
        return False

    # -- many documents ----------------------------------------------------------------------------------------

    def fetch(self, names: list[Any]) -> dict[Any, dict[str, Any]]:
        container = readable(self._container)
        if container is None:
            return {}
        read = container.items.read_items([(name, name) for name in names], executor=container.workers())
        found = {item["id"]: _fields_of(item) for item in read}
        missing = [name for name in names if name not in found]
        if missing:
            # The client takes any 404 for absence, also that of a replica that has not caught up; a query does not.
            text, parameters = query(f"VALUE {ID}", ("ARRAY_CONTAINS(", Operand(missing), f", {ID})"))
            for page in container.pages(text, parameters):
                found |= {name: fields for name in page if (fields := self.find(name)) is not None}
        return found

    def put(self, documents: dict[Any, dict[str, Any]]) -> None:
        # A transactional batch is for one partition, and here each document has one of its own.
        items = writable(self._container).items
        self._container().side_by_side(
            lambda name: items.upsert_item({**documents[name], "id": name}, no_response=True), documents
        )

    def remove(self, names: list[Any]) -> int:
        container = readable(self._container)
        if container is None:
            return 0
        return sum(container.side_by_side(lambda name: self._erased(container, name), names))

    # -- listing and searching ---------------------------------------------------------------------------------

    def size(self) -> int:
        container = readable(self._container)
        return 0 if container is None else sum(map(sum, container.pages(*query("VALUE COUNT(1)", alive()))))

    def listing(
        self,
        native: Filter | None,
        *,
        keys_only: bool = False,
        limit: int | None = None,
        page: int | None = None,
    ) -> Iterator[tuple[Any, dict[str, Any]]]:
        container = readable(self._container)
        if container is None:
            return iter(())
        if native is not None and native.name is not None:
            found = self.find(native.name)
            return iter(() if found is None else ((native.name, found),))
        tokens = native.tokens if native is not None else ()
        if keys_only:
            tokens = (*(("(", *tokens, ") AND ") if tokens else ()), *alive())
        text, parameters = query(f"VALUE {ID}" if keys_only else "*", tokens)
        scope: dict[str, Any] = {"first": max(1, limit or page or _SMALL_PAGE)}
        if native is not None and native.hashes is not None:
            scope = {"feed_range": _feed_range(*native.hashes)}
        items = (item for page in container.pages(text, parameters, **scope) for item in page)
        return islice(((item, {}) if keys_only else (item["id"], _fields_of(item)) for item in items), limit)

    def split(self, count: int) -> list[Part]:
        container = readable(self._container)
        if container is not None and not container.hashes_evenly():
            return []
        edges = ["", *(f"{(at << 126) // count:032X}" for at in range(1, count)), "FF"]  # hashes are 126 bits
        return [(HASHES, low, high) for low, high in pairwise(edges)]

    def explain_scan(self, pushed: PushedQuery[Filter], query: Query) -> str:
        if pushed.filter is not None and pushed.filter.name is not None:
            return "one document by its id: 1 request unit for each KB, about"
        sent = "ids" if query.keys_only else "documents"
        if pushed.filter is None:
            most = f"{query.limit} at most of" if pushed.exact and query.limit is not None else "all of"
            return f"{most} the {sent} of the container {self._name!r}, page by page, billed in request units"
        return (
            f"what the index of the container {self._name!r} finds for the condition, in every partition; billed in "
            f"request units for each partition, for the index and for each document that is loaded; only {sent} that "
            "pass are sent"
        )

    # -- keys, sizes, errors -----------------------------------------------------------------------------------

    def name_of(self, key: Any) -> Any:
        return self.escaped(key, ESCAPE, LONGEST)

    def key_of(self, name: Any) -> Any:
        return self.unescaped(name, ESCAPE)

    def fit(self, name: Any, key: Any, document: dict[str, Any]) -> Any:
        text = json.dumps({**document, "id": name}, separators=(",", ":"), ensure_ascii=False)
        size = len(text if text.isascii() else text.encode()) + _SYSTEM_SIZE
        if size > LARGEST:
            raise self.too_large(key, size)
        return document

    # -- expiry ------------------------------------------------------------------------------------------------

    def left_of(self, found: dict[str, Any]) -> float | None:
        if EXPIRY not in found:
            return None
        found.pop("ttl", None)
        return seconds_left(found.pop(EXPIRY))

    def expiring(self, document: Any, ttl: float) -> Any:
        if not self._expires:
            raise must_expire(self.store)
        end = end_of(check_ttl(ttl, self.store))
        if end is None:
            return document
        writable(self._container).check_expiry()
        return {**document, EXPIRY: end, "ttl": math.ceil(ttl)}

    def _erased(self, container: Container, name: Any) -> bool:
        """Delete a document, and return whether it was there; where documents expire, one more request tells that."""
        if not self._expires:
            return _worked(is_absence, container.items.delete_item, name, partition_key=name)
        found = self.take(name)
        return found is not None and not self.is_over(found)

    @property
    def guide(self) -> ErrorGuide:
        return GUIDE

    def note(self, error: Exception) -> None:
        if is_container_gone(error):
            self._container().invalidate()


def _disconnect(container: Container) -> None:
    container.stop()
    container.client.close()


def _stop(container: Container) -> None:
    container.stop()


def _fields_of(item: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name not in SYSTEM}


def _item(container: Container, name: Any) -> dict[str, Any] | None:
    try:
        item: dict[str, Any] = container.items.read_item(name, name)
    except Exception as error:
        if is_absence(error):
            return None
        raise
    return item


def _worked(
    is_expected: Callable[[Exception], bool], call: Callable[..., Any], *arguments: Any, **options: Any
) -> bool:
    """Make a call, and return whether it did what it was to do; False where it failed as one may expect."""
    try:
        call(*arguments, **options)
    except Exception as error:
        if is_expected(error):
            return False
        raise
    return True


def _unchanged(call: Callable[..., Any], name: Any, etag: str, **options: Any) -> bool:
    """Make a call on a document, and return whether it was still the one that has the etag."""
    from azure.core import MatchConditions

    return _worked(
        lambda error: has_changed(error) or is_absence(error),
        call,
        name,
        etag=etag,
        match_condition=MatchConditions.IfNotModified,
        **options,
    )


def _feed_range(low: str, high: str) -> dict[str, Any]:
    """Return a range of the hashes of partition keys as the client takes it."""
    return {"Range": {"min": low, "max": high, "isMinInclusive": True, "isMaxInclusive": False}}
