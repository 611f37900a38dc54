"""Tensors in LMDB, their export into one file, and arrays that are lent."""

import os
import subprocess
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy
from safetensors import safe_open

from spoonbill import Cached, SafetensorsExport
from spoonbill.datastores import InMemoryStore, SafetensorsInMemoryStore, SafetensorsLmdbStore, SafetensorsStore
from spoonbill.datastores.safetensors import deserialize
from spoonbill.errors import (
    CodecError,
    StoreError,
)
from tests.backends.safetensors.tensor_files import GRID, file_of, python_equal


def test_lmdb_holds_safetensors_files(tmp_path):
    """Each stored value is a safetensors file that the library itself loads, found by the raw client."""
    import lmdb

    with SafetensorsLmdbStore(tmp_path / "d", durability="process") as store:
        store["one"] = GRID.T
        store["layer"] = {"weight": GRID, "bias": np.array(1)}
        assert store.info("one").shape == (6, 4)
        assert {part: info.dtype for part, info in store.info("layer").items()} == {"weight": "F32", "bias": "I64"}
        with pytest.raises(KeyError):
            store.info("none")
    with lmdb.open(str(tmp_path / "d")) as env, env.begin() as txn:
        assert python_equal(safetensors.numpy.load(txn.get(b"one"))["tensor"], np.array(GRID.T, order="C"))
        assert safetensors.numpy.load(txn.get(b"layer")).keys() == {"weight", "bias"}


@pytest.mark.parametrize("kind", ["memory", "lmdb", "cached"])
def test_export(kind, tmp_path):
    """An export holds every tensor, dicts under dotted names, and the library loads what was put in."""
    pairs = {"w": GRID, "layer": {"weight": GRID.T, "bias": np.array(2)}, "none": {}, "b": GRID > 3}
    if kind == "lmdb":
        store = SafetensorsLmdbStore.from_dict(pairs, tmp_path / "d", durability="process")
    else:
        store = SafetensorsInMemoryStore.from_dict(pairs)
    if kind == "cached":
        SafetensorsExport(Cached(store)).export_safetensors(tmp_path / "f", {"k": "v"})
    else:
        assert store.export_safetensors(tmp_path / "f", {"k": "v"}).metadata == {"k": "v"}
    loaded = safetensors.numpy.load_file(tmp_path / "f")
    assert loaded.keys() == {"w", "layer.weight", "layer.bias", "b"}
    assert python_equal(loaded["w"], GRID)
    assert python_equal(loaded["layer.weight"], np.array(GRID.T, order="C"))
    with safe_open(tmp_path / "f", "np") as opened:
        assert opened.metadata() == {"k": "v"}
    assert sorted(path.name for path in tmp_path.iterdir()) == (["d", "f"] if kind == "lmdb" else ["f"])


def test_an_export_that_fails_leaves_what_was_there(tmp_path):
    """A clash of names, a foreign value, a change meanwhile and a missing directory: the old file stays, alone."""
    file = file_of(tmp_path / "f", old=GRID)
    before = file.read_bytes()
    with pytest.raises(CodecError, match=r"'a\.b'"):
        SafetensorsInMemoryStore.from_dict({"a": {"b": GRID}, "a.b": GRID}).export_safetensors(file)
    with pytest.raises(CodecError, match="'text'"):
        SafetensorsExport(InMemoryStore({"a": GRID, "text": "x"})).export_safetensors(file)
    with pytest.raises(CodecError, match="name of a tensor"):
        SafetensorsExport(InMemoryStore({1: GRID})).export_safetensors(file)
    with pytest.raises(CodecError, match="metadata"):
        SafetensorsInMemoryStore.from_dict({"a": GRID}).export_safetensors(file, {"a": 1})

    class Restless(InMemoryStore):
        reads = 0

        def __getitem__(self, key):
            Restless.reads += 1
            return GRID[: Restless.reads]

    with pytest.raises(StoreError, match="changed while"):
        SafetensorsExport(Restless({"a": GRID})).export_safetensors(file)
    with pytest.raises(StoreError, match="directory exists"):
        SafetensorsStore.export_safetensors({"a": GRID}, tmp_path / "no" / "f")
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_the_librarys_word_counts(tmp_path, monkeypatch):
    """What the installed library would refuse is not exported, and its reason is passed on."""
    monkeypatch.setattr("spoonbill.codecs.safetensors.writer.build_header", lambda *_: (b"\x02" + bytes(7) + b"[]", []))
    with pytest.raises(CodecError, match="library refuses"):
        SafetensorsStore.export_safetensors({"a": GRID}, tmp_path / "f")
    assert not list(tmp_path.iterdir())


def test_an_exported_file_has_plain_permissions(tmp_path):
    """Who may read a new file is for the umask to say, not for a temporary file's 0600."""
    os.umask(old := os.umask(0o022))
    assert file_of(tmp_path / "f", a=GRID).stat().st_mode & 0o777 == 0o666 & ~old


