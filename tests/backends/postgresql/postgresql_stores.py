"""What several tests of PostgresStore use: a server that logs what it is sent, a table for each test, a store on it."""

import re

import psycopg
import pytest

from spoonbill.datastores import PostgresStore
from tests.servers.postgresql_server import PostgresServer

HERE = {}


@pytest.fixture(scope="module", autouse=True, name="server")
def a_server():
    """One server for the module, which logs every statement that it is sent."""
    with PostgresServer("log_statement=all", "log_parameter_max_length=0") as running:
        HERE["dsn"] = running.dsn
        yield running


def rows(sql, *operands):
    """Return what psycopg itself reads or does."""
    with psycopg.connect(HERE["dsn"], autocommit=True) as connection:
        cursor = connection.execute(sql, operands or None)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture(name="name")
def a_table(request):
    return re.sub(r"\W", "_", request.node.name.lower())[:50]


@pytest.fixture(name="store")
def a_store(name):
    with PostgresStore(HERE["dsn"], name) as made:
        yield made
