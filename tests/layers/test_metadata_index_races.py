"""MetadataIndex beside other writers: every interleaving, deaths in the middle, threads, processes."""

import itertools
import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from spoonbill import Codec, MetadataIndex
from spoonbill.backends import Lmdb, Memory, Redis
from spoonbill.codecs import get_codec
from spoonbill.common.sentinels import MISSING
from spoonbill.errors import StoreError
from spoonbill.testing import StoreContract
from tests.layers.interleavings import KEY, ends
from tests.servers.redis_server import server, url


def sets(number):
    return lambda store: store.set(KEY, {"a": number})


def adds(number):
    return lambda store: store.add(KEY, {"a": number})


def deletes(number):
    return lambda store: store.delete(KEY)


def pops(number):
    return lambda store: store.pop(KEY, None)


def updates(number):
    return lambda store: store.update({KEY: {"a": number}})


def deletes_many(number):
    return lambda store: store.delete_many([KEY])


def clears(number):
    return lambda store: store.clear()


def entry_of(state):
    """Return the fields that the index has, or MISSING."""
    return state["index"] if state["index"] is MISSING else get_codec("msgpack").loads(state["index"])


SINGLES = (sets, adds, deletes)
BATCHES = (updates, deletes_many, clears)


CASES = (
    *((2, (*SINGLES, *BATCHES, pops), fields) for fields in ((), ("a",))),
    *((3, SINGLES, fields) for fields in ((), ("a",))),
    (3, BATCHES, ()),
)


@pytest.mark.parametrize(("count", "verbs", "fields"), CASES)
def test_every_interleaving_leaves_index_and_data_in_step(count, verbs, fields):
    """However the steps of two and three writers fall, what is there is listed, with its fields, and nothing else."""

    def wrap(data, index):
        return MetadataIndex(data, index, fields)

    (written,) = ends(wrap, [sets(9)], MISSING, MISSING)
    examined = 0
    for kinds in itertools.combinations_with_replacement(verbs, count):
        writers = [kind(number) for number, kind in enumerate(kinds)]
        for data, index in ((MISSING, MISSING), (written["data"], written["index"])):
            for end in ends(wrap, writers, data, index):
                wanted = MISSING if end["data"] is MISSING else end["data"] if fields else ""
                assert entry_of(end) == wanted, (kinds, end)
                examined += 1
    assert examined > 30


@pytest.mark.parametrize("fields", [(), ("a",)])
def test_a_writer_that_dies_alone_leaves_ghosts_at_most(fields):
    """At whatever step a lone set, delete or pop ends, a value that is there is listed and found by its fields."""

    def wrap(data, index):
        return MetadataIndex(data, index, fields)

    (written,) = ends(wrap, [sets(9)], MISSING, MISSING)
    for writer, (data, index) in itertools.product(
        (sets(0), adds(0), updates(0), deletes(0), pops(0), clears(0)),
        ((MISSING, MISSING), (written["data"], written["index"])),
    ):
        for end in ends(wrap, [writer], data, index, deaths=True):
            if end["data"] is not MISSING:
                assert entry_of(end) in ("", end["data"])


def test_a_death_inside_a_race_may_leave_a_value_unlisted():
    """What the documentation says of a crash is so: such an end exists, and every end is one that repair corrects."""
    found = ends(MetadataIndex, [sets(0), deletes(1)], MISSING, MISSING, deaths=True)
    assert any(end["data"] is not MISSING and end["index"] is MISSING for end in found)
    for end in found:
        data = {} if end["data"] is MISSING else {KEY: end["data"]}
        index = {} if end["index"] is MISSING else {KEY: end["index"]}
        store = MetadataIndex(Memory(data), Memory(index))
        store.repair()
        assert set(store) == data.keys()


class Dying(Memory):
    """Fails at a random write, before or after it was done."""

    def __init__(self, dice, mapping=None):
        super().__init__(mapping)
        self.dice = dice

    def _perhaps(self, verb, *arguments):
        fate = self.dice.random()
        if fate < 0.1:
            raise StoreError("died before it")
        answer = verb(*arguments)
        if fate > 0.9:
            raise StoreError("died after it")
        return answer

    def set(self, key, value):
        return self._perhaps(super().set, key, value)

    def delete(self, key):
        return self._perhaps(super().delete, key)

    def add(self, key, value):
        return self._perhaps(super().add, key, value)


