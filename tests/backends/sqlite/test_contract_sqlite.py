"""SQLiteStore keeps the contract of every store, strict or not, raw and in random stacks, on disk and in memory."""

import json
import sqlite3
from itertools import count

import hypothesis.strategies as st
import pytest
from hypothesis import settings

from spoonbill import Codec
from spoonbill.backends import SQLite
from spoonbill.common.sentinels import MISSING
from spoonbill.datastores import SQLiteStore
from spoonbill.testing import StoreContract, machine_for
from tests.contract.documents import samples, stacks

NUMBERS = count()
FAST = {"durability": "process"}


class TestSQLite(StoreContract):
    """The backend itself, with documents, scalars and bytes."""

    values = ({"a": 1}, "text", b"\x00\xff", [1, [2.5, None]], {"key": {"$a": "b.c"}})

    def make(self, path):
        self.path = path / "data.db"
        return SQLite(self.path, **FAST)


class TestSQLiteStore(TestSQLite):
    """Strict: native documents, checked with sqlite3."""

    def make(self, path):
        self.path = path / "data.db"
        return SQLiteStore(self.path, **FAST)

    def peek(self, store, key):
        with sqlite3.connect(self.path) as connection:
            rows = connection.execute("SELECT value FROM spoonbill WHERE key = ?", (key,)).fetchall()
        connection.close()
        return store.raw._engine.load(rows[0][0]) if rows else MISSING


class TestSQLiteStoreInMemory(TestSQLite):
    """A database in memory: one connection for all threads."""

    test_pickles = None  # another process has another memory

    def make(self, path):
        return SQLiteStore(":memory:")


class TestSQLiteStoreNotStrict(StoreContract):
    """Not strict: any value by pickle."""

    values = (1, {"a": [1, None]}, "text", (1, {2}), {3: 4})

    def make(self, path):
        return SQLiteStore(path / "data.db", strict=False, **FAST)


class TestBytesOverSQLite(StoreContract):
    """A codec over the backend: the default one of all stores."""

    values = (1, {"a": [1, None]}, "text", (1, {2}), {3: 4})

    def make(self, path):
        return Codec(SQLite(path / "data.db", **FAST))


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory):
    """A file for the machines."""
    FAST_FILE["path"] = tmp_path_factory.mktemp("sqlite") / "machines.db"


FAST_FILE = {}


def made(**options):
    return SQLiteStore(FAST_FILE["path"], f"t{next(NUMBERS)}", **FAST, **options)


SETTINGS = settings(max_examples=20, stateful_step_count=25, deadline=None)
TestStrictMachine = machine_for(lambda _: made(), st.sampled_from(samples.KEYS), samples.comparable).TestCase
TestAnyMachine = machine_for(
    lambda _: made(strict=False), st.integers(0, 5) | st.text(max_size=2), samples.comparable
).TestCase
TestStacksMachine = stacks.machine(made).TestCase
for machine in (TestStrictMachine, TestAnyMachine, TestStacksMachine):
    machine.settings = SETTINGS
del machine


def test_json_is_read_by_other_tools(tmp_path):
    """json_extract of the command-line tool finds a field of what was written."""
    with SQLiteStore(tmp_path / "a.db") as store:
        store["ada"] = {"born": 1815, "tags": ["a", "\u00e9"]}
    with sqlite3.connect(tmp_path / "a.db") as connection:
        ((born, text),) = connection.execute("SELECT json_extract(value, '$.born'), value FROM spoonbill").fetchall()
    connection.close()
    assert born == 1815
    assert json.loads(text) == {"born": 1815, "tags": ["a", "\u00e9"]}
