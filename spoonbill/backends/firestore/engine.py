"""What Firestore is asked for, by name."""

import os
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

from spoonbill.backends.firestore.errors import GUIDE
from spoonbill.backends.firestore.filters import Filter, Test
from spoonbill.backends.firestore.options import FirestoreOptions
from spoonbill.backends.firestore.pushdown import RANGE, FirestorePushdown
from spoonbill.backends.shared import Connection, ErrorGuide, check_client, client_module, unknown_option
from spoonbill.backends.shared.documents import (
    EXPIRY,
    DocumentEngine,
    KeyEscape,
    PushedQuery,
    UnwrittenError,
    as_time,
    end_of,
    must_expire,
    now,
    seconds_left,
)
from spoonbill.common.failures import pass_on
from spoonbill.common.sentinels import MISSING
from spoonbill.errors import StoreError
from spoonbill.query import Part, Query
from spoonbill.store import Store
from spoonbill.store.numbers import check_ttl

if TYPE_CHECKING:
    from spoonbill.backends.firestore.private_api import FirestoreConnection

__all__ = ["LARGEST", "LONGEST", "FirestoreEngine"]

LONGEST = 1500
"""Bytes of the longest id."""

LARGEST = 1 << 20
"""Bytes of the largest document."""

_ESCAPE = KeyEscape("/", leading=(".", "__"))
_ALL = Filter("range", ((),))


