"""MongoDBStore: native documents in a MongoDB collection."""

from typing import Any

from spoonbill.backends.mongodb.backend import MongoDB
from spoonbill.layers.codec import Codec
from spoonbill.store.named import NamedStore


class MongoDBStore(NamedStore[Any, Any]):
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
    create : bool, optional
        False: a missing collection is an error.
    client : pymongo.MongoClient, optional
        A client of yours, which is never closed.
    **options
        For ``pymongo.MongoClient``.

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
        create: bool = True,
        client: Any = None,
        **options: Any,
    ) -> None:
        documents = strict and codec is None
        engine = MongoDB(
            uri, database, collection, create=create, keys="native" if documents else "text", client=client, **options
        )
        super().__init__(engine if documents else Codec(engine, codec, strict=strict))
