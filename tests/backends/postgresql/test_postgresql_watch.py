"""``Cached(store, invalidate="engine")`` over PostgreSQL: what anybody writes is dropped here."""

import gc
import os
import threading
import time

import psycopg
import pytest

from spoonbill import Cached, Codec, Prefixed
from spoonbill.datastores import InMemoryStore, PostgresStore
from spoonbill.errors import UnsupportedError
from tests.servers.postgresql_server import PostgresServer

WITHIN = 30.0


@pytest.fixture(scope="module")
def server():
    """One server for the module."""
    with PostgresServer() as running:
        yield running


def sees(read, value):
    """Return whether a read gives a value before long, however old its cache was."""
    deadline = time.monotonic() + WITHIN
    while time.monotonic() < deadline:
        if read() == value:
            return True
        time.sleep(0.005)
    return False


def hears(cached):
    """Wait until a cache keeps what it reads."""
    assert sees(lambda: cached._deaf, False)


@pytest.mark.parametrize("strict", [True, False])
def test_what_others_write_is_dropped(server, strict):
    """What another store writes and deletes, and SQL of another program, is seen; the rest stays kept."""
    table = f"heard_{strict}".lower()
    with (
        PostgresStore(server.dsn, table, strict=strict) as other,
        PostgresStore(server.dsn, table, strict=strict) as store,
    ):
        cached = Cached(store, invalidate="engine")
        hears(cached)
        other.update({"a": 1, "b": 1, "": 1, "nul\0": 1, "*": 1})
        for key in other:
            assert sees(lambda: cached.get(key), 1)
        hits = cached.stats.hits
        assert sees(lambda: cached.get("a") == 1 and cached.stats.hits > hits, True)
        for key in ("a", "", "nul\0", "*"):
            cached[key]
            other[key] = 2
            assert sees(lambda: cached.get(key), 2), key
        cached["b"]
        other.update({f"k{number}": number for number in range(1500)} | {"b": 3})
        assert sees(lambda: cached.get("b"), 3)
        del other["b"]
        assert sees(lambda: cached.get("b"), None)
        cached["a"]
        with psycopg.connect(server.dsn) as connection:
            connection.execute(f"TRUNCATE {table}")
        assert sees(lambda: cached.get("a"), None)


def test_layers_between(server):
    """Keys are those of the engine, whatever a codec and a prefix make of them."""
    with PostgresStore(server.dsn, "between") as other, PostgresStore(server.dsn, "between") as store:
        cached = Cached(Prefixed(store, "p:"), invalidate="engine")
        hears(cached)
        other["p:a"] = 1
        assert sees(lambda: cached.get("a"), 1)
        cached["a"]
        other["p:a"] = 2
        assert sees(lambda: cached.get("a"), 2)


def test_no_read_is_older_than_what_was_heard(server):
    """Beside a writer, each value that a cache gives is at least as new as the one before."""
    with PostgresStore(server.dsn, "newer") as other, PostgresStore(server.dsn, "newer") as store:
        cached = Cached(store, invalidate="engine")
        other["n"] = 0
        hears(cached)
        writer = threading.Thread(target=lambda: [other.increment("n") for _ in range(500)])
        writer.start()
        last = 0
        while writer.is_alive():
            value = cached["n"]
            assert value >= last
            last = value
        assert sees(lambda: cached["n"], 500)


def test_a_lost_connection_empties_the_cache(server):
    """While the engine cannot be heard nothing is kept; what was written meanwhile is seen, and then it hears again."""
    with PostgresStore(server.dsn, "lost") as other, PostgresStore(server.dsn, "lost") as store:
        cached = Cached(store, invalidate="engine")
        other["a"] = 1
        hears(cached)
        cached["a"]
        with psycopg.connect(server.dsn, autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE query LIKE 'LISTEN%' OR query = 'SELECT 1'"
            )
            admin.execute("""UPDATE lost SET value = '{"spoonbill__": {"value": 2}}'""")
        assert sees(lambda: cached["a"], 2)
        hears(cached)
        other["a"] = 3
        assert sees(lambda: cached["a"], 3)


def test_a_child_listens_for_itself(server):
    """After a fork both sides hear what the other writes."""
    with PostgresStore(server.dsn, "forked") as store:
        cached = Cached(store, invalidate="engine")
        cached["a"] = 1
        hears(cached)
        cached["a"]
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                hears(cached)
                cached["a"]
                cached["b"] = 1
                code = 0 if sees(lambda: cached["a"], 2) else 2
            finally:
                os._exit(code)
        assert sees(lambda: cached.get("b"), 1)
        store["a"] = 2
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_who_listens_no_more_is_told_nothing(server):
    """A cache that is let go, and a store that is closed, end their threads; engines that tell nothing are named."""

    def listening():
        return sum(thread.name == "spoonbill watch" for thread in threading.enumerate())

    assert sees(listening, 0)
    with PostgresStore(server.dsn, "gone") as store:
        cached = Cached(store, invalidate="engine")
        hears(cached)
        assert listening() == 1
        del cached
        gc.collect()
        assert sees(listening, 0)
        kept = Cached(store, invalidate="engine")
    assert sees(listening, 0)
    assert kept.closed
    for wrong in (lambda: Cached(InMemoryStore(), invalidate="engine"), lambda: Cached(Codec(store), invalidate="me")):
        with pytest.raises(UnsupportedError, match="invalidate"):
            wrong()