class FirestoreEngine(DocumentEngine[Filter]):
    """The documents of a collection.

    Parameters
    ----------
    store : Store
        The store that this is the engine of.
    table_name : str
        The path of the collection.
    create, timeout, client, **options
        As `FirestoreOptions` describes them.
    """

    largest: ClassVar[int] = LARGEST
    ends_in_fields: ClassVar[bool] = True
    read_batch: ClassVar[int] = 100
    write_batch: ClassVar[int] = 500
    delete_batch: ClassVar[int] = 500

    def __init__(
        self,
        store: Store[Any, Any],
        table_name: str,
        *,
        create: bool = True,
        expires: bool = False,
        timeout: float = 30.0,
        client: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(store)
        client_module("firestore")
        from google.cloud.firestore import Client

        from spoonbill.backends.firestore.scheme import FirestoreScheme
        from spoonbill.backends.firestore.wire import document_size

        check_client(repr(self), client, fits=isinstance(client, Client), wanted="a google.cloud.firestore.Client")
        parts = table_name.split("/")
        if len(parts) % 2 == 0 or "" in parts:
            raise ValueError(
                f"Firestore: {table_name!r} is no path of a collection: an id, or collection/document/collection"
            )
        self.scheme = FirestoreScheme()
        self.pushdown = FirestorePushdown(self.scheme, _ESCAPE)
        self._path, self._create, self._expires, self._timeout = table_name, create, expires, timeout
        self._given, self._options = client, options
        self._document_size = document_size
        self._born = os.getpid()
        self._connection = Connection(self._connect, _disconnect if client is None else None, self.closed_error)

    # -- the way to the service --------------------------------------------------------------------------------

    def _connect(self) -> "FirestoreConnection":
        from google.cloud.firestore import Client

        from spoonbill.backends.firestore.private_api import FirestoreConnection

        try:
            client = Client(**self._options) if self._given is None else self._given
            connection = FirestoreConnection(client, self._path, self._timeout)
        except Exception as error:
            pass_on(error)
            misspelled = unknown_option(repr(self), error, FirestoreOptions.__annotations__)
            if misspelled is not None:
                raise misspelled from None
            if GUIDE.is_of_client(error):
                raise self.translated("open", MISSING, error) from error
            raise self.failure("open", MISSING, error, "Check the options that the store was opened with.") from error
        try:
            self._examine(connection)
        except BaseException:
            if self._given is None:
                connection.close()
            raise
        return connection

    def _examine(self, connection: "FirestoreConnection") -> None:
        """Refuse an empty collection that must not be made; in a forked child also wake a connection of its own."""
        from spoonbill.backends.firestore.query import listed

        if self._create and os.getpid() == self._born:
            return
        try:
            empty = next(listed(connection, [()], keys_only=True, limit=1), None) is None
        except Exception as error:
            raise self.translated("open", MISSING, error) from error
        if empty and not self._create:
            raise StoreError(
                f"{self!r}: there is no document in the collection {self._path!r}, and create=False forbids to make it"
                "; check the name, the project and the database, or open the store with create=True"
            )

    @property
    def client(self) -> Any:
        return self._connection().client

    def close(self) -> None:
        self._connection.close()

    # -- one document ------------------------------------------------------------------------------------------

    def find(self, name: Any) -> dict[str, Any] | None:
        found = self._connection().read([name])
        return found[0][1] if found else None

    def knows(self, name: Any) -> bool:
        found = self._connection().read([name], only_names=True)
        return bool(found) and not self.is_over(found[0][1])

    def write(self, name: Any, document: dict[str, Any]) -> None:
        connection = self._connection()
        connection.write(connection.writing(name, document))

    def insert(self, name: Any, document: dict[str, Any]) -> bool:
        connection = self._connection()
        return connection.create(connection.writing(name, document))

    def erase(self, name: Any) -> bool:
        if not self._expires:
            return self.remove([name]) == 1
        fields = self.take(name)
        return fields is not None and not self.is_over(fields)

    def take(self, name: Any) -> dict[str, Any] | None:
        connection = self._connection()
        return self._changed(name, lambda _: connection.deletion(name))

    def swap(self, name: Any, fits: Callable[[dict[str, Any]], bool], document: dict[str, Any]) -> bool:
        connection = self._connection()
        written = self._changed(name, lambda fields: connection.writing(name, document) if fits(fields) else None)
        return written is not None

    def _changed(self, name: str, change: Callable[[dict[str, Any]], Any]) -> dict[str, Any] | None:
        """Do what `change` says for the document there, which the service does only where it is still as it was read.

        Return what it was; None where there is none, or where `change` said None.
        """
        connection = self._connection()
        refusal: Exception | None = None
        refused_at: Any = None
        while found := connection.read([name]):
            ((_, fields, at),) = found
            if refusal is not None and at == refused_at:
                raise refusal  # nobody changed it: this has another reason
            message = change(fields)
            if message is None:
                return None
            refusal, refused_at = connection.write_unchanged(message, at), at
            if refusal is None:
                return fields
        return None

    # -- many documents ----------------------------------------------------------------------------------------

    def fetch(self, names: list[Any]) -> dict[Any, dict[str, Any]]:
        return {name: fields for name, fields, _ in self._connection().read(names)}

    def put(self, documents: dict[Any, dict[str, Any]]) -> None:
        connection = self._connection()
        refusals = self._applied(
            ((name, connection.writing(name, fields)) for name, fields in documents.items()), documents
        )
        if refusals:
            raise UnwrittenError(list(refusals), next(iter(refusals.values())))

    def remove(self, names: list[Any]) -> int:
        from google.api_core.exceptions import NotFound

        connection = self._connection()
        over = 0
        if self._expires:
            present = connection.read(names, only_names=True)
            names = [name for name, _, _ in present]
            over = sum(self.is_over(fields) for _, fields, _ in present)
        refusals = self._applied(
            ((name, connection.deletion(name)) for name in names), dict.fromkeys(names), only_present=True
        )
        failed = {name: refusal for name, refusal in refusals.items() if not isinstance(refusal, NotFound)}
        if failed:
            raise UnwrittenError(list(failed), next(iter(failed.values())))
        return max(0, len(names) - len(refusals) - over)

    def _applied(
        self, writes: Iterator[tuple[str, Any]], names: dict[Any, Any], *, only_present: bool = False
    ) -> dict[Any, Exception]:
        """Send writes in portions. Return the refusal of each that was not done, if some were not after any were."""
        from spoonbill.backends.firestore.private_api import portions

        connection = self._connection()
        refusals: dict[Any, Exception] = {}
        done = 0
        for portion, messages in portions(writes):
            if only_present:
                for message in messages:
                    message.current_document.exists = True
            try:
                answers = connection.apply(messages, repeatable=not only_present)
            except Exception as error:
                raise UnwrittenError([*refusals, *list(names)[done:]], error) from error
            done += len(portion)
            refusals.update((name, answer) for name, answer in zip(portion, answers, strict=True) if answer is not None)
        return refusals

    # -- listing and searching ---------------------------------------------------------------------------------

    def size(self) -> int:
        from spoonbill.backends.firestore.query import query_message

        connection = self._connection()
        everything = connection.count(query_message(connection))
        if not self._expires:
            return everything
        return everything - connection.count(query_message(connection, [Test((EXPIRY,), "<=", as_time(now()))]))

    def listing(
        self,
        native: Filter | None,
        *,
        keys_only: bool = False,
        limit: int | None = None,
        page: int | None = None,  # noqa: ARG002 - pages begin small anyhow
    ) -> Iterator[tuple[Any, dict[str, Any]]]:
        from spoonbill.backends.firestore.query import distinct, listed

        connection = self._connection()
        if native is not None and native.kind == "key":
            name = native.alternatives[0][0].operand
            if len(name.encode()) <= LONGEST:
                yield from ((name, fields) for name, fields, _ in connection.read([name], only_names=keys_only))
            return
        asked = _ALL if native is None else native
        found = listed(connection, asked.alternatives, keys_only=keys_only, limit=limit)
        yield from distinct(found) if asked.overlapping else found

    def split(self, count: int) -> list[Part]:
        from spoonbill.backends.firestore.bounds import find_bounds

        edges = [None, *find_bounds(self._connection(), count), None]
        return [(RANGE, low, high) for low, high in pairwise(edges)]

    def explain_scan(self, pushed: PushedQuery[Filter], query: Query) -> str:
        what = "keys" if query.keys_only else "documents"
        native = pushed.filter
        if native is not None and native.kind == "key":
            return "one document by its name: one read is billed"
        if native is None:
            most = "all" if query.limit is None or not pushed.exact else f"{query.limit} at most of the"
            return f"{most} {what} of the collection {self._path!r}: one read is billed for each"
        return (
            f"the entries that pass the filter, by an index: one read is billed for each of those {what}, and one for "
            "each query that finds none"
        )

    # -- keys, sizes, errors -----------------------------------------------------------------------------------

    def name_of(self, key: Any) -> Any:
        return self.escaped(key, _ESCAPE, LONGEST)

    def key_of(self, name: Any) -> Any:
        return self.unescaped(name, _ESCAPE)

    def fit(self, name: Any, key: Any, document: dict[str, Any]) -> Any:
        size = self._document_size(f"{self._path}/{name}", document)
        if size > LARGEST:
            raise self.too_large(key, size)
        return document

    # -- expiry ------------------------------------------------------------------------------------------------

    def left_of(self, found: dict[str, Any]) -> float | None:
        return seconds_left(found.pop(EXPIRY)) if EXPIRY in found else None

    def expiring(self, document: Any, ttl: float) -> Any:
        if not self._expires:
            raise must_expire(self.store)
        end = end_of(check_ttl(ttl, self.store))
        return document if end is None else {**document, EXPIRY: as_time(end)}

    @property
    def guide(self) -> ErrorGuide:
        return GUIDE


def _disconnect(connection: "FirestoreConnection") -> None:
    connection.close()
