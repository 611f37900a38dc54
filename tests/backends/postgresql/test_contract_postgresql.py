"""PostgresStore keeps the contract of every store, strict or not, raw and in random stacks."""

from itertools import count

import hypothesis.strategies as st
import psycopg
import pytest
from hypothesis import settings

from spoonbill import Codec
from spoonbill.backends import Postgres
from spoonbill.backends.postgresql.scheme import PostgresScheme, fields_in, text_down
from spoonbill.common.sentinels import MISSING
from spoonbill.datastores import PostgresStore
from spoonbill.testing import StoreContract, machine_for
from tests.contract.documents import samples, stacks
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


class TestPostgres(StoreContract):
    """The backend itself, with documents, scalars and bytes."""

    values = ({"a": 1}, "text", b"\x00\xff", [1, [2.5, None]], {"key": {"$a": "b.c"}})

    def make(self, path):
        return made(Postgres)


class TestPostgresStore(TestPostgres):
    """Strict: native documents, checked with psycopg."""

    def make(self, path):
        return made(PostgresStore)

    def peek(self, store, key):
        with psycopg.connect(SERVER["dsn"]) as connection:
            table = store.raw._engine._link.sql
            found = connection.execute(f"SELECT value::text FROM {table} WHERE key = %s", (text_down(key),)).fetchone()
        return MISSING if found is None else PostgresScheme().load(fields_in(found[0]))


class TestPostgresStoreNotStrict(StoreContract):
    """Not strict: any value by pickle, in a table of bytes."""

    values = (1, {"a": [1, None]}, "text", (1, {2}), {3: 4})

    def make(self, path):
        return made(PostgresStore, strict=False)


class TestPostgresOfBytes(StoreContract):
    """The backend with bytes."""

    values = (b"a", b"\x00\xff", b"", b"abc", b"abcd")

    def make(self, path):
        return made(Postgres, values="bytea")


class TestBytesOverPostgres(StoreContract):
    """A codec over documents: the default one of all stores."""

    values = (1, {"a": [1, None]}, "text", (1, {2}), {3: 4})

    def make(self, path):
        return Codec(made(Postgres))


SETTINGS = settings(max_examples=12, stateful_step_count=20, deadline=None)
TestStrictMachine = machine_for(
    lambda _: made(PostgresStore), st.sampled_from(samples.KEYS), samples.comparable
).TestCase
TestAnyMachine = machine_for(
    lambda _: made(PostgresStore, strict=False), st.integers(0, 5) | st.text(max_size=2), samples.comparable
).TestCase
TestStacksMachine = stacks.machine(lambda: made(PostgresStore)).TestCase
for machine in (TestStrictMachine, TestAnyMachine, TestStacksMachine):
    machine.settings = SETTINGS
del machine
