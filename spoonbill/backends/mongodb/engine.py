"""What MongoDB is asked for, by name."""

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, ClassVar

from spoonbill.backends.mongodb.clients import awaited_client, blocking_client, disconnect
from spoonbill.backends.mongodb.errors import GUIDE, NOT_ALLOWED, codes_of, is_of_the_key
from spoonbill.backends.mongodb.options import MongoDBOptions
from spoonbill.backends.mongodb.pushdown import RANGE, Filter, MongoDBPushdown
from spoonbill.backends.shared import Connection, ErrorGuide, check_client, client_module, unknown_option
from spoonbill.backends.shared.documents import (
    EXPIRY,
    DocumentEngine,
    PushedQuery,
    UnwrittenError,
    as_time,
    end_of,
    is_sound,
    now,
    seconds_left,
)
from spoonbill.common.bridging.loop_handles import LoopHandles
from spoonbill.common.failures import pass_on
from spoonbill.common.sentinels import MISSING
from spoonbill.common.text import shortened
from spoonbill.errors import CodecError, StoreError
from spoonbill.query import Part, Query
from spoonbill.store import Store
from spoonbill.store.numbers import check_ttl

__all__ = ["LARGEST", "MongoDBEngine"]

LARGEST = 16 * 1024 * 1024
"""Bytes of the largest document."""

_logger = logging.getLogger("spoonbill.repairs")
_INT64 = 1 << 63
_SAMPLES = 50
"""How many keys are drawn for each part: they then differ by some 15 %."""


