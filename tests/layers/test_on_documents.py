"""The contract of every store, kept by layers over each document engine: documents above, and bytes below a codec."""

from contextlib import ExitStack
from itertools import count

import pytest

from spoonbill import (
    Cached,
    Chunked,
    Codec,
    Compressed,
    Encrypted,
    Expiring,
    Fallback,
    HashedKeys,
    Limited,
    Logged,
    Metered,
    Mirrored,
    Prefixed,
    Retrying,
    Routed,
    Search,
    Sharded,
    Signed,
    Tagged,
    Tiered,
)
from spoonbill.datastores import (
    CosmosDBStore,
    DynamoDBStore,
    Firestore,
    InMemoryStore,
    MongoDBStore,
    PostgresStore,
    SQLiteStore,
)
from spoonbill.testing import StoreContract
from tests.servers import cosmosdb_server, dynamodb_server, firestore_server, mongodb_server
from tests.servers.moto_server import moto_server
from tests.servers.postgresql_server import PostgresServer

NUMBERS = count()
AT: dict = {}

ENGINES = {
    "SQLite": lambda name, path: SQLiteStore(path / "documents.db", table=name),
    "MongoDB": lambda name, path: MongoDBStore(AT["mongodb"], collection=name),
    "PostgreSQL": lambda name, path: PostgresStore(AT["postgresql"], name),
    "DynamoDB": lambda name, path: DynamoDBStore(name, endpoint_url=AT["dynamodb"], **dynamodb_server.OPTIONS),
    "Firestore": lambda name, path: Firestore(name, **firestore_server.OPTIONS),
    "CosmosDB": lambda name, path: CosmosDBStore("layers", name, **AT["cosmosdb"], **cosmosdb_server.OPTIONS),
}
STACKS = {
    "OfOne": lambda store: Tagged(Limited(Metered(Prefixed(Logged(Retrying(store)), "p:")), max_entries=5000)),
    "OfSeveral": lambda store: Tiered(
        InMemoryStore(), Sharded({"one": InMemoryStore(), "two": Mirrored(store, InMemoryStore())})
    ),
    "OfChoices": lambda store: Cached(Search(Routed({"a": InMemoryStore()}, Fallback(store, InMemoryStore())), "like")),
    "OfBytes": lambda store: Codec(
        Compressed(Encrypted(Signed(HashedKeys(Chunked(store, 500), max_bytes=90), bytes(32)), bytes(32)))
    ),
    "OfEnds": lambda store: Expiring(store, 1000),
}


@pytest.fixture(scope="module", autouse=True)
def servers():
    """A server of each engine."""
    with ExitStack() as stack:
        AT["mongodb"] = f"mongodb://127.0.0.1:{stack.enter_context(mongodb_server.mongodb_server()).port}/"
        AT["postgresql"] = stack.enter_context(PostgresServer()).dsn
        AT["dynamodb"] = f"http://127.0.0.1:{stack.enter_context(moto_server()).port}"
        firestore = stack.enter_context(firestore_server.firestore_server())
        cosmosdb = stack.enter_context(cosmosdb_server.cosmosdb_server())
        patched = stack.enter_context(pytest.MonkeyPatch.context())
        patched.setenv(firestore_server.HOST, f"127.0.0.1:{firestore.port}")
        AT["cosmosdb"] = {
            "endpoint": cosmosdb_server.endpoint(cosmosdb),
            "credential": cosmosdb_server.CREDENTIAL,
        }
        yield


class OnDocuments(StoreContract):
    """A stack over an engine, both named by the subclass."""

    values = ({"a": 1}, {"a": 2, "b": ["x", None]}, {"n": {"deep": True}}, {"s": "text"}, {"f": 2.5})
    engine = stack = None

    def make(self, path):
        return STACKS[self.stack](ENGINES[self.engine](f"t{next(NUMBERS)}", path))


SLOW = {"DynamoDB", "CosmosDB"}
"""Engines whose test servers take long for a contract: one stack is enough to see that they are no exception."""

for engine in ENGINES:
    for kind in ("OfOne",) if engine in SLOW else STACKS:
        named = f"Test{kind}On{engine}"
        globals()[named] = type(named, (OnDocuments,), {"engine": engine, "stack": kind})
        if kind == "OfSeveral":
            # Its bound is that of the store which takes the least, and a key may belong to another one.
            globals()[named].test_a_key_is_measured_in_bytes = None
