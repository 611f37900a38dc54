"""RocksDBStore keeps the contract of every store, and what is its own: column families, readers, checkpoints, kills."""

import itertools
import os
import subprocess
import sys

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from rocksdict import Options, Rdict

from spoonbill import Codec, prefix
from spoonbill.backends import RocksDB
from spoonbill.common.sentinels import MISSING
from spoonbill.datastores import RocksDBStore
from spoonbill.errors import (
    ClosedError,
    InvalidKeyError,
    KeyDecodeError,
    ReadOnlyError,
    StoreError,
    UnsupportedError,
)
from spoonbill.testing import BackendContract, StoreContract, killed, machine_for
from tests.contract.documents import stacks

KILLS = int(os.environ.get("SPOONBILL_TORTURE", "6"))
FAST = {"durability": "process"}


class TestRocksDB(BackendContract):
    """The backend itself, raw bytes."""

    def make(self, path):
        return RocksDB(path / "db", **FAST)

    def peek(self, store, key):
        value = store.client.get(key.encode())
        return MISSING if value is None else value


class TestColumnFamily(BackendContract):
    """A column family beside others, each write on the disk."""

    def make(self, path):
        self.other = RocksDB(path / "db", column_family="other", compression="zstd")
        self.other.update({"a": b"x", "z": b"y"})
        return RocksDB(path / "db", column_family="mine", compression="zstd")


class TestRocksDBStore(StoreContract):
    """Strict: typed msgpack."""

    values = (1, {"a": [1, None]}, "text", (1, {2}), {3: 4})

    def make(self, path):
        return RocksDBStore(path / "db", **FAST)


class TestRocksDBStoreNotStrict(TestRocksDBStore):
    """Not strict: any value by pickle."""

    def make(self, path):
        return RocksDBStore(path / "db", strict=False, **FAST)


class TestExpiringFolder(TestRocksDBStore):
    """A folder whose entries go after an hour holds the same."""

    def make(self, path):
        return RocksDBStore(path / "db", expire_after=3600, **FAST)


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory):
    """A folder for the machines: each run has a column family."""
    FOLDER["path"] = tmp_path_factory.mktemp("rocksdb") / "db"


FOLDER = {}
NUMBERS = itertools.count()


def made():
    return RocksDBStore(FOLDER["path"], column_family=f"f{next(NUMBERS)}", **FAST)


SETTINGS = settings(max_examples=12, stateful_step_count=20, deadline=None)
TestMachine = machine_for(
    lambda _: made(), st.integers(0, 5) | st.text(max_size=2), st.none() | st.integers() | st.lists(st.text(max_size=2))
).TestCase
TestStacksMachine = stacks.machine(made).TestCase
for machine in (TestMachine, TestStacksMachine):
    machine.settings = SETTINGS
del machine


def test_the_folder_is_rocksdbs_own(tmp_path):
    """The binding opens it raw, finds keys as UTF-8, and the store reads what it wrote, or names what is no text."""
    with RocksDB(tmp_path / "db") as store:
        store.update({"\u00e9": b"1", "": b"2"})
    other = Rdict(str(tmp_path / "db"), options=Options(raw_mode=True))
    assert dict(other.items()) == {b"": b"2", "\u00e9".encode(): b"1"}
    other[b"theirs"] = b"3"
    other[b"\xfe"] = b"4"
    other.close()
    with RocksDB(tmp_path / "db") as store:
        assert store["theirs"] == b"3"
        with pytest.raises(KeyDecodeError, match="rocksdict"):
            list(store)


def test_column_families_share_a_folder(tmp_path):
    """Stores of one folder have keys of their own, also opened again; options have to agree; the last one closes it."""
    with RocksDBStore(tmp_path / "db", column_family="a") as a, RocksDBStore(tmp_path / "db", column_family="b") as b:
        a["k"] = 1
        b["k"] = 2
        a.update({f"n{number}": number for number in range(25_000)})
        b.clear()
        assert len(a) == 25_001
        with pytest.raises(StoreError, match="other options"):
            RocksDBStore(tmp_path / "db", compression="lz4")
        with RocksDBStore(tmp_path / "db", column_family="a") as again:
            assert again["k"] == 1
        assert a["k"] == 1
    with RocksDBStore(tmp_path / "db", column_family="a", compression="lz4") as a:
        assert a["k"] == 1
        parts = [list(share.keys()) for share in a.shares(4)]
        assert sorted(itertools.chain(*parts)) == sorted(a)
        assert all(6000 < len(part) < 6500 for part in parts)
        assert sorted(a.keys(prefix("n1999"))) == ["n1999", *(f"n1999{number}" for number in range(10))]
    with pytest.raises(StoreError, match="column family 'none'"):
        RocksDBStore(tmp_path / "db", column_family="none", readonly=True)


READER = """
import sys
from spoonbill.datastores import RocksDBStore
with RocksDBStore(sys.argv[1], secondary=sys.argv[2]) as store:
    for line in sys.stdin:
        print(store.get(line.strip()), len(store), flush=True)
"""


