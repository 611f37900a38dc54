"""Copying, comparing and bringing into step, between any two stores."""

import gc
import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

import spoonbill
from spoonbill import Cached, Codec, Compressed, Limited, Prefixed, gt, prefix
from spoonbill.backends import Memory
from spoonbill.codecs import MsgpackCodec
from spoonbill.datastores import FilesystemStore, InMemoryStore, LmdbStore, ShelveStore, SQLiteStore
from spoonbill.errors import CodecError, StoreError, UnsupportedError
from spoonbill.testing import SpyStore

DATA = {f"key-{number:05}": {"n": number, "t": (number,)} for number in range(2000)}


@pytest.fixture
def source(tmp_path):
    with LmdbStore(tmp_path / "source", durability="process") as store:
        store.update(DATA)
        yield store


def test_everything_arrives(source, tmp_path):
    """In batches, verified; a callable sees the count; what the target had beside stays."""
    seen = []
    with FilesystemStore(tmp_path / "files") as target:
        target["other"] = 1
        report = spoonbill.copy(source, target, progress=seen.append, verify=True, batch=300)
        assert (report.copied, report.verified, report.different) == (2000, 2000, 0)
        assert seen[-1] == 2000
        assert target.copy() == {**DATA, "other": 1}
        assert report.seconds > 0


def test_a_part_of_it_by_address(source, tmp_path):
    """Patterns and conditions choose; addresses are opened and closed."""
    source.close()
    url = f"lmdb:{tmp_path}/source?durability=process"
    report = spoonbill.copy(url, f"file:{tmp_path}/f", pattern=prefix("key-0000"), conditions={"n": gt(5)})
    assert report.copied == 4
    assert sorted(FilesystemStore(tmp_path / "f")) == ["key-00006", "key-00007", "key-00008", "key-00009"]


def test_itself_is_refused(source):
    """A store into itself, through whatever layers, and into a namespace that holds it; beside it is no harm."""
    for target in (source, Cached(source), Prefixed(source, "copy:"), Compressed(source)):
        with pytest.raises(UnsupportedError, match="same entries"):
            spoonbill.copy(source, target)
    mapping = InMemoryStore({"a:1": 1})
    assert spoonbill.copy(Prefixed(mapping, "a:"), Prefixed(mapping, "b:")).copied == 1
    assert mapping.mapping == {"a:1": 1, "b:1": 1}
    with pytest.raises(UnsupportedError):
        spoonbill.sync(mapping, mapping)


@pytest.mark.parametrize(
    "target",
    [
        lambda folder: LmdbStore(folder / "l"),
        lambda folder: SQLiteStore(folder / "s.db"),
        lambda folder: FilesystemStore(folder / "f", codec="json"),
        lambda folder: Codec(Memory()),
        lambda folder: Prefixed(Compressed(LmdbStore(folder / "p"), "gzip"), "p:"),
        lambda folder: Limited(LmdbStore(folder / "m"), max_entries=100),
    ],
)
def test_what_does_not_fit_is_not_half_written(target, tmp_path):
    """A batch is tried before any of it is written, by whatever store."""
    source = InMemoryStore({**{f"key {number}": 1 for number in range(10)}, "bad": object()})
    with target(tmp_path) as store:
        with pytest.raises(CodecError, match="bad"):
            spoonbill.copy(source, store)
        assert len(store) == 0


def test_all_is_tried_before_the_first_write(tmp_path):
    """With check_first= nothing at all is written where one entry of the last batch does not fit."""
    source = InMemoryStore({f"key {number:04}": number for number in range(1200)} | {"last": (1, 2)})
    with SQLiteStore(tmp_path / "t.db") as target:
        with pytest.raises(CodecError, match="last"):
            spoonbill.copy(source, target, check_first=True)
        assert len(target) == 0
        with pytest.raises(CodecError, match="last"):
            spoonbill.copy(source, target)
        assert len(target) > 0
        del source["last"]
        told: list[int] = []
        assert spoonbill.copy(source, target, check_first=True, progress=told.append).copied == 1200
        assert told[-1] == 1200
        assert told.count(1200) == 2


def test_a_value_is_encoded_once_or_not_at_all():
    """Between stores with one codec bytes are copied as they are; else each value is read once and written once."""

    class Counted:
        read = written = 0

        def dumps(self, value):
            self.written += 1
            return json.dumps(value).encode()

        def loads(self, data):
            self.read += 1
            return json.loads(data)

    codec, other = MsgpackCodec(), Counted()
    first, second, third = Codec(Memory(), codec), Codec(Memory(), codec), Codec(Memory(), other)
    first.update({f"key {number}": number for number in range(100)})
    assert spoonbill.copy(first, third).copied == 100
    assert (other.read, other.written) == (0, 100)
    fourth = Codec(Memory(), third.codec)
    assert spoonbill.copy(third, fourth, verify=True).verified == 100
    assert (other.read, other.written) == (0, 100)
    assert spoonbill.copy(third, second, pattern=prefix("key 1")).copied == 11
    assert spoonbill.copy(third, second, verify=True).verified == 100
    assert other.read > 100
    assert second.copy() == fourth.copy() == first.copy()


