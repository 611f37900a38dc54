"""SQLiteStore keeps the contract of the document stores, checked with sqlite3 itself."""

import json
import os
import pickle
import random
import sqlite3
import subprocess
import sys
import threading

import pytest

from spoonbill import Expiring, eq, gt
from spoonbill.datastores import SQLiteStore
from spoonbill.errors import ClosedError, CodecError, KeyDecodeError, StoreError, UnsupportedError
from tests.contract.documents.document_contract import DocumentContract

KILLS = int(os.environ.get("SPOONBILL_TORTURE", "5"))


@pytest.fixture(scope="module", autouse=True)
def file(tmp_path_factory):
    """One file for the module: each store is a table."""
    TestSQLite.file = tmp_path_factory.mktemp("sqlite") / "tests.db"


def rows(file, sql, *operands):
    """Return what sqlite3 itself reads or does."""
    connection = sqlite3.connect(file, isolation_level=None)
    try:
        return connection.execute(sql, operands).fetchall()
    finally:
        connection.close()


class TestSQLite(DocumentContract):
    @classmethod
    def opened(cls, name, **options):
        return SQLiteStore.open(cls.file, name, durability="process", **options)

    @classmethod
    def read(cls, name, key):
        found = rows(cls.file, f'SELECT value FROM "{name}" WHERE key = ?', key)
        fields = json.loads(found[0][0]) if found else None
        if fields and isinstance(fields.get("e"), dict):
            assert fields["e"] == {"spoonbill__": {"bytes": "AA=="}}  # JSON has no bytes
            fields["e"] = b"\x00"
        return fields

    @classmethod
    def written(cls, name, key, fields):
        rows(cls.file, f'INSERT INTO "{name}" (key, value) VALUES (?, ?)', key, json.dumps(fields, indent=1))

    @classmethod
    def watched(cls, name):
        store = cls.opened(name)
        connections = store.raw._engine._connections
        seen, requests, ask, listed = [], [], connections.rows, connections.listed

        def asked(sql, operands=()):
            if "sqlite_master" not in sql and "table_info" not in sql:
                requests.append(sql)
            return ask(sql, operands)

        def noted(sql, operands):
            requests.append(sql)
            for row in listed(sql, operands):
                if row[1] is not None:
                    seen.append(row)
                yield row

        connections.rows, connections.listed = asked, noted
        return store, seen, requests

    test_what_is_no_client_is_named = None  # there is a path, and no client to hand in

    def test_a_missing_collection(self, name, tmp_path):
        """With create=False a missing file and a missing table are errors, and nothing is made."""
        with pytest.raises(StoreError, match="create="):
            self.opened(name, create=False)
        with pytest.raises(StoreError, match="create="):
            SQLiteStore(tmp_path / "none" / "a.db", create=False)
        assert not (tmp_path / "none").exists()
        with self.opened(name) as store:
            store["a"] = 1
        with self.opened(name, create=False) as store:
            assert store["a"] == 1


@pytest.fixture
def store(tmp_path):
    with SQLiteStore(tmp_path / "a.db", durability="process") as made:
        yield made


def test_a_transaction_is_all_or_nothing(store, tmp_path):
    """Several verbs are one commit; an error undoes them, in an inner block alone."""
    with store.transaction():
        store["a"] = 1
        store.update({"b": 2, "c": 3})
        assert rows(tmp_path / "a.db", "SELECT count(*) FROM spoonbill") == [(0,)]
        assert list(store) == ["a", "b", "c"]
        with pytest.raises(ZeroDivisionError), store.transaction():
            store["a"] = 5
            store.clear()
            1 / 0
        assert store.pop("b") == 2
    assert store.copy() == {"a": 1, "c": 3}
    with pytest.raises(KeyboardInterrupt), store.transaction():
        del store["a"]
        raise KeyboardInterrupt
    assert store.copy() == {"a": 1, "c": 3}
    assert rows(tmp_path / "a.db", "SELECT count(*) FROM spoonbill") == [(2,)]


def test_a_transaction_holds_other_writers_off(store, tmp_path):
    """A thread and a process wait with their writes until the block ends, and then see what it wrote."""
    program = (
        "import sys; from spoonbill.datastores import SQLiteStore\n"
        "with SQLiteStore(sys.argv[1]) as store: store.modify('n', lambda n: n + 10)\n"
    )
    store["n"] = 0
    with store.transaction():
        thread = threading.Thread(target=lambda: store.increment("n", 100))
        thread.start()
        child = subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "a.db")])
        thread.join(0.3)
        assert thread.is_alive()
        store["n"] += 1
    thread.join()
    assert child.wait() == 0
    assert store["n"] == 111


