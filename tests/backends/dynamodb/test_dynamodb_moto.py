"""DynamoDBStore on moto's server, which runs everywhere."""

import boto3
import pytest

from tests.backends.dynamodb.dynamodb_contract import DynamoDBContract
from tests.servers.dynamodb_server import OPTIONS
from tests.servers.moto_server import moto_server


@pytest.fixture(scope="module", autouse=True)
def server():
    """One server for the module, and the raw client."""
    with moto_server() as running:
        TestDynamoDBMoto.options = {"endpoint_url": f"http://127.0.0.1:{running.port}", **OPTIONS}
        TestDynamoDBMoto.client = boto3.session.Session().client("dynamodb", **TestDynamoDBMoto.options)
        yield running


class TestDynamoDBMoto(DynamoDBContract):
    orders_any_types = False  # moto compares with Python's own <, and fails between types
    foreign_end = 10**15  # moto compares with no other type than numbers
