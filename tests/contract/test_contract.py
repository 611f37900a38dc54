"""Every store and every layer of the house keeps the contract."""

import json
import os
import subprocess
import sys
from collections import OrderedDict

import hypothesis.strategies as st
import pysos
import pytest
from hypothesis import settings

from spoonbill import Cached, Codec, Frozen, KeyLayer, Layer, Search, Store, StrictString, ValueLayer
from spoonbill.backends import Dbm, Lmdb, Memory, Pysos
from spoonbill.common.sentinels import MISSING
from spoonbill.datastores import FilesystemStore, InMemoryStore, LmdbStore, PysosStore, ShelveStore
from spoonbill.errors import (
    ReadOnlyError,
    StackError,
)
from spoonbill.testing import BackendContract, LayerContract, StoreContract, machine_for, refuses_every_write


class FourVerbs(Store):
    """The smallest backend: four verbs over a dict, and no __init__ of ours called."""

    def __init__(self):
        self.data = {}

    def get(self, key, default=None):
        return self.data.get(key, default)

    def set(self, key, value):
        self.data[key] = value

    def delete(self, key):
        return self.data.pop(key, None) is not None

    def iter(self):
        return iter(list(self.data))


class Upper(ValueLayer):
    """A layer with the two hooks alone."""

    def encode(self, value, key):
        return value[::-1]

    def decode(self, data, key):
        return data[::-1]


class Prefixed(KeyLayer):
    """A key layer with the two hooks alone."""

    def down(self, key):
        return "p:" + key

    def up(self, key):
        return key[2:]


class GetOnly(Layer):
    """A stranger's layer that changes `get` and `set` and knows nothing of batches."""

    def get(self, key, default=None):
        value = self.inner.get(key, None)
        return default if value is None else value[1:]

    def set(self, key, value):
        self.inner.set(key, b"!" + value)


class TestFourVerbs(BackendContract):
    def make(self, path):
        return FourVerbs()

    def peek(self, store, key):
        return store.data.get(key, MISSING)

    def poke(self, store, key, value):
        store.data[key] = value

    test_pickles = None


class TestLayer(LayerContract):
    def wrap(self, inner):
        return Layer(inner)


class TestValueLayer(LayerContract):
    def wrap(self, inner):
        return Upper(inner)


class TestKeyLayer(LayerContract):
    def wrap(self, inner):
        return Prefixed(inner)


class TestStrangersLayer(LayerContract):
    batches = False

    def wrap(self, inner):
        return GetOnly(inner)


class TestCodecLayer(LayerContract):
    def wrap(self, inner):
        return Codec(inner)


class TestRawCodecLayer(LayerContract):
    def wrap(self, inner):
        return Codec(inner, "raw")


class TestTextKeysLayer(LayerContract):
    def wrap(self, inner):
        return Codec(inner, keys="text")


class TestPickleCodecLayer(LayerContract):
    def wrap(self, inner):
        return Codec(inner, strict=False)


class TestStrictStringLayer(LayerContract):
    values = ("1", "two", "", "x" * 100, "\u00e9")

    def wrap(self, inner):
        return StrictString(inner)


class TestCachedLayer(LayerContract):
    def wrap(self, inner):
        return Cached(inner, maxsize=3)


class TestCachedAbsenceLayer(LayerContract):
    def wrap(self, inner):
        return Cached(inner, maxsize=100, ttl=1000, absences=True)


class TestSearchLayer(LayerContract):
    def wrap(self, inner):
        return Search(inner, dialect="glob")


class TestMemory(BackendContract):
    def make(self, path):
        return Memory()

    def peek(self, store, key):
        return store.mapping.get(key, MISSING)

    def poke(self, store, key, value):
        store.mapping[key] = value


class TestOrderedDict(StoreContract):
    def make(self, path):
        return InMemoryStore(OrderedDict)


ONE_LMDB = """
import lmdb, sys
env = lmdb.open(sys.argv[1], map_size=1 << 30)
name = bytes.fromhex(sys.argv[2]) or b"\\xff"
with env.begin(write=len(sys.argv) > 3) as txn:
    if len(sys.argv) > 3:
        txn.put(name, bytes.fromhex(sys.argv[3]))
    else:
        value = txn.get(name)
        print("absent" if value is None else value.hex())
"""