@pytest.mark.parametrize("fields", [(), ("a",)])
def test_random_crashes_lose_no_key(fields):
    """Of thousands of writes a third dies at one of its steps: no value is hidden, and repair ends the ghosts."""
    dice = random.Random(7)
    store = MetadataIndex(Dying(dice), Dying(dice), fields)
    died = 0
    for number in range(3000):
        key, value = f"key-{dice.randrange(40)}", {"a": number % 3}
        act = dice.choice((store.set, store.add, lambda key, _: store.delete(key)))
        try:
            act(key, value)
        except StoreError:
            died += 1
        if number % 500 == 0:
            there = dict(store.inner.mapping)
            assert there.keys() <= set(store)
            assert dict(store.items({"a": 1})) == {key: value for key, value in there.items() if value["a"] == 1}
    assert died > 500
    store.inner.dice.random = store.index.dice.random = lambda: 0.5
    store.repair()
    assert set(store) == store.inner.mapping.keys()


@pytest.mark.parametrize("fields", [(), ("a",)])
def test_threads_at_the_same_keys(fields):
    """Four threads set, add, pop and delete the same twenty keys: afterwards the listing equals the data."""
    store = MetadataIndex(Memory(), Memory(), fields)

    def work(number):
        dice = random.Random(number)
        for turn in range(600):
            key = f"key-{dice.randrange(20)}"
            dice.choice((store.set, store.add, lambda key, _: store.delete(key), lambda key, _: store.pop(key, None)))(
                key, {"a": turn}
            )

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(store) == store.inner.mapping.keys()
    for key, value in store.inner.mapping.items():
        assert dict(store.items({"a": value["a"]}))[key] == value
    assert store.repair() == 0


# -- on a Redis server, and between processes ----------------------------------------------------------------------

SERVER = server()


@pytest.fixture(scope="module")
def address():
    with SERVER:
        yield url(SERVER)


def on_redis(address, fields=()):
    return MetadataIndex(Codec(Redis(address, prefix="d:")), Redis(address, prefix="i:"), fields)


class TestOnRedis(StoreContract):
    """Values and keys on one server, apart by their prefixes."""

    values = ((1, "one"), {"a": [1, None]}, "text", b"bytes", (1, {2}))

    @pytest.fixture(autouse=True)
    def started(self, address):
        self.address = address

    def make(self, path):
        store = on_redis(self.address, fields=("a",))
        store.clear()
        return store


def test_entries_that_expire_are_ghosts_until_they_are_repaired(address):
    """A value whose time to live ends is absent and still listed, which no read minds, and repair removes."""
    with on_redis(address) as store:
        store.clear()
        store.set("short", 1, ttl=0.05)
        store["long"] = 2
        while "short" in store:  # ends: the server removes it
            pass
        assert dict(store.items()) == {"long": 2}
        assert set(store) == {"short", "long"}
        assert store.repair() == 1
        assert list(store) == ["long"]


_WORKER = """
import random, sys, time
from tests.layers.test_metadata_index_races import on_redis, on_lmdb
where, number, turns = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
dice = random.Random(number)
with (on_redis if where.startswith("redis") else on_lmdb)(where) as store:
    for turn in range(turns):
        key = f"key-{dice.randrange(50)}"
        if dice.random() < 0.5:
            store[key] = turn
        else:
            store.delete(key)
    store.update((f"own-{number}-{count}", count) for count in range(300))
"""


def on_lmdb(path):
    return MetadataIndex(Codec(Lmdb(f"{path}/data", durability="process")), Lmdb(f"{path}/keys", durability="process"))


def hammered(where, turns):
    """Let three processes set and delete the same fifty keys, and insert some of their own."""
    workers = [
        subprocess.Popen([sys.executable, "-c", _WORKER, where, str(number), str(turns)], cwd=Path(__file__).parents[2])
        for number in range(3)
    ]
    assert [worker.wait(60) for worker in workers] == [0, 0, 0]


@pytest.mark.parametrize("engine", ["redis", "lmdb"])
def test_processes_at_the_same_keys(engine, address, tmp_path):
    """Three processes set and delete the same fifty keys: the listing equals the data, and no insert is lost."""
    where = address if engine == "redis" else str(tmp_path)
    with (on_redis if engine == "redis" else on_lmdb)(where) as store:
        store.clear()
    hammered(where, 800 if engine == "redis" else 400)
    with (on_redis if engine == "redis" else on_lmdb)(where) as store:
        listed = list(store)
        assert len(listed) == len(set(listed)) == len(store)
        assert set(listed) == set(store.inner)
        assert {f"own-{number}-{count}" for number in range(3) for count in range(300)} <= set(listed)
