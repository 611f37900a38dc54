"""The verbs that a Redis server has itself: numbers, times to live, compare and delete; on one server and a cluster."""

import math
import threading

import pytest
import redis

from spoonbill import StrictString
from spoonbill.backends import Memory, Redis
from spoonbill.datastores import LmdbStore, RedisStore
from spoonbill.errors import StackError, StoreError, UnsupportedError
from tests.servers.redis_server import cluster, server, url

SERVER = server()

pytestmark = pytest.mark.usefixtures("redis_running")


@pytest.fixture(scope="module")
def nodes():
    with cluster() as servers:
        yield servers


@pytest.fixture(params=["server", "cluster", "no scripts"])
def store(request):
    if request.param == "cluster":
        store = RedisStore(f"redis://127.0.0.1:{request.getfixturevalue('nodes')[0].port}", cluster=True)
    elif request.param == "server":
        store = RedisStore(url(SERVER))
    else:
        with redis.Redis(port=SERVER.port) as client:
            client.acl_setuser(
                "bare", enabled=True, nopass=True, keys="*", commands=["+@all", "-@scripting", "-getdel"]
            )
        store = RedisStore(f"redis://bare:x@127.0.0.1:{SERVER.port}/1")
    store.clear()
    yield store
    store.clear()
    store.close()


def test_numbers_are_counted_on_the_server(store):
    """Ints and floats are added to what other programs wrote as text; an int or a float comes back."""
    assert store.increment("n") == 1
    assert store.increment("n", 5) == 6
    assert store["n"] == "6"
    assert store.increment("n", -10) == -4
    assert store.increment("n", 0.5) == -3.5
    assert store.increment("n") == -2.5
    store["text"] = "10"
    assert type(store.increment("text", 2)) is int
    assert type(store.increment("text", 1.5)) is float
    assert store.native("increment")


def test_numbers_beyond_the_servers_own(store):
    """A sum that 64 bits cannot hold is made all the same, exactly."""
    store["big"] = str(2**63 - 1)
    assert store.increment("big") == 2**63
    assert store["big"] == str(2**63)
    assert store.increment("big", 2**70) == 2**63 + 2**70
    store["wide"] = str(10**30)
    assert store.increment("wide") == 10**30 + 1
    assert store.increment("inf", math.inf) == math.inf


def test_what_is_no_number(store):
    """Text, an empty value and other types are a TypeError or a StoreError that names the key, and stay."""
    for text in ("", "x", "1_0", " 1", "nan"):
        store["a"] = text
        with pytest.raises(TypeError, match="'a'"):
            store.increment("a")
        assert store["a"] == text
    for by in ("1", None, True):
        with pytest.raises(TypeError):
            store.increment("b", by)
    store.client.rpush("list", "x")
    with pytest.raises(StoreError, match="list"):
        store.increment("list")


def test_numbers_and_times_to_live(store):
    """A number keeps its time to live, an absent one gets the store's, and one that is given is counted from now."""
    store.set("n", 1, ttl=50)
    store.increment("n")
    assert 40 < store.ttl("n") <= 50
    store.increment("n", ttl=500)
    assert 400 < store.ttl("n") <= 500
    store.increment("n", ttl=math.inf)
    assert store.ttl("n") is None


def test_a_number_of_a_store_whose_entries_expire():
    """An entry that increment makes expires as any other; one that was there keeps its time."""
    with RedisStore(url(SERVER), prefix="short:", ttl=60) as store:
        store.clear()
        store.increment("n")
        assert 50 < store.ttl("n") <= 60
        store.touch("n", None)
        assert store.increment("n", 0.5) == 1.5
        assert store.ttl("n") is None


def test_counting_loses_nothing(store):
    """Threads that count at once lose no step, by int and by float."""

    def count():
        for _ in range(50):
            store.increment("n")
            store.increment("f", 0.5)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store["n"] == "200"
    assert float(store["f"]) == 100


