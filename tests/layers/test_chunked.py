"""Values in parts: whole or not there."""

import io
import pickle
import random
import threading

import pytest

from spoonbill import Chunked, Codec, Compressed, Expiring, Prefixed, prefix
from spoonbill.backends import Filesystem, Lmdb, Memory
from spoonbill.common.sentinels import MISSING
from spoonbill.datastores import FilesystemStore, LmdbStore
from spoonbill.errors import CodecError, StackError, UnsupportedError
from spoonbill.testing import LayerContract
from tests.layers.kills import ROUNDS, killed


class InParts(LayerContract):
    keys = ("a", "a/b", "", "~part-x", "~part=\u00e9 *[1]\x00")

    def test_batches_stay_batches(self, store):
        """A batch is a batch of manifests and one of parts, never a call a key."""
        recorder = self.spy(store)
        store.update(self.pairs)
        assert store.get_many(self.keys) == list(self.values)
        assert store.delete_many(self.keys) == len(self.keys)
        assert {*recorder.calls} == {"get_many", "set_many", "delete_many"}
        assert len(recorder.calls) <= 9
        assert recorder.data == {}


class TestLargeParts(InParts):
    def wrap(self, inner):
        return Chunked(inner, 1_000_000)


class TestSmallParts(InParts):
    test_the_raw_store_is_reached = None  # by as many entries as there are parts

    def wrap(self, inner):
        return Chunked(inner, 3)


def test_the_engine_never_holds_more_than_a_part():
    """Whatever is written; and nothing stays of what was replaced or removed, or not added."""
    raw = Memory()
    store = Chunked(raw, 100)
    chooser = random.Random(1)
    values = [chooser.randbytes(size) for size in (0, 1, 98, 99, 100, 101, 1000, 12345)]
    for value in values:
        store["a"] = value
        assert store["a"] == value
        assert max(map(len, raw.values())) <= 100
    assert store.add("a", values[-1]) is False
    assert store.replace("a", values[0], values[-2]) is False
    assert store.replace("a", values[-1], values[-2]) is True
    assert store.discard("a", values[0]) is False
    store.update({str(number): values[-2] for number in range(10)})
    store.update({str(number): values[-1] for number in range(10)})
    assert len(raw) == 12 + 10 * (2 + 124)
    assert store.pop("a") == values[-2]
    assert store.delete("0")
    store.replace_all({"1": values[5]}.items())
    assert len(raw) == 4
    store.clear()
    assert len(raw) == 0


def test_parts_are_not_seen(tmp_path):
    """By listing, count, search and shares, also where they look like the keys that are asked for."""
    for store in (Chunked(LmdbStore(tmp_path / "l"), 50), Chunked(FilesystemStore(tmp_path / "f"), 50)):
        pairs = {f"~part{number}": "x" * 1000 for number in range(5)} | {"other": "y"}
        store.update(pairs)
        assert store.copy() == pairs
        assert len(store) == 6
        assert set(store.keys(prefix("~part"))) == pairs.keys() - {"other"}
        assert list(store.keys(prefix("oth"), limit=1)) == ["other"]
        assert {key for share in store.shares(3) for key in share.keys()} == pairs.keys()
        assert dict(store.items("y+")) == {"other": "y"}
        assert "joins parts" in str(store.explain(prefix("oth")))
        assert pickle.loads(pickle.dumps(store))["~part1"] == "x" * 1000


def test_readers_beside_writers_see_whole_values(tmp_path):
    """Four threads replace one value while others read it: every read is one of the values."""
    store = Chunked(Lmdb(tmp_path / "d", durability="process"), 10)
    store["a"] = bytes(500)
    ends = threading.Event()
    wrong = []

    def write(number):
        while not ends.is_set():
            store["a"] = bytes([number]) * (400 + number)

    def read():
        for _ in range(150):
            for value in (store["a"], store.get_many(["a"])[0], dict(store.items())["a"]):
                if len(value) != 500 and value != bytes([value[0]]) * (400 + value[0]):
                    wrong.append(value)

    def reading():
        try:
            read()
        except BaseException as error:
            wrong.append(error)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(2)]
    readers = [threading.Thread(target=reading) for _ in range(2)]
    for thread in writers + readers:
        thread.start()
    for thread in readers:
        thread.join()
    ends.set()
    for thread in writers:
        thread.join()
    assert wrong == []


