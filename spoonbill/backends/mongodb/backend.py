"""MongoDB: documents in a collection."""

from typing import Literal, Unpack

from spoonbill.backends.mongodb.engine import LARGEST, MongoDBEngine
from spoonbill.backends.mongodb.options import MongoDBOptions
from spoonbill.backends.shared.documents import DocumentBackend
from spoonbill.common.traits import Guarantees, Limits

__all__ = ["MongoDB"]


class MongoDB(DocumentBackend):
    """The documents of a collection, each under its ``_id``.

    Parameters
    ----------
    uri : str, optional
        The server. Connecting waits for the first call.
    database : str, optional
        The database; by default the one in the URI, else ``"spoonbill"``.
    collection : str, optional
        The collection.
    keys : {"native", "text"}, optional
        ``"native"``: a key is a str, an int of 64 bits or an ``ObjectId``, as other tools choose them. ``"text"``: str.
    **options : MongoDBOptions
        ``create``, ``client``, and options for ``pymongo.MongoClient``.
    """

    features = frozenset({"ttl"})
    awaits = True
    limits = Limits(value_bytes=LARGEST)
    guarantees = Guarantees(
        threads="safe",
        processes="safe",
        fork="both sides go on; the child connects anew",
        crash="what the server's write concern promises: by default a majority of its members has the write",
        iteration="each key once, in the order of the keys; writes made meanwhile may or may not be seen",
        atomic="between all clients of the server",
    )

    def __init__(
        self,
        uri: str = "mongodb://localhost:27017/",
        database: str | None = None,
        collection: str = "spoonbill",
        *,
        keys: Literal["native", "text"] = "native",
        **options: Unpack[MongoDBOptions],
    ) -> None:
        engine = MongoDBEngine(self, uri, database, collection, native_keys=keys == "native", **options)
        super().__init__(engine)
        self.loop_handles = engine.loops
        self.awaits = engine.loops is not None
