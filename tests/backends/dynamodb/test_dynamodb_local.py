"""DynamoDBStore on DynamoDB Local, AWS's own server in Java."""

import boto3
import pytest

from tests.backends.dynamodb.dynamodb_contract import DynamoDBContract
from tests.servers.dynamodb_server import OPTIONS, dynamodb_local, java

pytestmark = pytest.mark.skipif(
    java() is None, reason="NO JAVA ON THIS MACHINE: DynamoDBStore is tested on moto alone; install Java 17 or newer"
)


@pytest.fixture(scope="module", autouse=True)
def server():
    """One server for the module, and the raw client."""
    with dynamodb_local() as running:
        TestDynamoDBLocal.options = {"endpoint_url": f"http://127.0.0.1:{running.port}", **OPTIONS}
        TestDynamoDBLocal.client = boto3.session.Session().client("dynamodb", **TestDynamoDBLocal.options)
        yield running


class TestDynamoDBLocal(DynamoDBContract):
    pass