def test_streams():
    """A value is written and read a part at a time, with seek; one that was given up leaves the old one."""
    raw = Memory()
    store = Chunked(raw, 100)
    data = random.Random(2).randbytes(10_050)
    with store.open_writer("a") as file:
        for at in range(0, len(data), 333):
            file.write(data[at : at + 333])
        assert "a" not in store
    assert store["a"] == data
    with store.open_reader("a") as file:
        assert file.read() == data
        file.seek(-50, io.SEEK_END)
        assert file.read(20) == data[-50:-30]
        file.seek(99)
        assert file.read(2) == data[99:101]
    with pytest.raises(ZeroDivisionError), store.open_writer("a") as file:
        file.write(bytes(1000))
        1 / 0
    assert store["a"] == data
    with store.open_writer("small") as file:
        file.write(b"ab")
    assert store["small"] == store.open_reader("small").read() == b"ab"
    with pytest.raises(KeyError):
        store.open_reader("absent")
    reader = store.open_reader("a")
    store["a"] = b"new"
    with pytest.raises(CodecError, match="replaced while it was read"):
        reader.read()
    lost = store.open_writer("lost")
    lost.write(bytes(1000))
    del lost
    assert "lost" not in store
    assert store.sweep(0) > 0
    assert len(raw) == 2


def test_streams_of_named_stores(tmp_path):
    """Where the codec leaves bytes alone, under any key of the store; another codec is refused."""
    store = Chunked(FilesystemStore(tmp_path / "f", codec="raw"), 100)
    with store.open_writer(("a", 1)) as file:
        file.write(bytes(1000))
    assert store["a", 1] == store.open_reader(("a", 1)).read() == bytes(1000)
    with pytest.raises(UnsupportedError, match="raw"):
        Chunked(LmdbStore(tmp_path / "l"), 100).open_writer("a")


def test_damage_is_noticed():
    """A part that is gone or changed is an error that names the key, in every read."""
    raw = Memory()
    store = Chunked(raw, 10)
    store["a"] = bytes(100)
    part = next(name for name in raw if name.endswith("-3"))
    kept = raw[part]
    for harm in (MISSING, b"x" * 10):
        raw[part] = kept
        if harm is MISSING:
            del raw[part]
        else:
            raw[part] = harm
        for read in (lambda: store["a"], lambda: store.copy(), lambda: store.get_many(["a"]), lambda: store.pop("a")):
            with pytest.raises(CodecError, match="'a'"):
                read()
    assert "a" in store
    raw["b"] = b"foreign"
    with pytest.raises(CodecError, match="'b'"):
        store["b"]


def test_entries_that_expire():
    """The parts outlive their manifest, so that a value is there until its end and not after it."""
    now = [0.0]
    store = Chunked(Expiring(Memory(), clock=lambda: now[0]), 10)
    store.set("a", bytes(100), ttl=10)
    now[0] = 9.9
    assert store["a"] == bytes(100)
    assert store.touch("a", 100)
    now[0] = 109
    assert store["a"] == bytes(100)
    now[0] = 110
    assert "a" not in store
    store.set("a", bytes(100), ttl=10)
    assert store.touch("a", None)
    now[0] = 10_000
    assert store["a"] == bytes(100)


def test_orders():
    """Below the codec it goes by itself; over decoded values it is refused; sizes must fit the engine."""
    store = Compressed(Chunked(Prefixed(Memory(), "p"), 50), "gzip", min_size=10)
    store["a"] = random.Random(3).randbytes(500)
    assert len(store["a"]) == 500
    with pytest.raises(StackError, match="other way round"):
        Chunked(Prefixed(Codec(Memory()), "p"), 100)
    with pytest.raises(UnsupportedError, match="size="):
        Chunked(Memory())
    with pytest.raises(UnsupportedError, match="1 or more"):
        Chunked(Memory(), 0)


@pytest.mark.parametrize("engine", [lambda path: Lmdb(path / "d", durability="process"), lambda path: Filesystem(path)])
def test_a_writer_that_is_killed(tmp_path, engine):
    """SIGKILL at random moments: each key has its last finished value or the next, whole; a sweep leaves no part."""
    for seed in range(ROUNDS):
        with Chunked(engine(tmp_path), 40) as store:
            store.clear()
            store.update({"a": b"", "b": b""})

        def work(done):
            with Chunked(engine(tmp_path), 40) as store:
                for number in range(1, 1_000_000):
                    store.set("ab"[number % 2], number.to_bytes(4, "big") * 100)
                    done(number)

        last = max(killed(work, seed))
        with Chunked(engine(tmp_path), 40) as store:
            for key, there in store.copy().items():
                finished = last if "ab"[last % 2] == key else last - 1
                assert there in (
                    b"" if finished < 1 else finished.to_bytes(4, "big") * 100,
                    (finished + 2).to_bytes(4, "big") * 100,
                )
            assert len(store) == 2
            store.sweep(0)
            wanted = sum(1 if len(value) < 40 else 2 + -(-len(value) // 40) for value in store.values())
            assert store.raw.count() == wanted
