"""MongoDBStore keeps the contract of every store, strict or not, raw and in random stacks."""

from itertools import count

import hypothesis.strategies as st
import pymongo
import pytest
from hypothesis import settings

from spoonbill import Codec
from spoonbill.backends import MongoDB
from spoonbill.common.sentinels import MISSING
from spoonbill.datastores import MongoDBStore
from spoonbill.testing import StoreContract, machine_for
from tests.contract.documents import samples, stacks
from tests.servers.mongodb_server import mongodb_server

NUMBERS = count()
SERVER = {}


@pytest.fixture(scope="module", autouse=True)
def server():
    """One server for the module."""
    with mongodb_server() as running:
        SERVER["uri"] = f"mongodb://127.0.0.1:{running.port}/"
        yield running


def made(kind, **options):
    return kind(SERVER["uri"], database="tests", collection=f"c{next(NUMBERS)}", **options)


class TestMongoDB(StoreContract):
    """The backend itself, with documents, scalars and bytes."""

    values = ({"a": 1}, "text", b"\x00\xff", [1, [2.5, None]], {"_id": {"$a": "b.c"}})

    def make(self, path):
        return made(MongoDB)


class TestMongoDBStore(TestMongoDB):
    """Strict: native documents, checked with pymongo."""

    def make(self, path):
        return made(MongoDBStore)

    def peek(self, store, key):
        with pymongo.MongoClient(SERVER["uri"]) as client:
            found = client["tests"][store.raw._engine._name].find_one({"_id": key})
        return MISSING if found is None else found


class TestMongoDBStoreNotStrict(StoreContract):
    """Not strict: any value by pickle."""

    values = (1, {"a": [1, None]}, "text", (1, {2}), {3: 4})

    def make(self, path):
        return made(MongoDBStore, strict=False)


class TestBytesOverMongoDB(StoreContract):
    """A codec over the backend: the default one of all stores."""

    values = (1, {"a": [1, None]}, "text", (1, {2}), {3: 4})

    def make(self, path):
        return Codec(made(MongoDB))


SETTINGS = settings(max_examples=12, stateful_step_count=20, deadline=None)
TestStrictMachine = machine_for(
    lambda _: made(MongoDBStore), st.sampled_from(samples.KEYS), samples.comparable
).TestCase
TestAnyMachine = machine_for(
    lambda _: made(MongoDBStore, strict=False), st.integers(0, 5) | st.text(max_size=2), samples.comparable
).TestCase
TestStacksMachine = stacks.machine(lambda: made(MongoDBStore)).TestCase
for machine in (TestStrictMachine, TestAnyMachine, TestStacksMachine):
    machine.settings = SETTINGS
del machine
