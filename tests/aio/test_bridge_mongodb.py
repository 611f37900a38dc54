"""MongoDB keeps the whole contract in a bridge, and its asynchronous face the face's."""

from itertools import count

import pytest

from spoonbill.backends import MongoDB
from spoonbill.datastores import MongoDBStore
from spoonbill.testing import AsyncContract, Bridged, StoreContract
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


class TestBackend(Bridged, StoreContract):
    values = ({"a": 1}, "text", b"\x00\xff", [1, [2.5, None]], {"_id": {"$a": "b.c"}})

    def make(self, path):
        return made(MongoDB)


class TestFace(AsyncContract):
    values = (1, {"a": [1, None]}, "text", [1, 2], {"3": 4})

    def make(self, path):
        return made(MongoDBStore)