class TestLmdb(BackendContract):
    """The medium is read by py-lmdb in a process of its own, since a process opens a path once."""

    def make(self, path):
        self.path = path / "data"
        return Lmdb(self.path, durability="process")

    def peek(self, store, key):
        command = [sys.executable, "-c", ONE_LMDB, str(self.path), key.encode().hex()]
        seen = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        return MISSING if seen == "absent" else bytes.fromhex(seen)

    def poke(self, store, key, value):
        command = [sys.executable, "-c", ONE_LMDB, str(self.path), key.encode().hex(), value.hex()]
        subprocess.run(command, check=True)


class TestDbm(BackendContract):
    def make(self, path):
        return Dbm(path / "data")

    test_pickles = None  # gdbm lets one handle write at a time


class TestPysos(BackendContract):
    values = (b"1", b'"two"', b"null", b"[1,2]", b'{"a":5}')

    def make(self, path):
        self.path = path / "data"
        return Pysos(self.path)

    def peek(self, store, key):
        theirs = pysos.Dict(os.fspath(self.path))
        try:
            return json.dumps(theirs[key], separators=(",", ":")).encode() if key in theirs else MISSING
        finally:
            theirs.close()


class Objects(StoreContract):
    values = (1, {"a": [1, None]}, "text", b"bytes", (1, {2}))
    keys = ("a", "a/b", "", "..", "\u00e9 *[1]\x00")


class TestLmdbStore(Objects):
    def make(self, path):
        return LmdbStore.open(path / "data", durability="process")


class TestLmdbStoreNotStrict(Objects):
    def make(self, path):
        return LmdbStore.open(path / "data", durability="process", strict=False)


class TestFilesystemStore(Objects):
    def make(self, path):
        return FilesystemStore.open(path / "data")


class TestCachedCodec(Objects):
    def make(self, path):
        return Cached(Codec(FilesystemStore(path / "data")))


class TestCachedFrozenSearch(Objects):
    def make(self, path):
        return Search(Cached(LmdbStore(path / "data", durability="process"), policy="lfu"), dialect="glob")


class TestShelveStore(Objects):
    def make(self, path):
        return ShelveStore.open(path / "data")

    test_pickles = None  # gdbm lets one handle write at a time


class TestPysosStore(Objects):
    values = (1, {"a": [1, None]}, "text", [], 1.5)

    def make(self, path):
        return PysosStore.open(path / "data")


class TestStrictString(Objects):
    values = ("1", "two", "", "x" * 100, "\u00e9")

    def make(self, path):
        return StrictString(Lmdb(path / "data", durability="process"))


KEYS = st.text(st.sampled_from("aAb/.*[%^~!\x00 \u00e9"), max_size=4) | st.integers(-3, 3) | st.tuples(st.booleans())


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


SETTINGS = settings(max_examples=25, stateful_step_count=25, deadline=None)


TestLmdbMachine = machine_for(lambda p: LmdbStore(p / "d", durability="process"), KEYS, VALUES, reopens=True).TestCase


TestFilesMachine = machine_for(lambda p: Cached(FilesystemStore(p / "d")), KEYS, VALUES, reopens=True).TestCase


TestShelveMachine = machine_for(lambda p: Cached(Codec(ShelveStore(p / "d"))), KEYS, VALUES, reopens=True).TestCase


TestMemoryMachine = machine_for(lambda _: InMemoryStore(), KEYS, VALUES).TestCase


for machine in (TestLmdbMachine, TestFilesMachine, TestShelveMachine, TestMemoryMachine):
    machine.settings = SETTINGS


del machine


def test_frozen_refuses_every_write(tmp_path):
    """Nothing reaches the engine through Frozen, not even an empty update."""
    inner = LmdbStore(tmp_path / "d", durability="process")
    inner["a"] = 1
    refuses_every_write(Frozen(inner), {"a": 1})
    with pytest.raises(ReadOnlyError):
        Frozen(inner)["a"] = 2
    assert inner["a"] == 1


def test_orders_that_cannot_work_are_refused(tmp_path):
    """A codec over decoded values is refused with the order that works."""
    store = LmdbStore(tmp_path / "d", durability="process")
    with pytest.raises(StackError, match=r"Frozen\(Codec"):
        Codec(Frozen(store))
    with pytest.raises(StackError, match="InMemoryStore"):
        Cached({})
    assert Codec(Codec(store, "json")).raw is store.raw
