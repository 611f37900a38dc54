"""Every value of the model goes from one engine to the next and back, by update and by a snapshot."""

from contextlib import ExitStack
from itertools import pairwise

import pytest

from spoonbill.datastores import CosmosDBStore, DynamoDBStore, Firestore, InMemoryStore, MongoDBStore, PostgresStore
from tests.contract.documents import samples
from tests.contract.documents.document_contract import same_value
from tests.servers import cosmosdb_server, dynamodb_server, firestore_server, mongodb_server
from tests.servers.moto_server import moto_server
from tests.servers.postgresql_server import PostgresServer

PAIRS = {f"k{number}": value for number, value in enumerate(samples.SEARCHED)} | {
    key: {"key": key} for key in samples.KEYS
}


@pytest.fixture(scope="module")
def stores():
    """A store of each engine."""
    with ExitStack() as stack:
        mongodb = stack.enter_context(mongodb_server.mongodb_server())
        postgresql = stack.enter_context(PostgresServer())
        dynamodb = stack.enter_context(moto_server())
        firestore = stack.enter_context(firestore_server.firestore_server())
        cosmosdb = stack.enter_context(cosmosdb_server.cosmosdb_server())
        patched = stack.enter_context(pytest.MonkeyPatch.context())
        patched.setenv(firestore_server.HOST, f"127.0.0.1:{firestore.port}")
        address = {"endpoint": cosmosdb_server.endpoint(cosmosdb), "credential": cosmosdb_server.CREDENTIAL}
        made = [
            MongoDBStore.open(f"mongodb://127.0.0.1:{mongodb.port}/"),
            PostgresStore.open(postgresql.dsn, "copied"),
            DynamoDBStore.open("copied", endpoint_url=f"http://127.0.0.1:{dynamodb.port}", **dynamodb_server.OPTIONS),
            Firestore.open("copied", **firestore_server.OPTIONS),
            CosmosDBStore.open("copies", "copied", **address, **cosmosdb_server.OPTIONS),
        ]
        yield [stack.enter_context(store) for store in made]


def test_a_copy_keeps_every_value(stores):
    """From each engine to the next and at last to the first, every value is equal."""
    stores[0].update(PAIRS)
    for source, target in pairwise([*stores, stores[0]]):
        if target is stores[0]:
            target.clear()
        target.update(source)
        assert same_value(target.copy(), PAIRS), target


def test_a_snapshot_goes_to_any_engine(stores, tmp_path):
    """What each saved, the next loads in place of what it had, and so does a store in memory."""
    stores[0].replace_all(PAIRS.items())
    for number, (source, target) in enumerate(pairwise([*stores, stores[0]])):
        source.save(tmp_path / str(number))
        target["gone"] = 1
        target.load(tmp_path / str(number))
        assert same_value(target.copy(), PAIRS), target
        assert same_value(InMemoryStore.open(tmp_path / str(number)).copy(), PAIRS)
