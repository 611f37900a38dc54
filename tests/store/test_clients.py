"""`client` is what the engine itself is spoken to by, through any layers."""

import sqlite3

import fsspec
import lmdb
import pytest

from spoonbill import Cached
from spoonbill.datastores import FilesystemStore, InMemoryStore, LmdbStore, PysosStore, ShelveStore, SQLiteStore
from spoonbill.errors import ClosedError, UnsupportedError


def test_each_embedded_engine_gives_its_own(tmp_path):
    """What is written through it is there for the store, and a closed store has none."""
    with LmdbStore(tmp_path / "lmdb", codec="raw") as store, Cached(store) as cached:
        assert isinstance(cached.client, lmdb.Environment)
        with cached.client.begin(write=True) as transaction:
            transaction.put(b"a", b"1")
        assert store["a"] == b"1"
    with pytest.raises(ClosedError):
        _ = store.client
    with ShelveStore(tmp_path / "shelve") as store:
        store["a"] = 1
        assert list(store.client.keys()) == [b"a"]
    with SQLiteStore(tmp_path / "d.db") as store:
        store["a"] = 1
        assert isinstance(store.client, sqlite3.Connection)
        assert store.client.execute("SELECT key FROM spoonbill").fetchall() == [("a",)]
    with FilesystemStore(tmp_path / "files") as store:
        assert isinstance(store.client, fsspec.AbstractFileSystem)
    with InMemoryStore({"a": 1}) as store:
        assert store.client == {"a": 1}


def test_an_engine_without_one_says_so(tmp_path):
    """By the name of the store."""
    with PysosStore(tmp_path / "p") as store, pytest.raises(UnsupportedError, match="has no client of its own"):
        _ = store.client
