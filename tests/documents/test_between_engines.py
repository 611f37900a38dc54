"""Every value of the model goes from one engine to another and back, by update and by a snapshot."""

from itertools import pairwise

import pytest

from spoonbill.datastores import DynamoDBStore, Firestore, InMemoryStore, MongoDBStore
from tests.documents import samples
from tests.documents.document_contract import same_value
from tests.servers import firestore_server
from tests.servers.dynamodb_server import OPTIONS, moto_server
from tests.servers.mongodb_server import mongodb_server

PAIRS = {f"k{number}": value for number, value in enumerate(samples.SEARCHED)} | {
    key: {"key": key} for key in samples.KEYS
}


@pytest.fixture(scope="module")
def stores():
    """A store of each engine."""
    with (
        mongodb_server() as mongodb,
        moto_server() as dynamodb,
        firestore_server.firestore_server() as firestore,
        pytest.MonkeyPatch.context() as patched,
    ):
        patched.setenv(firestore_server.HOST, f"127.0.0.1:{firestore.port}")
        with (
            MongoDBStore.open(f"mongodb://127.0.0.1:{mongodb.port}/") as first,
            DynamoDBStore.open("copied", endpoint_url=f"http://127.0.0.1:{dynamodb.port}", **OPTIONS) as second,
            Firestore.open("copied", **firestore_server.OPTIONS) as third,
        ):
            yield first, second, third


def test_a_copy_keeps_every_value(stores):
    """From each engine to the next and back to the first, every value is equal."""
    stores[0].update(PAIRS)
    for source, target in pairwise([*stores, stores[0]]):
        target.clear()
        target.update(source)
        assert same_value(target.copy(), PAIRS), target


def test_a_snapshot_goes_to_any_engine(stores, tmp_path):
    """What one saved, each other loads in place of what it had, and so does a store in memory."""
    stores[0].replace_all(PAIRS.items())
    for source, target in pairwise([*stores, stores[0]]):
        source.save(tmp_path / "saved")
        target["gone"] = 1
        target.load(tmp_path / "saved")
        assert same_value(target.copy(), PAIRS), target
    assert same_value(InMemoryStore.open(tmp_path / "saved").copy(), PAIRS)
