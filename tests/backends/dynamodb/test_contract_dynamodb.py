"""DynamoDBStore keeps the contract of every store, strict or not, raw and in random stacks, on moto."""

from itertools import count

import boto3
import hypothesis.strategies as st
import pytest
from hypothesis import settings

from spoonbill import Codec
from spoonbill.backends import DynamoDB
from spoonbill.backends.dynamodb.wire import from_wire
from spoonbill.common.sentinels import MISSING
from spoonbill.datastores import DynamoDBStore
from spoonbill.testing import StoreContract, machine_for
from tests.contract.documents import samples, stacks
from tests.servers.dynamodb_server import OPTIONS
from tests.servers.moto_server import moto_server

NUMBERS = count()
SERVER = {}


@pytest.fixture(scope="module", autouse=True)
def server():
    """One server for the module."""
    with moto_server() as running:
        SERVER.update(OPTIONS, endpoint_url=f"http://127.0.0.1:{running.port}")
        yield running


def made(kind, **options):
    return kind(f"table-{next(NUMBERS)}", **SERVER, **options)


class TestDynamoDB(StoreContract):
    """The backend itself, with documents, scalars and bytes."""

    values = ({"a": 1}, "text", b"\x00\xff", [1, [2.5, None]], {"key": {"": "b.c"}})

    def make(self, path):
        return made(DynamoDB)


class TestDynamoDBStore(TestDynamoDB):
    """Strict: native items, checked with boto3."""

    def make(self, path):
        return made(DynamoDBStore)

    def peek(self, store, key):
        client = boto3.session.Session().client("dynamodb", **SERVER)
        name = store.raw._engine.name_of(key)
        if not store.raw._engine._table().check():
            return MISSING
        found = client.get_item(TableName=store.raw._engine._table_name, Key={"key": {"S": name}}).get("Item")
        return MISSING if found is None else {field: from_wire(wire) for field, wire in found.items()}


class TestDynamoDBStoreNotStrict(StoreContract):
    """Not strict: any value by pickle."""

    values = (1, {"a": [1, None]}, "text", (1, {2}), {3: 4})

    def make(self, path):
        return made(DynamoDBStore, strict=False)


class TestBytesOverDynamoDB(StoreContract):
    """A codec over the backend: the default one of all stores."""

    values = (1, {"a": [1, None]}, "text", (1, {2}), {3: 4})

    def make(self, path):
        return Codec(made(DynamoDB))


SETTINGS = settings(max_examples=8, stateful_step_count=15, deadline=None)
TestStrictMachine = machine_for(
    lambda _: made(DynamoDBStore), st.sampled_from(samples.KEYS), samples.comparable
).TestCase
TestAnyMachine = machine_for(
    lambda _: made(DynamoDBStore, strict=False), st.integers(0, 5) | st.text(max_size=2), samples.comparable
).TestCase
TestStacksMachine = stacks.machine(lambda: made(DynamoDBStore)).TestCase
for machine in (TestStrictMachine, TestAnyMachine, TestStacksMachine):
    machine.settings = SETTINGS
del machine
