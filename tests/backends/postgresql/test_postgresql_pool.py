"""PostgresStore and its connections: pools, addresses, time limits, loops, tables of others."""

import pickle
import threading

import psycopg
import psycopg_pool
import pytest

from spoonbill import eq
from spoonbill.backends import Postgres
from spoonbill.datastores import PostgresStore
from spoonbill.errors import (
    StackError,
    StoreError,
    UnsupportedError,
)
from tests.backends.postgresql.postgresql_stores import (  # noqa: F401 - fixtures, found by their names
    HERE,
    a_server,
    a_store,
    a_table,
    rows,
)


def test_tables_of_others(name):
    """A table that would take two keys for one, or lacks a column, is refused with the reason; names are checked."""
    for number, (columns, reason) in enumerate(
        (
            ("id text PRIMARY KEY, value jsonb, expires timestamptz", "columns are id"),
            ("key text PRIMARY KEY, value jsonb, expires timestamptz", "COLLATE"),
            ('key varchar(10) COLLATE "C" PRIMARY KEY, value jsonb, expires timestamptz', "COLLATE"),
            ('key text COLLATE "C", value jsonb, expires timestamptz', "not unique"),
            ('key text COLLATE "C" PRIMARY KEY, value json, expires timestamptz', "value is json"),
            ('key text COLLATE "C" PRIMARY KEY, value jsonb', "expires"),
            ('key text COLLATE "C" PRIMARY KEY, value jsonb, expires date', "timestamptz"),
            ('key text COLLATE "C" PRIMARY KEY, value bytea, expires timestamptz', "with codec="),
        )
    ):
        rows(f"CREATE TABLE {name}{number} ({columns})")
        with PostgresStore(HERE["dsn"], f"{name}{number}") as store, pytest.raises(StoreError, match=reason):
            store.get("a")
    for wrong in ("x" * 64, "", "a\0"):
        with pytest.raises(UnsupportedError, match="63 bytes"):
            PostgresStore(HERE["dsn"], wrong)
    rows(f'CREATE SCHEMA "{name}; --"')
    with PostgresStore(HERE["dsn"], 'x"; DROP %s ?', schema=f"{name}; --") as store:
        store.update({"a": 1})
        store.create_index("f")
        assert store.indexes() == ['["f"]']
        store.drop_index("f")
        assert list(store.items(eq(1))) == [("a", 1)]
        assert rows(f'SELECT key FROM "{name}; --"."x""; DROP %% ?"'.replace("%%", "%s")) == [("a",)]
    with PostgresStore(HERE["dsn"], "t", schema="none") as store, pytest.raises(StoreError, match="no such schema"):
        store["a"] = 1
    with pytest.raises(ValueError, match="jsonb"):
        Postgres(HERE["dsn"], values="text")


def test_a_pool_of_yours_stays_open(name):
    """A pool that is handed in is used, whatever its settings, and never closed; no other client is taken."""
    with psycopg_pool.ConnectionPool(HERE["dsn"], min_size=1, max_size=2, open=True) as pool:
        with PostgresStore(table=name, client=pool) as store:
            store["a"] = 1
            assert store.client is pool
            assert list(store.items()) == [("a", 1)]
        with pool.connection() as connection:
            assert connection.execute(f"SELECT count(*) FROM {name}").fetchone() == (1,)
    with pytest.raises(StackError, match="ConnectionPool"):
        PostgresStore(client=psycopg)


def test_addresses_and_options(name):
    """A wrong address, a misspelled option and a wrong database are named, and no secret is shown."""
    for dsn in ("postgresql://me:hushhush@127.0.0.1:9/db", "host=127.0.0.1 port=9 password=hushhush"):
        with PostgresStore(dsn, timeout=1) as store:
            assert "hushhush" not in repr(store)
            with pytest.raises(StoreError, match="Check the address") as caught:
                store["a"]
            assert "hushhush" not in str(caught.value)
    with pytest.raises(UnsupportedError, match="did you mean sslmode="):
        PostgresStore(HERE["dsn"], name, sslmod="disable")["a"]
    with pytest.raises(StoreError, match="database"):
        PostgresStore(HERE["dsn"].removesuffix("/postgres") + "/none", name)["a"]
    copy = pickle.loads(pickle.dumps(PostgresStore(HERE["dsn"], name, application_name="copied")))
    copy["a"] = 1
    assert rows("SELECT DISTINCT application_name FROM pg_stat_activity WHERE application_name = 'copied'") == [
        ("copied",)
    ]
    copy.close()


def test_a_statement_has_its_time(store, name):
    """A statement that waits for another's row is cancelled after its time; the store goes on."""
    store["a"] = 1
    with PostgresStore(HERE["dsn"], name, statement_timeout=0.8) as other, psycopg.connect(HERE["dsn"]) as holder:
        holder.execute(f"SELECT 1 FROM {name} WHERE key = 'a' FOR UPDATE")
        with pytest.raises(StoreError, match="time for one statement"):
            other["a"] = 2
        holder.rollback()
        other["a"] = 3
    assert store["a"] == 3


def test_more_calls_than_connections(name):
    """Thirty threads share two connections; a call that gets none in its time says so."""
    with PostgresStore(HERE["dsn"], name, max_connections=2) as store:
        store["n"] = 0
        threads = [threading.Thread(target=lambda: [store.increment("n") for _ in range(20)]) for _ in range(30)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert store["n"] == 600
    with PostgresStore(HERE["dsn"], name, max_connections=1, timeout=1.5) as store:
        store.update({f"k{number}": number for number in range(3000)})
        loop = iter(store.items())
        next(loop)
        with pytest.raises(StoreError, match=r"within 1\.5 seconds"):
            store["n"]
        loop.close()
        assert store["n"] == 600


def test_loops_hold_no_transaction_longer_than_they_must(store):
    """A loop that ended or was left, leaves no transaction open; one that runs sees its snapshot."""
    store.update({f"k{number:04}": number for number in range(2500)})
    loop = iter(store.items())
    first = next(loop)
    store.clear()
    assert len([first, *loop]) == 2500
    assert list(store) == []
    store.update({f"k{number:04}": number for number in range(2500)})
    left = iter(store.keys())
    next(left)
    left.close()
    store.get("k0001")
    waiting = rows("SELECT state FROM pg_stat_activity WHERE application_name <> 'psql' AND state LIKE 'idle in%'")
    assert waiting == []
