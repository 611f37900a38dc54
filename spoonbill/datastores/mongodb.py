"""MongoDBStore: native documents in a MongoDB collection."""

from typing import Literal, TypeVar, Unpack

from spoonbill.backends.mongodb.backend import MongoDB
from spoonbill.backends.mongodb.options import MongoDBOptions
from spoonbill.datastores._base import DocumentStore, holds_documents

K = TypeVar("K")
V = TypeVar("V")


class MongoDBStore(DocumentStore[K, V]):
    """Documents that other tools see as they are, searched by the server.

    Parameters
    ----------
    uri : str, optional
        The server. Connecting waits for the first call.
    database : str, optional
        The database; by default the one in the URI, else ``"spoonbill"``.
    collection : str, optional
        The collection, created by the first write.
    strict : bool, optional
        True: a value is a document, or a part of one, of None, bool, int, float, str, bytes, list, dict and datetime;
        a key is a str, an int or an ``ObjectId``. False: any value and key that pickle or cloudpickle can hold.
    codec : str or object, optional
        How values are written as bytes, if not as documents.
    **options : MongoDBOptions
        ``create``, ``client``, and options for ``pymongo.MongoClient``.

    Raises
    ------
    MissingExtraError
        If pymongo is not installed.
    """

    def __init__(
        self,
        uri: str = "mongodb://localhost:27017/",
        database: str | None = None,
        collection: str = "spoonbill",
        *,
        strict: bool = True,
        codec: str | object | None = None,
        **options: Unpack[MongoDBOptions],
    ) -> None:
        keys: Literal["native", "text"] = "native" if holds_documents(strict, codec) else "text"
        super().__init__(MongoDB(uri, database, collection, keys=keys, **options), strict=strict, codec=codec)
