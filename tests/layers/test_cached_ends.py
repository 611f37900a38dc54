"""A cache gives no entry whose time is over in the store below it."""

import time

import pytest

from spoonbill import Cached, Expiring, Mirrored
from spoonbill.backends import Memory
from spoonbill.datastores import RedisStore
from tests.helpers.native_ttl import NativeTtl
from tests.servers.redis_server import server, url


def gone(store, key):
    """Wait until a key is absent."""
    deadline = time.monotonic() + 30
    while store.get(key, "absent") != "absent":
        assert time.monotonic() < deadline, "it stayed in the cache"
        time.sleep(0.002)


BELOW = {
    "envelope": lambda: Expiring(Memory()),
    "native": NativeTtl,
    "several": lambda: Mirrored(Expiring(Memory()), Expiring(Memory())),
}
WRITES = {
    "set": lambda store: store.set("a", 1, ttl=0.05),
    "set_many": lambda store: store.set_many([("a", 1)], ttl=0.05),
    "add": lambda store: store.add("a", 1, ttl=0.05),
    "replace": lambda store: (store.set("a", 0), store.replace("a", 0, 1, ttl=0.05)),
    "increment": lambda store: store.increment("a", 1, ttl=0.05),
    "touch": lambda store: (store.set("a", 1), store.touch("a", 0.05)),
    "modify": lambda store: (store.set("a", 0, ttl=0.05), store.modify("a", lambda value: value + 1)),
}


@pytest.mark.parametrize("below", BELOW)
@pytest.mark.parametrize("write", WRITES)
def test_what_is_over_below_is_not_given(below, write):
    """Whichever verb gave the time, an entry that was read into the cache is absent when that is over."""
    store = Cached(BELOW[below](), maxsize=10, absences=True)
    WRITES[write](store)
    store.get("a"), store.get("a")
    gone(store, "a")
    assert "a" not in store
    assert store.get_many(["a"], 5) == [5]
    store["a"] = 2  # stays
    assert store["a"] == store["a"] == 2


@pytest.mark.parametrize("ttl", [None, 0.05])
def test_the_times_of_others_are_asked_for_where_a_layer_keeps_them(ttl):
    """What another object wrote with a ttl, or got one by default, ends in this cache too."""
    shared = Memory()
    store = Cached(Expiring(shared, ttl))
    Expiring(shared, ttl).set("a", 1, **({} if ttl else {"ttl": 0.05}))
    store.get_many(["a"])
    assert store.get("a") in {1, None}
    gone(store, "a")


def test_an_engine_that_ends_entries_is_asked_nothing_more():
    """Over a native ttl a miss is one read, and a hit none."""
    native = NativeTtl()
    store = Cached(native)
    store.set("a", 1, ttl=60)
    native.reads = 0
    assert [store["a"], store["a"], store.get_many(["a"])] == [1, 1, [1]]
    assert native.reads == 1


def test_what_another_wrote_anew_is_kept_again():
    """The end that this cache knew of an entry is forgotten when the entry is there after it."""
    native = NativeTtl()
    store = Cached(native)
    store.set("a", 1, ttl=0.01)
    gone(store, "a")
    native.set("a", 2)
    native.reads = 0
    assert [store["a"], store["a"]] == [2, 2]
    assert native.reads == 1


def test_over_a_redis():
    """A ttl of the write and the store's own are known to the cache, and those of others where all entries have one."""
    with server() as process:
        given, default = Cached(RedisStore(url(process))), Cached(RedisStore(url(process, 1), ttl=0.1))
        given.set("a", 1, ttl=0.1)
        default["a"] = 1
        RedisStore(url(process, 1), ttl=0.1)["b"] = 1
        for store, key in ((given, "a"), (default, "a"), (default, "b")):
            store.get(key)
            gone(store, key)
