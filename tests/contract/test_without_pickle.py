"""The contracts of the strict stores, in a Python that cannot unpickle: nothing that is stored is executed."""

import pickle
from typing import Any, NoReturn

import cloudpickle
import numpy as np
import pytest
from safetensors.numpy import save_file

from spoonbill import Codec
from spoonbill.backends import Memory
from spoonbill.datastores import (
    FilesystemStore,
    InMemoryStore,
    LmdbStore,
    PysosStore,
    RocksDBStore,
    SafetensorsStore,
    ShelveStore,
    SQLiteStore,
)
from spoonbill.errors import CodecError
from spoonbill.testing import StoreContract


def refuse(*_: Any, **__: Any) -> NoReturn:
    """Stands for everything that unpickles."""
    raise AssertionError("something was unpickled")


class _RefusingUnpickler:
    __init__ = refuse


@pytest.fixture(autouse=True)
def no_unpickling(monkeypatch):
    """Nothing of pickle, or of cloudpickle, reads a pickle."""
    for module in (pickle, cloudpickle):
        for name in ("load", "loads", "_load", "_loads"):
            monkeypatch.setattr(module, name, refuse, raising=False)
        for name in ("Unpickler", "_Unpickler"):
            monkeypatch.setattr(module, name, _RefusingUnpickler, raising=False)


class Strict(StoreContract):
    """Without the tests that send a store, or a share of one, to another process: that is a pickle by its nature."""

    values = (1, {"a": [1, None]}, "text", 1.5, ["a", {"b": 2}])
    test_pickles = None  # type: ignore[assignment]
    test_shares_hold_every_key_once = None  # type: ignore[assignment]
    test_shares_hold_what_stays = None  # type: ignore[assignment]


class TestMemory(Strict):
    """Typed msgpack in a dict."""

    def make(self, path):
        return Codec(Memory())


class TestLmdb(Strict):
    """Typed msgpack in LMDB."""

    def make(self, path):
        return LmdbStore(path / "db", durability="process")


class TestSQLite(Strict):
    """Documents in SQLite."""

    def make(self, path):
        return SQLiteStore(path / "a.db", durability="process")


class TestRocksDB(Strict):
    """Typed msgpack in RocksDB."""

    def make(self, path):
        return RocksDBStore(path / "db", durability="process")


class TestFiles(Strict):
    """JSON files."""

    def make(self, path):
        return FilesystemStore(path / "files", codec="json")


class TestPysos(Strict):
    """JSON lines."""

    def make(self, path):
        return PysosStore(path / "a.pysos")


class TestShelf(Strict):
    """A shelf, which holds pickles: a strict store reads plain ones without running them."""

    def make(self, path):
        return ShelveStore(path / "shelf", strict=True)


def test_snapshots_and_tensors(tmp_path):
    """A snapshot is saved and loaded, and tensors are read, without a pickle."""
    store = InMemoryStore({"a": 1, ("b", 2): {"c": (1, {2})}})
    store.save(tmp_path / "a.snapshot")
    assert InMemoryStore.open(tmp_path / "a.snapshot").copy() == store.copy()
    save_file({"w": np.ones(3)}, tmp_path / "t.safetensors")
    with SafetensorsStore(tmp_path / "t.safetensors", framework="np") as tensors:
        assert tensors["w"].tolist() == [1, 1, 1]


def test_a_planted_pickle_is_refused(tmp_path):
    """What strict=False wrote is refused by name, and never read."""
    with LmdbStore(tmp_path / "db", strict=False) as loose:
        loose["bad"] = Strict
    with LmdbStore(tmp_path / "db") as strict, pytest.raises(CodecError, match=r"bad.*strict=False"):
        strict["bad"]


def test_the_guard_works():
    """The fixture of this module really forbids: each way to unpickle is an error."""
    data = pickle.dumps(1)
    for call in (pickle.loads, cloudpickle.loads, pickle.Unpickler):
        with pytest.raises(AssertionError):
            call(data)