def test_an_index_is_used_and_answers_alike(store):
    """A search by a field with an index finds the same; explain names the index, until it is dropped."""
    store.update({f"k{number}": {"n": number % 50, "name": f"name {number}"} for number in range(1000)})
    store.update({"odd": {"n": float("inf")}, "text": {"n": "5"}, "blob": b"\xff", "big": {"n": 10**15}})
    searches = ({"n": 7}, {"n": gt(48)}, {"name": "name 99"}, {"n": "5"})
    before = [sorted(store.items(search)) for search in searches]
    assert "SCAN" in str(store.explain(conditions=searches[0]))
    store.create_index("n")
    store.create_index("name")
    store.create_index("n")
    assert sorted(store.indexes()) == ['$."n"', '$."name"']
    for search, found in zip(searches, before, strict=True):
        assert "USING INDEX" in str(store.explain(conditions=search))
        assert sorted(store.items(search)) == found
    store.drop_index("n")
    assert "SCAN" in str(store.explain(conditions=searches[0]))
    for name in ('a"b', "a\\b", "", "a\nb"):
        with pytest.raises(UnsupportedError, match="can have no index"):
            store.create_index(name)
    store.create_index("it's; DROP TABLE spoonbill")
    assert list(store.items({"it's; DROP TABLE spoonbill": 1})) == []
    assert len(store) == 1004


def test_tables_are_stores_of_their_own(tmp_path):
    """Two stores in one file, whatever their names; one loops while the other writes."""
    with (
        SQLiteStore(tmp_path / "a.db", 'x"; DROP', durability="process") as one,
        SQLiteStore(tmp_path / "a.db", "it's", durability="process") as other,
    ):
        one.update({"a": 1, "b": 2})
        for key in one:
            other[key] = one[key] + 1
            one[key + key] = 5
        assert one.copy() == {"a": 1, "b": 2, "aa": 5, "bb": 5}
        assert other.copy() == {"a": 2, "b": 3}


def test_copies_and_space(store, tmp_path):
    """A backup is a file of SQLite with every table; vacuum makes the file small again."""
    store.update({f"k{number}": "x" * 1000 for number in range(2000)})
    calls = []
    store.backup(tmp_path / "b.db", lambda *status: calls.append(status))
    with SQLiteStore(tmp_path / "b.db", readonly=True) as copy:
        assert copy.copy() == store.copy()
        with pytest.raises(StoreError, match="reading only"):
            copy["a"] = 1
    assert calls
    before = (tmp_path / "a.db").stat().st_size + (tmp_path / "a.db-wal").stat().st_size
    store.clear()
    store.vacuum()
    store.close()
    assert (tmp_path / "a.db").stat().st_size < before / 10


def test_a_file_of_sqlitedict_is_read(tmp_path):
    """Its table has our columns; its pickles are read where one says so."""
    rows(tmp_path / "d.db", "CREATE TABLE unnamed (key TEXT PRIMARY KEY, value BLOB)")
    rows(tmp_path / "d.db", "INSERT INTO unnamed VALUES ('k', ?)", pickle.dumps({1, 2}))
    with SQLiteStore(tmp_path / "d.db", "unnamed", codec="pickle", strict=False, readonly=True) as store:
        assert store["k"] == {1, 2}


def test_tables_that_are_no_stores_are_refused(tmp_path):
    """A table whose keys could be one, or that has other columns, is named with the reason; a text file too."""
    for name, columns, reason in (
        ("one", "id TEXT, value", "columns are id, value"),
        ("two", "key TEXT COLLATE NOCASE PRIMARY KEY, value", "collation"),
        ("three", "key TEXT, value", "not unique"),
        ("four", "key INTEGER PRIMARY KEY, value", "no text"),
    ):
        rows(tmp_path / "f.db", f"CREATE TABLE {name} ({columns})")
        with pytest.raises(StoreError, match=reason):
            SQLiteStore(tmp_path / "f.db", name)
    with pytest.raises(StoreError, match="no table 'x'"):
        SQLiteStore(tmp_path / "f.db", "x", readonly=True)
    (tmp_path / "text").write_text("no database at all " * 100)
    with pytest.raises(StoreError, match="no SQLite database"):
        SQLiteStore(tmp_path / "text")
    assert (tmp_path / "text").read_text() == "no database at all " * 100
    with pytest.raises(ValueError, match="durability"):
        SQLiteStore(tmp_path / "g.db", durability="none")
    with pytest.raises(UnsupportedError, match="did you mean durability="):
        SQLiteStore(tmp_path / "g.db", durabilty="process")
    with pytest.raises(UnsupportedError, match="memory"):
        SQLiteStore(":memory:", readonly=True)


