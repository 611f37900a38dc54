"""RedisStore on a cluster of three servers."""

import itertools
import pickle

import hypothesis.strategies as st
import pytest
import redis
from hypothesis import settings
from redis.crc import key_slot

from spoonbill import Cached
from spoonbill.backends import Redis
from spoonbill.common.sentinels import MISSING
from spoonbill.datastores import RedisStore
from spoonbill.errors import StoreError
from spoonbill.keys import encode_key
from spoonbill.testing import BackendContract, StoreContract, machine_for
from tests.backends.redis.redis_hammer import hammered
from tests.helpers.shares import check_shares, check_shares_elsewhere, check_shares_while_written
from tests.servers.redis_server import cluster, url

NODES = []


@pytest.fixture(scope="module", autouse=True)
def running():
    with cluster() as nodes:
        NODES[:] = nodes
        yield


def address():
    return url(NODES[0])


@pytest.fixture
def nodes():
    """Give a client of each server, emptied."""
    clients = [redis.Redis(port=process.port) for process in NODES]
    for client in clients:
        client.flushall()
    yield clients
    for client in clients:
        client.close()


class OnCluster(StoreContract):
    def emptied(self):
        for process in NODES:
            with redis.Redis(port=process.port) as client:
                client.flushall()
        return address()

    def peek(self, store, key):
        with redis.RedisCluster(host="127.0.0.1", port=NODES[0].port) as client:
            value = client.get(encode_key(key))
        return MISSING if value is None else value


class TestClusterBackend(OnCluster, BackendContract):
    @pytest.fixture(autouse=True)
    def limited(self, monkeypatch):
        """Lower the limit of half a gigabyte, which a test should not send."""
        monkeypatch.setattr("spoonbill.backends.redis.names.MOST", 100_000)

    def peek(self, store, key):
        with redis.RedisCluster(host="127.0.0.1", port=NODES[0].port) as client:
            value = client.get(key)
        return MISSING if value is None else value

    def poke(self, store, key, value):
        with redis.RedisCluster(host="127.0.0.1", port=NODES[0].port) as client:
            client.set(key, value)

    def make(self, path):
        return Redis(self.emptied(), cluster=True)


class TestClusterStrict(OnCluster):
    values = ("one", "two", "", "x" * 5000, "\u00e9")

    def make(self, path):
        return RedisStore.open(self.emptied(), cluster=True)


class TestClusterNotStrict(OnCluster):
    values = ((1, "one"), {"a": [1, None]}, "text", b"bytes", (1, {2}))

    def make(self, path):
        self.emptied()
        client = redis.RedisCluster(host="127.0.0.1", port=NODES[0].port)
        return RedisStore(client, strict=False, ttl=1000)


class TestClusterMsgpackWithPrefix(TestClusterNotStrict):
    def make(self, path):
        return Cached(RedisStore.open(self.emptied(), codec="msgpack", prefix="p{x}:", cluster=True))

    def peek(self, store, key):
        with redis.RedisCluster(host="127.0.0.1", port=NODES[0].port) as client:
            value = client.get("p{x}:" + encode_key(key))
        return MISSING if value is None else value


numbers = itertools.count()
TestClusterMachine = machine_for(
    lambda p: RedisStore(address(), prefix=f"{p.name}:", cluster=True),
    st.text(st.sampled_from("ab{}*"), max_size=3),
    st.text(max_size=4),
    reopens=True,
).TestCase
TestClusterMachine.settings = settings(max_examples=10, stateful_step_count=15, deadline=None)


def test_keys_are_shared_out_and_counted_over_all_servers(nodes):
    """Batches reach every server, len sums them, a scan and KEYS list them all, and clear empties each."""
    pairs = {f"key-{number}": str(number) for number in range(3000)}
    with RedisStore(address(), cluster=True) as store:
        store.update(pairs)
        sizes = [client.dbsize() for client in nodes]
        assert sum(sizes) == len(store) == 3000
        assert min(sizes) > 500
        wanted = ["key-7", "absent", *pairs, "key-7"]
        assert store.get_many(wanted) == [pairs.get(key) for key in wanted]
        assert dict(store) == pairs
        assert set(store.keys("key-1??")) == {f"key-{number}" for number in range(100, 200)}
        assert set(store.scan("key-1??")) == {f"key-{number}" for number in range(100, 200)}
        assert store.delete_many([*list(pairs)[:1000], "absent", "key-1"]) == 1000
        assert len(store) == 2000
        store.clear()
        assert [client.dbsize() for client in nodes] == [0, 0, 0]


def test_a_prefix_keeps_to_its_own_keys_on_every_server(nodes):
    """Clearing a prefix on a cluster removes its keys from every server and no other."""
    with RedisStore(address(), cluster=True) as others, RedisStore(address(), prefix="p:", cluster=True) as store:
        others.update({f"other-{number}": 1 for number in range(200)})
        store.update({f"key-{number}": 1 for number in range(200)})
        assert len(store) == 200
        store.clear()
        assert len(store) == 0
        assert len(others) == 200