def test_an_error_of_either_end_is_told():
    """A source that fails while it is read ahead, and a target that fails, are errors of the copy."""
    broken = SpyStore()
    broken.broken = True
    with pytest.raises(StoreError):
        spoonbill.copy(broken, InMemoryStore())
    with pytest.raises(StoreError):
        spoonbill.copy(InMemoryStore({"a": 1}), broken)


def test_damage_on_the_way_is_seen():
    """With verify an entry that comes back otherwise is counted and named."""

    class Cuts(InMemoryStore):
        def get_many(self, keys, default=None):
            return ["cut" if key == "b" else self.get(key, default) for key in keys]

    report = spoonbill.copy(InMemoryStore({"a": 1, "b": 2}), Cuts(), verify=True)
    assert (report.verified, report.different, report.examples) == (1, 1, ["b"])


def test_an_interrupted_copy_goes_on(source, tmp_path):
    """Only the parts that are left are read, and the journal is empty at the end."""

    class Stops(InMemoryStore):
        left = 700

        def set_many(self, pairs, **options):
            pairs = list(pairs)
            self.left -= len(pairs)
            if self.left < 0:
                raise KeyboardInterrupt
            super().set_many(pairs, **options)

    target, journal = Stops(), tmp_path / "journal"
    with pytest.raises(KeyboardInterrupt):
        spoonbill.copy(source, target, resume=journal)
    with pytest.raises(UnsupportedError, match="another place"):
        spoonbill.copy(source, target, resume=journal, pattern="key-1.*")
    there = len(target)
    assert 500 <= there <= 700
    target.left = 10_000
    report = spoonbill.copy(source, target, resume=journal)
    assert report.copied <= 2000 - there + 40
    assert target.mapping == DATA
    with LmdbStore(journal) as store:
        assert len(store) == 0


def test_what_was_read_is_closed_with_its_store(tmp_path):
    """Where a copy or a comparison ends early, nothing reads on in a store that is closed: no error in any thread."""

    class Full(InMemoryStore):
        def set_many(self, pairs, **options):
            raise StoreError("full")

    for kind in ("sqlite", "lmdb"):
        address = f"{kind}:{tmp_path}/{kind}?durability=process"
        with spoonbill.open(address) as store:
            store.update(({key: {"n": value["n"]} for key, value in DATA.items()}))
        with pytest.raises(StoreError, match="full"):
            spoonbill.copy(address, Full(), resume=InMemoryStore())
        compared = spoonbill.diff(address, InMemoryStore())
        assert next(compared).kind == "missing"
        compared.close()
    gc.collect()  # what the interpreter would ignore is an error of the test run


WORKER = """
import sys, spoonbill
spoonbill.copy(sys.argv[1], sys.argv[2], resume=sys.argv[3], batch=20, progress=lambda count: print(count, flush=True))
"""


def test_killed_copies_lose_and_double_nothing(source, tmp_path):
    """SIGKILL in the middle of copies, each resumed: equal every time. SPOONBILL_TORTURE sets how many."""
    source.close()
    chooser = random.Random(17)
    first = f"lmdb:{tmp_path}/source?durability=process"
    second = f"lmdb:{tmp_path}/target?durability=process"
    command = [sys.executable, "-c", WORKER, first, second, str(tmp_path / "journal")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for _ in range(int(os.environ.get("SPOONBILL_TORTURE", "3"))):
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as child:
            for _ in range(chooser.randint(1, 70)):
                child.stdout.readline()
            time.sleep(chooser.random() / 200)
            child.send_signal(signal.SIGKILL)
        assert child.returncode == -signal.SIGKILL, "the kill came too late"
        subprocess.run(command, check=True, env=environment, capture_output=True)
        assert list(spoonbill.diff(first, second)) == []
        with spoonbill.open(second) as target:
            assert len(target) == len(DATA)
            target.clear()


def test_differences_and_step(source, tmp_path):
    """missing, changed and extra, by key; sync writes only those, and removes where it is told to."""
    with ShelveStore(tmp_path / "s", dbm="dbm.dumb") as target:
        target.update({key: value for key, value in DATA.items() if key < "key-01000"})
        target.update({"key-00001": "other", "extra": 1})
        found = list(spoonbill.diff(source, target))
        kinds = {kind: [one.key for one in found if one.kind == kind] for kind in ("missing", "changed", "extra")}
        assert len(kinds["missing"]) == 1000
        assert kinds["changed"] == ["key-00001"]
        assert kinds["extra"] == ["extra"]
        report = spoonbill.sync(source, target)
        assert (report.copied, report.deleted) == (1001, 0)
        assert [one.kind for one in spoonbill.diff(source, target)] == ["extra"]
        assert spoonbill.sync(source, target, delete=True).deleted == 1
        assert list(spoonbill.diff(source, target)) == []


def test_damage_is_found_by_key():
    """Verify reads everything, names what cannot be read, and removes it where it is told to."""
    raw = Memory()
    store = Codec(raw)
    store.update({"a": 1, "b": [2], "c": 3})
    raw["b"] = b"\xff\xff"
    assert list(store.verify()) == ["b"]
    assert isinstance(store.verify()["b"], CodecError)
    assert list(store.verify(fix=True)) == ["b"]
    assert store.copy() == {"a": 1, "c": 3}
    assert store.verify() == {}