def test_what_other_programs_write_is_read_or_named(store, tmp_path):
    """Numbers, lists and NULL are values; text that is no JSON, and keys that are no UTF-8, are errors with names."""
    file = tmp_path / "a.db"
    rows(
        file,
        "INSERT INTO spoonbill (key, value) VALUES ('n', 5), ('f', 1.5), ('l', '[1,2]'), ('null', NULL), ('b', x'00')",
    )
    values = {"n": 5, "f": 1.5, "l": [1, 2], "null": None, "b": b"\x00"}
    assert store.copy() == values
    for key, value in values.items():
        assert list(store.items(eq(value))) == [(key, value)]
    rows(file, "INSERT INTO spoonbill (key, value) VALUES ('bad', 'words'), ('deep', ?)", "[" * 100_000)
    for key in ("bad", "deep"):
        with pytest.raises(CodecError, match=f"'{key}'.*no JSON"):
            store[key]
    assert list(store.items({"a": 1})) == []
    rows(file, "INSERT INTO spoonbill (key, value) VALUES (CAST(x'ff' AS TEXT), '1')")
    with pytest.raises(KeyDecodeError, match="UTF-8"):
        list(store)


def test_a_fork_and_threads_have_their_own_connections(store):
    """A child reads and writes with what the parent opened, and neither breaks the other; ended threads leave none."""
    store["a"] = 1
    loop = iter(store.items())
    pid = os.fork()
    if pid == 0:
        try:
            store["child"] = store["a"] + 1
            os._exit(0 if len(store) == 2 else 2)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert next(loop) == ("a", 1)
    assert store["child"] == 2
    for _ in range(20):
        thread = threading.Thread(target=lambda: store.get("a"))
        thread.start()
        thread.join()
    assert len(store.raw._engine._connections._all) <= 3


def test_a_killed_writer_leaves_what_it_finished(tmp_path):
    """What was printed as written is there after SIGKILL, and the file is whole. SPOONBILL_TORTURE: how often."""
    program = (
        "import sys; from spoonbill.datastores import SQLiteStore\n"
        "store = SQLiteStore(sys.argv[1])\n"
        "n = len(store)\n"
        "while True:\n"
        "    store.update({f'{n}': n, f'{n}b': n}); n += 2; print(n, flush=True)\n"
    )
    for _ in range(KILLS):
        child = subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "k.db")], stdout=subprocess.PIPE)
        finished = [int(child.stdout.readline()) for _ in range(random.randrange(1, 30))]
        child.kill()
        child.communicate()
        with SQLiteStore(tmp_path / "k.db") as store:
            assert len(store) >= finished[-1]
            assert len(store) % 2 == 0
        assert rows(tmp_path / "k.db", "PRAGMA integrity_check") == [("ok",)]


def test_closing(tmp_path):
    """A closed store says so, also to a loop and to a thread; closing twice does nothing."""
    store = SQLiteStore(tmp_path / "a.db", durability="process")
    store.update({"a": 1, "b": 2})
    loop = iter(store.items())
    next(loop)
    store.close()
    store.close()
    for work in (
        lambda: store["a"],
        lambda: store.set("a", 1),
        lambda: list(store),
        lambda: list(loop),
        lambda: len(store),
    ):
        with pytest.raises(ClosedError):
            work()


def test_the_client_is_the_connection(store):
    """What sqlite3 itself can do is at hand, and a ping is answered."""
    store["a"] = 1
    assert store.client.execute("SELECT key FROM spoonbill").fetchall() == [("a",)]
    assert store.ping() > 0


def test_layers_over_it(tmp_path):
    """Expiring over it gives entries an end."""
    with Expiring(SQLiteStore(tmp_path / "a.db", durability="process")) as store:
        store.set("a", 1, ttl=100)
        assert 0 < store.ttl("a") <= 101