def test_other_processes_read_what_one_writes(tmp_path):
    """A secondary in another process sees each finished write; a second writer is refused; a checkpoint opens."""
    with RocksDBStore(tmp_path / "db", **FAST) as store:
        store["a"] = 1
        command = [sys.executable, "-c", READER, str(tmp_path / "db"), str(tmp_path / "notes")]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
            for number in range(20):
                store["n"] = number
                reader.stdin.write("n\n")
                reader.stdin.flush()
                assert reader.stdout.readline() == f"{number} 2\n"
            reader.stdin.close()
        program = "import sys; from spoonbill.datastores import RocksDBStore; RocksDBStore(sys.argv[1])"
        done = subprocess.run([sys.executable, "-c", program, str(tmp_path / "db")], capture_output=True, text=True)
        assert "secondary=" in done.stderr
        store.checkpoint(tmp_path / "copy")
        store["a"] = 2
        with pytest.raises(StoreError, match="checkpoint"):
            store.checkpoint(tmp_path / "copy")
        with RocksDBStore(tmp_path / "db", secondary=tmp_path / "own") as reader:
            assert reader["a"] == 2
            store["a"] = 3
            assert reader["a"] == 3
            with pytest.raises(ReadOnlyError):
                reader["a"] = 1
    with RocksDBStore(tmp_path / "copy", readonly=True) as copy:
        assert copy.copy() == {"a": 1, "n": 19}
        for write in (lambda: copy.set("a", 1), copy.clear, lambda: copy.pop("a"), lambda: copy.update({"b": 1})):
            with pytest.raises(ReadOnlyError):
                write()


def test_expiry_of_a_folder_is_noted(tmp_path):
    """A folder that expires is refused without the option, and one that does not with it: its values are longer."""
    with RocksDBStore(tmp_path / "db", expire_after=1000) as store:
        store["a"] = 1
        with pytest.raises(UnsupportedError, match="cannot expire"):
            store.set("a", 1, ttl=5)
    with pytest.raises(StoreError, match="made with expire_after="):
        RocksDBStore(tmp_path / "db")
    with RocksDBStore(tmp_path / "db", expire_after=1000) as store:
        assert store["a"] == 1
    with RocksDBStore(tmp_path / "plain"):
        pass
    with pytest.raises(StoreError, match="no expire_after="):
        RocksDBStore(tmp_path / "plain", expire_after=5)


def test_a_forked_child_is_told(tmp_path):
    """The child gets an error and ends in peace, the parent goes on; a secondary serves the child."""
    with RocksDBStore(tmp_path / "db", **FAST) as store:
        store["a"] = 1
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                with pytest.raises(StoreError, match="fork"):
                    store["a"]
                store.close()
                with RocksDBStore(tmp_path / "db", secondary=tmp_path / "child") as reader:
                    code = 0 if reader["a"] == 1 else 2
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        store["b"] = 2
        assert store.copy() == {"a": 1, "b": 2}
        program = (
            "import os, sys; from spoonbill.datastores import RocksDBStore\n"
            "store = RocksDBStore(sys.argv[1]); store['a'] = 1\n"
            "if os.fork() == 0: sys.exit(0)\n"
            "print(os.waitstatus_to_exitcode(os.wait()[1]), store['a'])\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path / "other")], capture_output=True, text=True, timeout=60
        )
        assert done.stdout == "0 1\n"


def test_closing(tmp_path):
    """A closed store says so, also to a loop; the folder opens again at once, and a path with nothing is named."""
    store = RocksDBStore(tmp_path / "db", **FAST)
    store.update({"a": 1, "b": 2})
    loop = iter(store.items())
    next(loop)
    store.close()
    for work in (lambda: store["a"], lambda: store.set("a", 1), lambda: list(store), lambda: list(loop), store.flush):
        with pytest.raises(ClosedError):
            work()
    with RocksDBStore(tmp_path / "db") as again:
        assert len(again) == 2
    for wrong in ({"create": False}, {"readonly": True}, {"secondary": tmp_path / "s"}):
        with pytest.raises(StoreError, match="create="):
            RocksDBStore(tmp_path / "none", **wrong)
    assert not (tmp_path / "none").exists()
    with pytest.raises(UnsupportedError, match="did you mean durability="):
        RocksDBStore(tmp_path / "x", durabilty="disk")
    with pytest.raises(ValueError, match="durability"):
        RocksDBStore(tmp_path / "x", durability="none")
    with RocksDB(tmp_path / "raw") as raw, pytest.raises(InvalidKeyError, match="Codec"):
        raw["a"] = "text"
    with Codec(RocksDB(tmp_path / "raw"), "json") as layered:
        layered["a"] = [1]
        assert layered["a"] == [1]


@pytest.mark.parametrize("durability", ["disk", "process"])
def test_finished_writes_outlive_a_kill(tmp_path, durability):
    """Every set and every whole update that a killed process finished is there. SPOONBILL_TORTURE: how often."""
    path, notes = tmp_path / "db", tmp_path / "finished"
    notes.touch()

    def work():
        with open(notes, "ab", buffering=0) as finished, RocksDBStore(path, durability=durability) as store:
            for number in itertools.count(len(store) // 3):
                store[f"{number}"] = number
                store.update({f"{number}b": number, f"{number}c": number})
                finished.write(b"%d\n" % number)

    def check():
        with RocksDBStore(path) as store:
            for number in map(int, notes.read_text().split()):
                assert store[f"{number}"] == store[f"{number}b"] == store[f"{number}c"] == number
            assert sum(key.endswith("b") for key in store) == sum(key.endswith("c") for key in store)

    assert killed(work, check, times=KILLS) > 0
    assert len(notes.read_text().split()) > 10
