"""Every value of the model goes from one engine to another and back, by update and by a snapshot."""

import pytest

from spoonbill.datastores import DynamoDBStore, InMemoryStore, MongoDBStore
from tests.documents import samples
from tests.documents.document_contract import same_value
from tests.servers.dynamodb_server import OPTIONS, moto_server
from tests.servers.mongodb_server import mongodb_server

PAIRS = {f"k{number}": value for number, value in enumerate(samples.SEARCHED)} | {
    key: {"key": key} for key in samples.KEYS
}


@pytest.fixture(scope="module")
def stores():
    """A store of each engine."""
    with mongodb_server() as mongodb, moto_server() as dynamodb:
        endpoint = f"http://127.0.0.1:{dynamodb.port}"
        with (
            MongoDBStore.open(f"mongodb://127.0.0.1:{mongodb.port}/") as first,
            DynamoDBStore.open("copied", endpoint_url=endpoint, **OPTIONS) as second,
        ):
            yield first, second


def test_a_copy_keeps_every_value(stores):
    """From MongoDB to DynamoDB and back, every value is equal; so it is by a snapshot."""
    mongodb, dynamodb = stores
    mongodb.update(PAIRS)
    dynamodb.update(mongodb)
    assert same_value(dynamodb.copy(), PAIRS)
    mongodb.clear()
    mongodb.update(dynamodb)
    assert same_value(mongodb.copy(), PAIRS)


def test_a_snapshot_goes_to_any_engine(stores, tmp_path):
    """What one saved, the other loads in place of what it had, and so does a store in memory."""
    mongodb, dynamodb = stores
    mongodb.replace_all(PAIRS.items())
    mongodb.save(tmp_path / "saved")
    dynamodb["gone"] = 1
    dynamodb.load(tmp_path / "saved")
    assert same_value(dynamodb.copy(), PAIRS)
    assert same_value(InMemoryStore.open(tmp_path / "saved").copy(), PAIRS)
