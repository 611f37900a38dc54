"""The shares of the stores on this machine: ranges of LMDB's keys, and the names elsewhere."""

import numpy as np
import pytest

from spoonbill.backends import Dbm, Filesystem, Lmdb, Pysos
from spoonbill.datastores import (
    FilesystemStore,
    LmdbStore,
    PysosStore,
    SafetensorsInMemoryStore,
    SafetensorsLmdbStore,
    SafetensorsStore,
    ShelveStore,
    SQLiteStore,
)
from spoonbill.errors import QueryError
from spoonbill.query import Query
from tests.helpers.shares import check_shares, check_shares_elsewhere, check_shares_while_written

STORES = {
    "lmdb": lambda path: LmdbStore(path / "lmdb", durability="process"),
    "sqlite": lambda path: SQLiteStore(path / "sqlite", durability="process"),
    "files": lambda path: FilesystemStore(path / "files"),
    "memory files": lambda path: FilesystemStore(f"memory://shares/{path.name}"),
    "pysos": lambda path: PysosStore(path / "pysos"),
    "shelve": lambda path: ShelveStore(path / "shelve", dbm="dbm.dumb"),
}
KEYS = ["", "a", "A/b", "\u00e9", "\U0001f600", "!marked", *(f"key-{number}" for number in range(100))]


@pytest.fixture(params=STORES)
def store(request, tmp_path):
    with STORES[request.param](tmp_path) as opened:
        yield opened
        opened.clear()


def test_every_key_is_in_one_share(store):
    """Whatever the number of shares, each key is in one, and shares of a search hold what it finds."""
    store.update(dict.fromkeys(KEYS, 1))
    check_shares(store, KEYS, "key-1")


def test_keys_that_stay_are_in_one_share_while_others_come_and_go(store):
    """Writes beside lose no key that stays and put none into two shares."""
    store.update(dict.fromkeys(KEYS, 1))
    check_shares_while_written(store, set(KEYS), 2, counts=(3,), most=60)


@pytest.mark.parametrize("name", ["lmdb", "sqlite", "files"])
def test_another_process_reads_shares(name, tmp_path):
    """A share travels as a pickle to a process that opens the store by itself."""
    with STORES[name](tmp_path) as store:
        store.update(dict.fromkeys(KEYS, 1))
        check_shares_elsewhere(store, KEYS)


def test_an_empty_store_has_one_share(store):
    """There is one share, and it is empty."""
    (share,) = store.shares(5)
    assert list(share.keys()) == list(share.entries()) == []


@pytest.mark.parametrize(
    "make",
    [
        lambda path, tensors: SafetensorsStore.from_dict(tensors, path / "file"),
        lambda path, tensors: SafetensorsInMemoryStore.from_dict(tensors),
        lambda path, tensors: SafetensorsLmdbStore.from_dict(tensors, path / "lmdb", durability="process"),
    ],
)
def test_tensors_are_shared_out(make, tmp_path):
    """The tensors of a file, of memory and of LMDB are in one share each."""
    tensors = {f"layer.{number}": np.full(3, number) for number in range(10)}
    store = make(tmp_path, tensors)
    for count in (1, 3, 20):
        pairs = [pair for share in store.shares(count) for pair in share.entries()]
        assert len(pairs) == 10
        assert all(np.array_equal(tensors[key], value) for key, value in pairs)
        assert [key for share in store.shares(count, pattern="layer.3") for key in share.keys()] == ["layer.3"]


def test_lmdb_splits_by_a_walk_of_its_keys(tmp_path):
    """The parts of LMDB are ranges of as many keys, cut where keys are."""
    store = Lmdb(tmp_path / "d", durability="process")
    store.set_many((f"{number:05}", b"v") for number in range(10_000))
    parts = store.split(7)
    sizes = [sum(1 for _ in store.select(Query(part=part, keys_only=True))) for part in parts]
    assert sum(sizes) == 10_000
    assert max(sizes) - min(sizes) <= 1
    assert parts[0][:2] == ("range", b"")
    assert parts[-1][2] is None
    store.set("00000a", b"new")  # a key that comes later is in one of them too
    assert sum("00000a" in dict(store.select(Query(part=part))) for part in parts) == 1


@pytest.mark.parametrize("make", [Lmdb, Filesystem, lambda path: Dbm(path, dbm="dbm.dumb"), Pysos])
def test_a_part_of_another_store_is_refused(make, tmp_path):
    """What another engine's split made is no part here, and is not taken for everything."""
    with make(tmp_path / "d") as store, pytest.raises(QueryError, match="did not make this part"):
        list(store.select(Query(part=("segment", 0, 5))))
