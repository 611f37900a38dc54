"""Bounds: what is refused, what makes room, and what waits."""

import random
import threading
import time

import pytest

from spoonbill import Codec, Limited, Metered
from spoonbill.backends import Lmdb, Memory
from spoonbill.datastores import InMemoryStore, LmdbStore
from spoonbill.errors import FullError, KeyTooLongError, PartialWriteError, UnsupportedError, ValueTooLargeError
from spoonbill.testing import LayerContract, SpyStore
from tests.layers.kills import ROUNDS, killed


class TestLimited(LayerContract):
    def wrap(self, inner):
        return Limited(inner, max_key=1000, max_value=10_000, max_concurrent=2, rate=1e9)


class Counting(LayerContract):
    def test_batches_stay_batches(self, store):
        """A batch is one call below, once the entries were counted."""
        assert store.recount() == (0, 0)
        self.spy(store).calls.clear()
        super().test_batches_stay_batches(store)


for name in ("refuse", "lru", "lfu", "fifo"):
    globals()[f"Test{name.title()}"] = type(
        f"Test{name.title()}",
        (Counting,),
        {"wrap": lambda self, inner, name=name: Limited(inner, max_entries=5000, max_bytes=10_000_000, policy=name)},
    )


def test_each_policy_has_its_victim():
    """Of three entries, used differently, each policy gives up its own one."""
    left = {}
    for policy in ("lru", "lfu", "fifo"):
        store = Limited(InMemoryStore(), max_entries=3, policy=policy)
        store.update(a=1, b=2, c=3)
        for key in "ababac":
            assert store.get(key)
        store.get_many("cab")
        store.get("a")
        store["d"] = 4
        left[policy] = set("abc") - set(store)
    assert left == {"lru": {"c"}, "lfu": {"c"}, "fifo": {"a"}}