class MongoDBEngine(DocumentEngine[Filter]):
    """The documents of a collection.

    Parameters
    ----------
    store : Store
        The store that this is the engine of.
    uri, database, collection : str
        Where the documents are.
    native_keys : bool
        Whether a key may also be an int or an ``ObjectId``.
    create : bool
        Whether the collection may be made.
    client : pymongo.MongoClient or None
        A client of the user's.
    options : dict
        For ``pymongo.MongoClient``.
    """

    largest: ClassVar[int] = LARGEST
    ends_in_fields: ClassVar[bool] = True
    read_batch: ClassVar[int] = 200
    write_batch: ClassVar[int] = 1000
    delete_batch: ClassVar[int] = 200

    def __init__(
        self,
        store: Store[Any, Any],
        uri: str,
        database: str | None,
        collection: str,
        *,
        native_keys: bool,
        create: bool = True,
        client: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(store)
        client_module("mongodb")
        from bson import ObjectId, encode
        from bson.raw_bson import RawBSONDocument
        from pymongo import MongoClient

        from spoonbill.backends.mongodb.scheme import MongoDBScheme

        check_client(repr(self), client, fits=isinstance(client, MongoClient), wanted="a pymongo.MongoClient")
        self.scheme = MongoDBScheme()
        self.pushdown = MongoDBPushdown(self.scheme, foreign_keys=native_keys)
        self._uri, self._options, self._given = uri, options, client
        self._database, self._name, self._create = database, collection, create
        self._object_id, self._encode, self._raw_document = ObjectId, encode, RawBSONDocument
        self._native_keys = native_keys
        self._removes = False
        self.loops = LoopHandles(self._connect_async, disconnect) if client is None else None
        self._collection = Connection(
            self._connect, disconnect if client is None else None, self.closed_error, self.loops
        )

    # -- the way to the server ---------------------------------------------------------------------------------

    def _connect(self) -> Any:
        return self._opened(blocking_client if self._given is None else lambda *_: self._given)

    def _connect_async(self) -> Any:
        return self._opened(awaited_client)

    def _opened(self, made: Callable[[str, Any], Any]) -> Any:
        """Return the collection, by a client of either kind."""
        from pymongo import WriteConcern
        from pymongo.errors import PyMongoError

        from spoonbill.backends.mongodb.scheme import OPTIONS

        try:
            client = made(self._uri, self._options)
            base = client[self._database] if self._database else client.get_default_database("spoonbill")
            # A write that nobody confirms is not known to be done when the call returns.
            concern = None if base.write_concern.acknowledged else WriteConcern(w=1)
            collection = base.get_collection(self._name, codec_options=OPTIONS, write_concern=concern)
        except (PyMongoError, ValueError, TypeError) as error:
            pass_on(error)
            misspelled = unknown_option(repr(self), error, MongoDBOptions.__annotations__)
            if misspelled is not None:
                raise misspelled from None
            raise self.failure("open", MISSING, error, "Check the URI, the names and the options.") from error
        try:
            self._examine(collection)
        except BaseException:
            if self._given is None:
                disconnect(collection)
            raise
        return collection

    def _examine(self, collection: Any) -> None:
        """Refuse a collection that is not there and must not be made, or that would take two keys for one."""
        try:
            described = next(iter(collection.database.list_collections(filter={"name": self._name})), None)
        except Exception as error:
            if self._create and NOT_ALLOWED in codes_of(error):
                return  # a user who may read and write need not be allowed to list
            raise self.translated("open", MISSING, error) from error
        if described is None:
            if self._create:
                return
            raise StoreError(
                f"{self!r}: there is no collection {self._name!r} in the database {collection.database.name!r}, and "
                "create=False forbids to make it; check the names, or open the store with create=True"
            )
        collation = described.get("options", {}).get("collation", {}).get("locale", "simple")
        if collation != "simple":
            raise StoreError(
                f"{self!r}: the collection compares text by a collation ({collation}), so that two keys could be one; "
                "use a collection without one"
            )

    @property
    def client(self) -> Any:
        return self._collection().database.client

    def knock(self) -> None:
        self.client.admin.command("ping")

    def close(self) -> None:
        self._collection.close()

    # -- one document ------------------------------------------------------------------------------------------

    def find(self, name: Any) -> dict[str, Any] | None:
        document: dict[str, Any] | None = self._collection().find_one({"_id": name})
        if document is not None:
            del document["_id"]
        return document

    def knows(self, name: Any) -> bool:
        return self._collection().find_one({"_id": name, **_alive()}, {"_id": 1}) is not None

    def write(self, name: Any, document: dict[str, Any]) -> None:
        while True:
            try:
                self._collection().replace_one({"_id": name}, document, upsert=True)
            except Exception as error:
                if not self._is_duplicate(error):  # another writer came between the server's look and its insert
                    raise
            else:
                return

    def insert(self, name: Any, document: Any) -> bool:  # noqa: ARG002 - the document holds its name
        try:
            self._collection().insert_one(document)
        except Exception as error:
            if self._is_duplicate(error):
                return False
            raise
        return True

    def erase(self, name: Any) -> bool:
        return bool(self._collection().delete_one({"_id": name, **_alive()}).deleted_count)

    def take(self, name: Any) -> dict[str, Any] | None:
        document: dict[str, Any] | None = self._collection().find_one_and_delete({"_id": name})
        if document is not None:
            del document["_id"]
        return document

    def swap(self, name: Any, fits: Callable[[dict[str, Any]], bool], document: dict[str, Any]) -> bool:
        from bson import decode

        from spoonbill.backends.mongodb.scheme import OPTIONS, RAW_OPTIONS

        collection = self._collection()
        undecoded = collection.with_options(codec_options=RAW_OPTIONS)
        while (raw := undecoded.find_one({"_id": name})) is not None:
            fields = decode(raw.raw, OPTIONS)
            del fields["_id"]
            if not fits(fields):
                return False
            unchanged = {"_id": name, "$expr": {"$eq": ["$$ROOT", {"$literal": raw}]}}
            if collection.replace_one(unchanged, document).matched_count:
                return True
        return False

    @staticmethod
    def _is_duplicate(error: Exception) -> bool:
        return is_of_the_key(getattr(error, "details", None) or {})

    # -- many keys ---------------------------------------------------------------------------------------------

    def fetch(self, names: list[Any]) -> dict[Any, dict[str, Any]]:
        found = self._collection().find({"_id": {"$in": names}})
        return {document.pop("_id"): document for document in found}

    def put(self, documents: dict[Any, dict[str, Any]]) -> None:
        from pymongo import ReplaceOne
        from pymongo.errors import BulkWriteError

        left = list(documents)
        while left:
            writes = [ReplaceOne({"_id": name}, documents[name], upsert=True) for name in left]
            try:
                self._collection().bulk_write(writes, ordered=False)
            except BulkWriteError as error:
                failed = (error.details or {}).get("writeErrors", [])
                left = [left[failure["index"]] for failure in failed]
                if not failed or not all(is_of_the_key(failure) for failure in failed):
                    raise UnwrittenError(left or list(documents), error) from error
            else:
                return

    def remove(self, names: list[Any]) -> int:
        return int(self._collection().delete_many({"_id": {"$in": names}, **_alive()}).deleted_count)

    def empty(self) -> None:
        self._collection().delete_many({})

    def size(self) -> int:
        return int(self._collection().count_documents(_alive()))

    # -- listing and searching ---------------------------------------------------------------------------------

    def listing(
        self,
        native: Filter | None,
        *,
        keys_only: bool = False,
        limit: int | None = None,
        page: int | None = None,
    ) -> Iterator[tuple[Any, dict[str, Any]]]:
        cursor = self._collection().find(native or {}, {"_id": 1, EXPIRY: 1} if keys_only else None)
        if native is None or keys_only or _is_of_keys(native):
            cursor.sort("_id", 1)  # by the index on _id, where an entry that is rewritten meanwhile keeps its place
        if limit is not None:
            cursor.limit(limit)
        elif page is not None and page < _FIRST_PAGE:
            cursor.batch_size(max(page, _SMALL_PAGE))
        with cursor:
            for document in cursor:
                yield document.pop("_id"), document

    def explain_scan(self, pushed: PushedQuery[Filter], query: Query) -> str:
        what = "keys" if query.keys_only else "documents"
        if pushed.filter is None:
            return f"all {what} of the collection {self._name!r}" + ("" if query.limit is None else ", up to the limit")
        if query.filters_keys:
            return f"{what} in ranges of the index on _id; only those that pass the filter are transferred"
        return f"on the server all documents, or those that an index of yours tells; only {what} that pass are sent"

    def split(self, count: int) -> list[Part]:
        edges = [None, *self._bounds(count), None]
        return [(RANGE, low, high) for low, high in pairwise(edges)]

    def _bounds(self, count: int) -> list[str]:
        """Return `count` - 1 keys at most, in order, that share out the keys about evenly."""
        if count == 1:
            return []
        drawn = self._collection().aggregate([{"$sample": {"size": _SAMPLES * count}}, {"$project": {"_id": 1}}])
        names = sorted({name for document in drawn if type(name := document["_id"]) is str})
        return sorted({names[len(names) * index // count] for index in range(1, count)}) if names else []

    # -- keys, sizes, errors -----------------------------------------------------------------------------------

    def name_of(self, key: Any) -> Any:
        if type(key) is str and (key.isascii() or is_sound(key)):
            return key
        if isinstance(key, str) and is_sound(key):
            return str.__str__(key)
        if self._native_keys:
            if type(key) is int and -_INT64 <= key < _INT64:
                return key
            if isinstance(key, self._object_id):
                return key
        kinds = "a str of valid text, an int of 64 bits or an ObjectId" if self._native_keys else "a str of valid text"
        raise self.no_key(key, kinds)

    def key_of(self, name: Any) -> Any:
        if type(name) is str:
            return name
        if self._native_keys:
            if isinstance(name, self._object_id):
                return name
            if isinstance(name, int | float) and not isinstance(name, bool) and name == name // 1:
                return int(name)
        raise self.no_name(name, f"a {type(name).__name__} is no key here")

    def fit(self, name: Any, key: Any, document: dict[str, Any]) -> Any:
        """Return the document encoded, with its key: so it is measured and sent by one encoding."""
        try:
            data = self._encode({"_id": name, **document})
        except Exception as error:
            pass_on(error)
            raise CodecError(f"{self!r} cannot hold the value of key {shortened(key)}: {error}") from error
        if len(data) > LARGEST:
            raise self.too_large(key, len(data))
        return self._raw_document(data)

    # -- expiry ------------------------------------------------------------------------------------------------

    def left_of(self, found: dict[str, Any]) -> float | None:
        return seconds_left(found.pop(EXPIRY)) if EXPIRY in found else None

    def expiring(self, document: Any, ttl: float) -> Any:
        end = end_of(check_ttl(ttl, self.store))
        if end is None:
            return document
        if not self._removes:
            self._let_remove()
        from bson import decode

        from spoonbill.backends.mongodb.scheme import OPTIONS

        return self._raw_document(self._encode({**decode(document.raw, OPTIONS), EXPIRY: as_time(end)}))

    def _let_remove(self) -> None:
        """Make the index by which the server removes what has expired, once a store."""
        try:
            self._collection().create_index(EXPIRY, expireAfterSeconds=0, sparse=True)
        except Exception as error:
            if NOT_ALLOWED not in codes_of(error):
                raise
            _logger.warning(
                "%r may not make an index on %s: what expires is absent, but nobody removes it", self, EXPIRY
            )
        self._removes = True

    @property
    def guide(self) -> ErrorGuide:
        return GUIDE


_FIRST_PAGE = 101
"""How many documents a server sends first by itself."""

_SMALL_PAGE = 20


def _is_of_keys(native: Filter) -> bool:
    """Return whether a filter asks for keys alone, so that the index on _id finds what it lets pass."""
    return all(test.keys() == {"_id"} for test in native.get("$or", [native]))


def _alive() -> dict[str, Any]:
    """Return the filter for what has not expired; a field of another tool's that is no time tells nothing."""
    return {EXPIRY: {"$not": {"$lte": datetime.fromtimestamp(now(), UTC)}}}
