"""CosmosDBStore keeps the contract of every store, strict or not, raw and in random stacks."""

from itertools import count

import hypothesis.strategies as st
import pytest
from azure.cosmos import CosmosClient
from azure.cosmos.exceptions import CosmosResourceNotFoundError
from hypothesis import settings

from spoonbill import Codec
from spoonbill.backends import CosmosDB
from spoonbill.common.sentinels import MISSING
from spoonbill.datastores import CosmosDBStore
from spoonbill.testing import StoreContract, machine_for
from tests.contract.documents import samples, stacks
from tests.servers.cosmosdb_server import CREDENTIAL, OPTIONS, cosmosdb_server, endpoint

NUMBERS = count()
SERVER = {}


@pytest.fixture(scope="module", autouse=True)
def server():
    """One server for the module."""
    with cosmosdb_server() as running:
        SERVER.update(OPTIONS, endpoint=endpoint(running), credential=CREDENTIAL)
        yield running


def made(kind, **options):
    return kind("tests", f"c{next(NUMBERS)}", **SERVER, **options)


class TestCosmosDB(StoreContract):
    """The backend itself, with documents, scalars and bytes."""

    values = ({"a": 1}, "text", b"\x00\xff", [1, [2.5, None]], {"id": {"_a": "b.c"}, "ttl": 1})

    def make(self, path):
        return made(CosmosDB)


class TestCosmosDBStore(TestCosmosDB):
    """Strict: native documents, checked with azure-cosmos."""

    def make(self, path):
        return made(CosmosDBStore)

    def peek(self, store, key):
        name = store.raw._engine.name_of(key)
        with CosmosClient(SERVER["endpoint"], credential=CREDENTIAL, **OPTIONS) as client:
            container = client.get_database_client("tests").get_container_client(store.raw._engine._name)
            try:
                return dict(container.read_item(name, name))
            except CosmosResourceNotFoundError:
                return MISSING


class TestCosmosDBStoreNotStrict(StoreContract):
    """Not strict: any value by pickle."""

    values = (1, {"a": [1, None]}, "text", (1, {2}), {3: 4})

    def make(self, path):
        return made(CosmosDBStore, strict=False)


class TestBytesOverCosmosDB(StoreContract):
    """A codec over the backend: the default one of all stores."""

    values = (1, {"a": [1, None]}, "text", (1, {2}), {3: 4})

    def make(self, path):
        return Codec(made(CosmosDB))


SETTINGS = settings(max_examples=8, stateful_step_count=15, deadline=None)
TestStrictMachine = machine_for(
    lambda _: made(CosmosDBStore), st.sampled_from(samples.KEYS), samples.comparable
).TestCase
TestAnyMachine = machine_for(
    lambda _: made(CosmosDBStore, strict=False), st.integers(0, 5) | st.text(max_size=2), samples.comparable
).TestCase
TestStacksMachine = stacks.machine(lambda: made(CosmosDBStore)).TestCase
for machine in (TestStrictMachine, TestAnyMachine, TestStacksMachine):
    machine.settings = SETTINGS
del machine