@pytest.mark.parametrize("policy", ["lru", "lfu", "fifo"])
def test_bounds_hold_at_every_moment(policy, tmp_path):
    """Random writes of every verb: neither entries nor bytes exceed their bounds on the medium; what stays is whole."""
    engine = Lmdb(tmp_path / "d", durability="process")
    store = Codec(Limited(engine, max_entries=20, max_bytes=3000, policy=policy), "raw")
    chooser = random.Random(4)
    for _ in range(400):
        key = str(chooser.randrange(60))
        value = key.encode() * chooser.randrange(1, 300)
        verb = chooser.choice(["set", "add", "replace", "many", "delete", "get", "all"])
        if verb == "set":
            store[key] = value
            assert store[key] == value
        elif verb == "add":
            assert store.add(key, value) == (value == store.get(key)) or key in store
        elif verb == "replace":
            store.replace(key, store.get(key, b""), value)
        elif verb == "many":
            store.update({str(n): str(n).encode() * chooser.randrange(1, 300) for n in chooser.sample(range(60), 25)})
        elif verb == "delete":
            store.delete(key)
        elif verb == "all" and chooser.random() < 0.2:
            store.replace_all({str(n): str(n).encode() * 50 for n in range(50)}.items())
        there = dict(engine.entries())
        assert len(there) <= 20
        size = sum(len(name) + len(data) for name, data in there.items())
        assert size <= 3000
        assert all(data == name.encode() * (len(data) // len(name)) for name, data in there.items())
        known = store.inner.inner._ledger
        assert known is None or (known.entries, known.bytes) == (len(there), size)


def test_what_is_refused():
    """Keys and values that are too long, and more than fits; nothing of a refused batch is written."""
    raw = Memory()
    store = Limited(raw, max_key=5, max_value=10, max_entries=3, max_bytes=25)
    with pytest.raises(KeyTooLongError, match="5 at the most"):
        store["123456"] = b""
    with pytest.raises(ValueTooLargeError, match="10 at the most"):
        store["a"] = bytes(11)
    store.update(a=b"1", b=b"2")
    with pytest.raises(FullError, match="2 entries of 4 bytes"):
        store.update(c=b"", d=b"")
    with pytest.raises(FullError):
        store.update(a=bytes(10), b=bytes(10), c=bytes(10))
    assert raw.mapping == {"a": b"1", "b": b"2"}
    store["a"] = b"3"
    assert store.add("c", b"")
    with pytest.raises(FullError):
        store.add("d", b"")
    with pytest.raises(FullError):
        store.replace_all((str(number), b"") for number in range(4))
    assert store.pop("c") == b""
    store["d"] = b"4"
    assert (store.limits.key_bytes, store.limits.value_bytes) == (5, 10)
    with pytest.raises(KeyTooLongError):
        store.check("123456", b"")
    large = Limited(InMemoryStore(), max_entries=700)
    with pytest.raises(PartialWriteError) as error:
        large.update(dict.fromkeys(range(1000), 1))
    assert error.value.done == len(large) == 500
    for wrong in ({"max_key": 0}, {"rate": -1}, {"policy": "oldest"}, {"max_entries": True}):
        with pytest.raises(UnsupportedError):
            Limited(Memory(), **wrong)


def test_of_a_named_store(tmp_path):
    """Stored bytes are measured; a new process counts what is there; another one's entries are counted on demand."""
    with Limited(LmdbStore(tmp_path / "d"), max_bytes=5000, policy="lru") as store:
        for number in range(100):
            store[number] = {"text": "x" * 100}
        assert 30 < len(store) < 50
        assert 99 in store
    with Limited(LmdbStore(tmp_path / "d"), max_bytes=2000, policy="lru") as store:
        store["new"] = 1
        assert store["new"] == 1
        assert store.recount()[1] <= 2000
        store.raw["foreign"] = bytes(3000)
        assert store.recount()[1] > 2000
        store["newer"] = 1
        assert store.recount()[1] <= 2000


def test_a_bound_that_is_not_counted_costs_no_read():
    """Reads and listings are the store's own; a failed write makes it count again."""
    inner = SpyStore()
    store = Limited(inner, max_value=5)
    assert store.get == inner.get
    counting = Limited(inner, max_entries=2, policy="fifo")
    counting["a"] = b"1"
    inner.broken = True
    with pytest.raises(OSError):
        counting["b"] = b"1"
    inner.broken = False
    del inner.data["a"]
    counting.update(b=b"1", c=b"1")
    assert len(counting) == 2


def test_calls_at_once_and_a_second():
    """Of many threads no more than two are within; ten calls beyond a second's worth take their time."""
    within, most = [], []

    class Slow(Memory):
        def get(self, key, default=None):
            within.append(1)
            most.append(len(within))
            time.sleep(0.01)
            within.pop()
            return default

    store = Limited(Slow(), max_concurrent=2)
    threads = [threading.Thread(target=store.get, args=("a",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) <= 2
    meter = Metered(Memory())
    store = Limited(meter, rate=100)
    start = time.monotonic()
    for _ in range(110):
        store.get("a")
    assert time.monotonic() - start >= 0.09
    assert Limited(Memory(), max_concurrent=1).setdefault("a", b"1") == b"1"


def test_a_writer_that_is_killed(tmp_path):
    """SIGKILL at random moments: the bounds hold on the medium, values are whole, the last finished one is there."""
    for seed in range(ROUNDS):
        path = tmp_path / "d"
        with Lmdb(path, durability="process") as engine:
            engine.clear()

        def work(done):
            store = Limited(Lmdb(path, durability="process"), max_entries=10, max_bytes=2000, policy="lru")
            for number in range(1, 1_000_000):
                store[str(number)] = number.to_bytes(4, "big") * (1 + number * 7 % 80)
                done(number)

        last = max(killed(work, seed))
        with Lmdb(path, durability="process") as engine:
            there = dict(engine.entries())
            assert len(there) <= 10
            assert sum(len(key) + len(value) for key, value in there.items()) <= 2000
            assert str(last) in there
            for key, value in there.items():
                assert value == int(key).to_bytes(4, "big") * (1 + int(key) * 7 % 80)