EXPORT = """
import ctypes, os, sys, threading
import numpy, safetensors
from spoonbill.datastores import SafetensorsLmdbStore

store = SafetensorsLmdbStore(sys.argv[1], durability="process")
SafetensorsLmdbStore.from_dict({"a": numpy.zeros(9)}, sys.argv[1] + "w").export_safetensors(sys.argv[1] + ".w")

def status(field):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(field))

with open("/proc/self/clear_refs", "w") as file:
    file.write("5")  # the peak begins anew
before = status("VmRSS")
store.export_safetensors(sys.argv[1] + ".st")
print(status("VmHWM") - before)
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="asks Linux for the peak of the memory")
def test_export_holds_one_tensor_at_a_time(tmp_path):
    """An export of 128 MB in tensors of 8 MB grows the memory, mapped pages included, by less than two of them."""
    with SafetensorsLmdbStore(tmp_path / "d", durability="process") as store:
        for number in range(16):
            store[f"{number}"] = np.full(1 << 20, number, "f8")
    command = [sys.executable, "-c", EXPORT, str(tmp_path / "d")]
    grown = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert grown < 2 * (8 << 20)
    assert SafetensorsStore.open(tmp_path / "d.st")["7"][-1] == 7


def test_a_large_update_is_one_transaction(tmp_path):
    """A batch of many tensors is written as it is read, and where one fails nothing of it is left."""
    store = SafetensorsLmdbStore(tmp_path / "d", durability="process")
    encoded = []

    def pairs(stop):
        for number in range(100):
            encoded.append(number)
            yield f"{number}", GRID if number < stop else "no tensor"

    puts = iter(pairs(50))
    with pytest.raises(CodecError, match="'50'"):
        store.update(puts)
    assert len(store) == 0
    assert encoded[-1] == 50
    store.update(pairs(100))
    assert len(store) == 100


def test_snapshots(tmp_path):
    """What a tensor store saves, any store loads: arrays as arrays, and what only ml_dtypes has as a file's bytes."""
    half = GRID.astype(ml_dtypes.bfloat16)
    store = SafetensorsInMemoryStore.from_dict({"a": GRID, "half": half, "layer": {"w": GRID}})
    store.save(tmp_path / "s")
    plain = InMemoryStore.open(tmp_path / "s")
    assert python_equal(plain["a"], GRID)
    assert python_equal(deserialize(plain["half"])["tensor"], half)
    lmdb = SafetensorsLmdbStore.from_dict({"old": GRID}, tmp_path / "d", durability="process")
    lmdb.load(tmp_path / "s")
    assert lmdb.keys() == {"a", "half", "layer"}
    assert python_equal(lmdb["half"], half)
    assert python_equal(lmdb["layer"]["w"], GRID)
    opened = SafetensorsStore.load(tmp_path / "s", tmp_path / "f")
    assert python_equal(opened["layer.w"], GRID)
    opened.save(tmp_path / "t")
    assert InMemoryStore.open(tmp_path / "t").keys() == {"a", "half", "layer.w"}
    InMemoryStore({"a": "text"}).save(tmp_path / "u")
    with pytest.raises(CodecError):
        lmdb.load(tmp_path / "u")
    assert len(lmdb) == 3


def test_lent_arrays_keep_their_snapshot(tmp_path):
    """A zero-copy array stays what it was through overwrites, deletes, a close, and the end of its store."""
    store = SafetensorsLmdbStore(tmp_path / "d", durability="process", copy=False)
    big = np.arange(50_000.0)
    store.update({f"{number}": big + number for number in range(20)})
    held = store["3"]
    assert not held.flags.owndata
    assert not held.flags.writeable
    for number in range(20):
        store[f"{number}"] = big - number
    del store["3"]
    for number in range(100):
        store[f"new {number}"] = big
    assert python_equal(held, big + 3)
    store.close()
    del store
    assert python_equal(held, big + 3)


def test_lent_arrays_let_go(tmp_path):
    """The snapshot ends with its last array: no reader is left in LMDB's table, and many arrays need but one."""
    store = SafetensorsLmdbStore(tmp_path / "d", durability="process", copy=False)
    store.update({f"{number}": np.arange(1000) for number in range(300)})
    environment = store.raw._shared
    held = [store[f"{number}"] for number in range(300)]
    assert len(environment.live) == 1
    assert environment.env.readers().count("\n") == 2
    del held
    assert not environment.live


def test_more_states_than_readers(tmp_path):
    """When LMDB's table of readers is full, an array is copied instead: it is right, only not free."""
    store = SafetensorsLmdbStore(tmp_path / "d", durability="process", copy=False, max_readers=4)
    held = []
    for number in range(10):
        store["a"] = np.full(1000, number)
        held.append(store["a"] if len(held) < 3 else np.array(number))
    assert [array.flat[0] for array in held] == list(range(10))


def test_a_child_does_not_end_its_parents_snapshot(tmp_path):
    """After a fork, a child that lets an array go frees no page that the parent still looks at."""
    store = SafetensorsLmdbStore(tmp_path / "d", durability="process", copy=False)
    store["a"] = np.arange(50_000.0)
    held = store["a"]
    pid = os.fork()
    if pid == 0:
        right = python_equal(held, np.arange(50_000.0))
        del held
        os._exit(0 if right else 1)
    assert os.waitpid(pid, 0)[1] == 0
    for number in range(50):
        store["a"] = np.full(50_000, float(number))
    assert python_equal(held, np.arange(50_000.0))
