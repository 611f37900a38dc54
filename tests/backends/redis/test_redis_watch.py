"""``Cached(store, invalidate="engine")`` over Redis: what anybody writes is dropped here."""

import threading
import time

import pytest
import redis

from spoonbill import Cached, Codec
from spoonbill.backends import Redis
from spoonbill.datastores import RedisStore
from spoonbill.errors import UnsupportedError
from tests.servers.redis_server import cluster, server, url

WITHIN = 30.0


@pytest.fixture(scope="module")
def address():
    """One server for the module."""
    with server() as running:
        yield url(running)


def sees(read, value):
    """Return whether a read gives a value before long."""
    deadline = time.monotonic() + WITHIN
    while time.monotonic() < deadline:
        if read() == value:
            return True
        time.sleep(0.005)
    return False


def hears(cached):
    """Wait until a cache keeps what it reads."""
    assert sees(lambda: cached._deaf, False)


@pytest.mark.parametrize("prefix", ["", "p:"])
@pytest.mark.parametrize("strict", [True, False])
def test_what_others_write_is_dropped(address, prefix, strict):
    """A set, an update, a delete, an expiry and a flush by another client are seen; what nobody changed stays kept."""
    options = {"prefix": prefix, "strict": strict}
    with RedisStore(address, **options) as other, RedisStore(address, **options) as store:
        other.clear()
        cached = Cached(store, invalidate="engine")
        hears(cached)
        other.update({"a": "1", "b": "1", "\u00e9": "1", "": "1"})
        for key in ("a", "b", "\u00e9", ""):
            assert sees(lambda: cached.get(key), "1")
        hits = cached.stats.hits
        assert sees(lambda: cached.get("a") == "1" and cached.stats.hits > hits, True)
        for key in ("a", "\u00e9", ""):
            other[key] = "2"
            assert sees(lambda: cached.get(key), "2"), key
        del other["b"]
        assert sees(lambda: cached.get("b"), None)
        other.set("a", "3", ttl=0.05)
        assert sees(lambda: cached.get("a"), None)
        cached["\u00e9"]
        with redis.Redis.from_url(address) as client:
            client.flushall()
        assert sees(lambda: cached.get("\u00e9"), None)


def test_a_lost_connection_empties_the_cache(address):
    """While the server cannot be heard nothing is kept; what was written meanwhile is seen, and then it hears again."""
    with RedisStore(address) as other, RedisStore(address) as store, redis.Redis.from_url(address) as admin:
        cached = Cached(Codec(store), invalidate="engine")
        mine = Cached(store, invalidate="engine")
        other["a"] = "1"
        hears(mine)
        assert mine["a"] == "1"
        for kind in ("pubsub", "normal"):
            admin.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
            admin.set("a", f"by {kind}")
            assert sees(lambda: mine["a"], f"by {kind}")
            hears(mine)
            other["a"] = f"again {kind}"
            assert sees(lambda: mine["a"], f"again {kind}")
        assert cached.raw is store.raw


def test_closing_ends_it_and_a_cluster_is_refused(address):
    """A closed store ends its thread; a cluster, which tells node by node, is named."""
    with RedisStore(address) as store:
        cached = Cached(store, invalidate="engine")
        hears(cached)
    assert sees(lambda: sum(thread.name == "spoonbill watch" for thread in threading.enumerate()), 0)
    with cluster() as nodes, Redis(f"redis://127.0.0.1:{nodes[0].port}", cluster=True) as store:
        with pytest.raises(UnsupportedError, match="cluster"):
            Cached(store, invalidate="engine")
