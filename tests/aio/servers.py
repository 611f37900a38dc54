"""The servers that the tests of bridges use: each with a way to a store, and to what its event loop holds open."""

import itertools
from contextlib import contextmanager

from spoonbill.datastores import MongoDBStore, PostgresStore, RedisStore
from tests.servers.mongodb_server import mongodb_server
from tests.servers.postgresql_server import PostgresServer
from tests.servers.redis_server import server as redis_server
from tests.servers.redis_server import url

_NUMBERS = itertools.count()


class Redis:
    """One Valkey server."""

    def __init__(self):
        self.process = redis_server()

    def store(self):
        """Return a store with keys of its own."""
        return RedisStore(url(self.process), prefix=f"{next(_NUMBERS)}:", codec="json", retry_for=30)

    @staticmethod
    def lent(store):
        """Return how many connections of the running loop are in use, and how many answers are missing."""
        kept = [handle for handle, _ in store.raw.loop_handles._kept.values()]
        lines = [handle._line for handle in kept if handle._line is not None]
        lent = sum(len(handle._pool.connections) - len(handle._pool._idle) for handle in kept)
        return lent + sum(not future.done() for line in lines for future, _, _ in line._waiting)


class MongoDB:
    """One MongoDB server."""

    def __init__(self):
        self.process = mongodb_server()

    def store(self):
        return MongoDBStore(f"mongodb://127.0.0.1:{self.process.port}/", collection=f"c{next(_NUMBERS)}")

    @staticmethod
    def lent(store):
        pools = [
            server.pool
            for handle, _ in store.raw.loop_handles._kept.values()
            for server in handle.database.client._target._topology._servers.values()
        ]
        return sum(pool.active_sockets for pool in pools)


class PostgreSQL:
    """One PostgreSQL server."""

    def __init__(self):
        self.process = PostgresServer()

    def store(self):
        return PostgresStore(self.process.dsn, f"t{next(_NUMBERS)}", max_connections=8, timeout=60)

    @staticmethod
    def lent(store):
        handles = [table.connections for table, _ in store.raw.loop_handles._kept.values()]
        return sum(len(one.pool._pool.connections) - len(one.pool._pool._idle) - len(one._ready) for one in handles)


@contextmanager
def running(kind):
    """Run a server of a kind."""
    made = kind()
    with made.process:
        yield made
