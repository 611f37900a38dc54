"""What the stores write is what other programs read, and bad input is refused by name."""

import dbm
import json
import os
import shelve

import lmdb
import pysos
import pytest

from spoonbill import Cached, Codec
from spoonbill.datastores import FilesystemStore, InMemoryStore, LmdbStore, PysosStore, ShelveStore
from spoonbill.errors import (
    ClosedError,
    CodecError,
    InvalidKeyError,
    KeyTooLongError,
    SnapshotError,
    StoreError,
    UnsupportedError,
)


def test_lmdb_writes_plain_utf8(tmp_path):
    """The raw client finds keys as plain text and bytes as they are."""
    with LmdbStore(tmp_path / "d", codec="raw") as store:
        store["k\u00e9y"] = b"value"
    with lmdb.open(str(tmp_path / "d")) as env, env.begin() as txn:
        assert txn.get("k\u00e9y".encode()) == b"value"


def test_shelve_reads_ours_and_we_read_shelves(tmp_path):
    """A file of ShelveStore is a shelf, and a shelf is a ShelveStore."""
    with ShelveStore.open(tmp_path / "s") as store:
        store["a"] = {"x": (1, 2)}
    with shelve.open(os.fspath(tmp_path / "s")) as shelf:
        assert dict(shelf) == {"a": {"x": (1, 2)}}
        shelf["b"] = [1]
    with ShelveStore.open(tmp_path / "s", strict=True) as store:
        assert store["b"] == [1]
    assert dbm.whichdb(os.fspath(tmp_path / "s")) != "dbm.ndbm"


def test_pysos_reads_ours(tmp_path):
    """A file of PysosStore is a pysos file; a torn last line does not eat the next entry."""
    with PysosStore.open(tmp_path / "p") as store:
        store["a"] = {"x": [1]}
    with (tmp_path / "p").open("ab") as file:
        file.write(b'#"torn')
    with PysosStore.open(tmp_path / "p") as store:
        store["b"] = 2
    theirs = pysos.Dict(os.fspath(tmp_path / "p"))
    assert {key: theirs[key] for key in theirs} == {"a": {"x": [1]}, "b": 2}
    theirs.close()


def test_files_are_json_that_others_read(tmp_path):
    """The json codec writes one JSON file a key, under a readable name."""
    store = Cached(Codec(FilesystemStore(tmp_path / "f"), "json"), maxsize=100)
    store["user-1"] = {"a": 1}
    assert json.loads((tmp_path / "f" / "user-1").read_text()) == {"a": 1}
    assert list(store.items({"a": 1})) == [("user-1", {"a": 1})]
    assert store["user-1"] is store["user-1"]
    assert store.stats.hits == 1 or store.stats.hits == 2


@pytest.mark.parametrize("key", ["a", "a/b", "..", "*", "[1]", "\x00", "", "x" * 300, "A", "con", " ", ".", "e\u0301"])
def test_file_names_stay_inside_and_come_back(tmp_path, key):
    """Any str is a key: its file is inside the root and names the key again."""
    store = FilesystemStore(tmp_path / "root", codec="raw")
    store[key] = b"1"
    store["other"] = b"2"
    assert set(store) == {key, "other"}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["root"]
    del store[key]
    assert list(store) == ["other"]


def test_bad_input_is_refused_by_name(tmp_path):
    """Each kind of bad input is an error of our tree, and nothing is written."""
    store = LmdbStore(tmp_path / "d", durability="process")
    with pytest.raises(KeyTooLongError, match="511"):
        store["x" * 600] = 1
    with pytest.raises(CodecError, match="strict=False"):
        store["a"] = object()
    with pytest.raises(InvalidKeyError):
        store[["list"]] = 1
    with pytest.raises(InvalidKeyError):
        InMemoryStore()[["list"]] = 1
    with pytest.raises(UnsupportedError, match="ttl"):
        store.set("a", 1, ttl=5)
    assert len(store) == 0
    store.close()
    with pytest.raises(ClosedError):
        store["a"]
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="file"):
        FilesystemStore(tmp_path / "file")


def test_a_snapshot_that_does_not_fit_touches_nothing(tmp_path):
    """A whole snapshot with an entry that the target cannot hold is refused before anything changes."""
    source = InMemoryStore({"a": 1, "x" * 600: 2})
    source.save(tmp_path / "long")
    target = LmdbStore(tmp_path / "d", durability="process")
    target["kept"] = 1
    with pytest.raises(KeyTooLongError):
        target.load(tmp_path / "long")
    InMemoryStore({"a": (1, 2)}).save(tmp_path / "tuple")
    with PysosStore(tmp_path / "p") as store:
        store["kept"] = 1
        with pytest.raises(CodecError):
            store.load(tmp_path / "tuple")
        assert dict(store.items()) == {"kept": 1}
    assert dict(target.items()) == {"kept": 1}


def test_a_torn_or_changed_snapshot_is_refused(tmp_path):
    """Every truncation and every flipped byte of a snapshot is found before anything changes."""
    InMemoryStore({"a": 1, "b": "two"}).save(tmp_path / "s")
    whole = (tmp_path / "s").read_bytes()
    target = InMemoryStore({"kept": 1})
    for position in range(len(whole)):
        (tmp_path / "t").write_bytes(whole[:position])
        with pytest.raises(SnapshotError):
            target.load(tmp_path / "t")
        (tmp_path / "t").write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        with pytest.raises(SnapshotError):
            target.load(tmp_path / "t")
    assert target == {"kept": 1}
