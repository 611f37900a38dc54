"""PostgreSQL keeps the whole contract in a bridge, and its asynchronous face the face's."""

from itertools import count

import pytest

from spoonbill.backends import Postgres
from spoonbill.datastores import PostgresStore
from spoonbill.testing import AsyncContract, Bridged, StoreContract
from tests.servers.postgresql_server import PostgresServer

NUMBERS = count()
SERVER = {}


@pytest.fixture(scope="module", autouse=True)
def server():
    """One server for the module."""
    with PostgresServer() as running:
        SERVER["dsn"] = running.dsn
        yield running


def made(kind, **options):
    return kind(SERVER["dsn"], f"t{next(NUMBERS)}", max_connections=4, **options)


class TestBackend(Bridged, StoreContract):
    values = ({"a": 1}, "text", b"\x00\xff", [1, [2.5, None]], {"key": {"$a": "b.c"}})

    def make(self, path):
        return made(Postgres)


class TestFace(AsyncContract):
    values = (1, {"a": [1, None]}, "text", [1, 2], {"3": 4})

    def make(self, path):
        return made(PostgresStore)