def test_another_type_is_named_in_a_batch(nodes):
    """A list among the keys of a batch over several servers is named."""
    with (
        RedisStore(address(), cluster=True) as store,
        redis.RedisCluster(host="127.0.0.1", port=NODES[0].port) as client,
    ):
        store.update({f"key-{number}": 1 for number in range(50)})
        client.rpush("odd", 1)
        with pytest.raises(StoreError, match=r"'odd'.*holds a list"):
            store.get_many(["key-1", "absent", "odd", "key-2"])
        with pytest.raises(StoreError, match="holds a list"):
            store.pop("odd")


def test_the_cluster_store_pickles(nodes):
    """A store of a URL and one of a handed client open the same cluster when they are unpickled."""
    client = redis.RedisCluster(host="127.0.0.1", port=NODES[0].port)
    for store in (RedisStore(address(), cluster=True), RedisStore(client)):
        store["a"] = 1
        with pickle.loads(pickle.dumps(store)) as copy:
            assert copy["a"] == "1"
        store.close()
    assert client.get("a") == b"1"
    client.close()


def test_two_processes_hammering_the_same_keys(nodes):
    """Of two processes on a cluster each key is added and popped by one, and no replacement is lost."""
    with RedisStore(address(), codec="msgpack", cluster=True) as store:
        hammered(address(), store, cluster=True)


@pytest.mark.parametrize(("tag", "scripts"), [("{t}", True), ("{u}", False)])
def test_slots_may_move_while_the_store_is_used(nodes, tag, scripts):
    """While a slot moves, its keys at two servers, every verb works; so it does when the slot has another server."""
    slot = key_slot(tag.encode())
    source = next(index for index in range(3) if slot < 16384 * (index + 1) // 3)
    target = (source + 1) % 3
    ids = [client.execute_command("CLUSTER", "MYID").decode() for client in nodes]

    def named(pairs):
        return {f"{tag}{name}": value for name, value in pairs.items()}

    def move(key):
        nodes[source].migrate("127.0.0.1", NODES[target].port, key, 0, 5000)

    with RedisStore(address(), cluster=True) as store:
        store.raw._atomic._scripts = scripts
        store.update(named({number: number for number in range(10)}))
        nodes[target].execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[source])
        nodes[source].execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[target])
        for number in range(5):
            move(f"{tag}{number}")
        wanted = [f"{tag}{number}" for number in range(11)]
        assert store.get_many(wanted) == [*map(str, range(10)), None]
        assert store[f"{tag}1"] == "1"
        assert store.add(f"{tag}1", 5) is False
        assert store.add(f"{tag}new", 5) is True
        assert store.pop(f"{tag}1") == "1"
        if scripts:  # a transaction cannot follow a slot that moves: it waits for the move to end
            assert store.replace(f"{tag}2", 2, 3) is True
        store.update(named({2: 4, 7: 5, 8: 6}))
        assert store.raw.delete_many([f"{tag}0", f"{tag}9", f"{tag}none"]) == 2
        left = named({2: "4", 3: "3", 4: "4", 5: "5", 6: "6", 7: "5", 8: "6", "new": "5"})
        assert dict(store) == left
        for key in nodes[source].execute_command("CLUSTER", "GETKEYSINSLOT", slot, 100):
            move(key)
        for index in (target, source):
            nodes[index].execute_command("CLUSTER", "SETSLOT", slot, "NODE", ids[target])
        assert store[f"{tag}8"] == "6"
        assert store.get_many(wanted[2:4]) == ["4", "3"]
        assert store.replace(f"{tag}7", 5, 6) is True
        assert len(store) == len(dict(store)) == len(left)


@pytest.mark.parametrize("head", ["", "p:"])
def test_shares_are_ranges_of_slots(nodes, head):
    """On a cluster each key is in one share, read here, beside writes or in another process."""
    keys = [f"key-{number}" for number in range(800)]
    with RedisStore(address(), prefix=head, cluster=True) as store:
        store.update(dict.fromkeys(keys, "value"))
        if head:
            with RedisStore(address(), cluster=True) as others:
                others["other"] = 1
        assert store.split(3) == [("slots", 0, 5461), ("slots", 5461, 10922), ("slots", 10922, 16384)]
        check_shares(store, keys, "key-1*", counts=(1, 3))
        check_shares_while_written(store, set(keys), "value", counts=(2,))


def test_shares_are_whole_while_a_slot_moves(nodes):
    """A key at the old server of a slot or at the new one is in the share of the slot, in every state of the move."""
    tag = "{v}"
    slot = key_slot(b"v")
    source = next(index for index in range(3) if slot < 16384 * (index + 1) // 3)
    target = (source + 1) % 3
    ids = [client.execute_command("CLUSTER", "MYID").decode() for client in nodes]
    keys = {f"{tag}{number}" for number in range(20)}
    with RedisStore(address(), cluster=True) as store:
        store.update(dict.fromkeys(keys, "value"))

        def check():
            found = [key for share in store.shares(3) for key in share.keys()]
            assert sorted(found) == sorted(keys)

        nodes[target].execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[source])
        nodes[source].execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[target])
        check()
        for key in sorted(keys)[:10]:
            nodes[source].migrate("127.0.0.1", NODES[target].port, key, 0, 5000)
        check()
        for key in sorted(keys)[10:]:
            nodes[source].migrate("127.0.0.1", NODES[target].port, key, 0, 5000)
        for index in (target, source):
            nodes[index].execute_command("CLUSTER", "SETSLOT", slot, "NODE", ids[target])
        check()
        check_shares_elsewhere(store, keys, count=1)