def test_times_to_live_are_read_and_changed(store):
    """Ttl tells the seconds, None where an entry stays and KeyError where there is none; touch changes them alone."""
    store["a"] = "x"
    assert store.ttl("a") is None
    with pytest.raises(KeyError):
        store.ttl("absent")
    assert store.touch("a", 30) is True
    assert 20 < store.ttl("a") <= 30
    assert store.touch("a", None) is True
    assert store.ttl("a") is None
    assert store.touch("a", None) is True
    assert store.touch("a", math.inf) is True
    assert store.touch("absent", 30) is False
    assert store.touch("absent", None) is False
    with pytest.raises(UnsupportedError):
        store.touch("a", -1)
    assert store["a"] == "x"


def test_discard_compares_and_removes(store):
    """A key goes only where it holds what was expected."""
    store["a"] = "1"
    assert store.discard("a", "2") is False
    assert store["a"] == "1"
    assert store.discard("a", 1) is False or "a" not in store
    store["a"] = "1"
    assert store.discard("a", "1") is True
    assert store.discard("a", "1") is False
    assert "a" not in store


def test_ping_and_client(store):
    """Ping takes less than its patience, and the client is redis-py's own."""
    assert 0 <= store.ping() < 5
    assert store.client.ping()
    assert store.raw.client is store.client


def test_ping_of_no_server():
    """A server that is away is a StoreError."""
    with pytest.raises(StoreError, match="ping failed"):
        RedisStore("redis://127.0.0.1:9", retry_for=0).ping()


def test_counting_in_text_over_any_store(tmp_path):
    """StrictString counts the same over a store that has no numbers of its own."""
    for store in (StrictString(Memory({})), StrictString(LmdbStore(tmp_path / "db"))):
        assert store.increment("n") == 1
        assert store.increment("n", 0.5) == 1.5
        assert store["n"] == "1.5"
        store["t"] = "x"
        with pytest.raises(TypeError):
            store.increment("t")


def test_a_node_of_a_cluster_is_not_taken_for_a_server(nodes):
    """Without cluster=True a node would list a third and clear a third: that is refused, and the remedy is named."""
    address = f"redis://127.0.0.1:{nodes[0].port}"
    pairs = {f"k{number}": str(number) for number in range(300)}
    with RedisStore(address, cluster=True) as whole:
        whole.update(pairs)
        store = RedisStore(address)
        for call in (
            lambda: len(store),
            lambda: list(store),
            store.clear,
            lambda: store.copy(),
            lambda: store.split(2),
        ):
            with pytest.raises((StoreError, UnsupportedError), match="cluster=True"):
                call()
        with pytest.raises(StoreError, match="cluster=True"):
            [store[key] for key in pairs]
        with pytest.raises(StoreError, match="cluster=True"):
            store.update(pairs)
        assert whole.copy() == pairs
        whole.clear()


def test_a_server_without_unlink():
    """A server before 4.0 knows no UNLINK: keys are removed by DEL."""
    with server("--rename-command", "UNLINK", "") as old:
        store = RedisStore(url(old))
        store.update({"a": "1", "b": "2", "c": "3"})
        assert store.delete("a") is True
        assert store.delete("a") is False
        store.update({"a": "1"})
        fresh = RedisStore(url(old), prefix="b")
        fresh.clear()
        assert store.raw.delete_many(["a", "c", "x"]) == 2
        assert list(store) == []
        store.close()
        fresh.close()


@pytest.mark.parametrize("address", ["redis://h/name", "rediss://h:6379/prod/0", "valkey://h/1x"])
def test_a_database_that_is_no_number(address):
    """The name of a database is refused, and not taken for database 0."""
    with pytest.raises(UnsupportedError, match="number"):
        RedisStore(address)


def test_an_asynchronous_client_is_refused():
    """What is handed in as a client and is none is named, with what to give."""
    import redis.asyncio

    for client in (redis.asyncio.Redis(), redis.asyncio.RedisCluster("h"), 6379, None):
        with pytest.raises(StackError, match=r"redis\.Redis"):
            Redis(client)
