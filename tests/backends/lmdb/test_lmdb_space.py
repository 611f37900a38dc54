"""What LMDB takes: slots of readers, address space, and the keys of other programs' named databases."""

import os
import resource
import signal
import subprocess
import sys

import lmdb
import pytest

from spoonbill.backends import Lmdb
from spoonbill.datastores import InMemoryStore, LmdbStore
from spoonbill.errors import StoreError

WORKER = (
    "import os, sys; from spoonbill.datastores import LmdbStore\n"
    "store = LmdbStore.open(sys.argv[1], durability='process')\n"
    "loops = [iter(store.items()) for _ in range(21)]; [next(loop) for loop in loops]\n"
    "os.kill(os.getpid(), 9)\n"
)


def killed_worker(path):
    done = subprocess.run([sys.executable, "-c", WORKER, path], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr


def test_killed_readers_do_not_make_the_file_grow(tmp_path):
    """A worker killed in its loops holds no pages for long: a value that is rewritten takes its old place again."""
    store = LmdbStore.open(tmp_path / "db", durability="process")
    store["a"] = 1
    killed_worker(tmp_path / "db")
    for _ in range(600):
        store["big"] = os.urandom(100_000)
    store.flush()
    assert (tmp_path / "db" / "data.mdb").stat().st_blocks * 512 < 12_000_000  # 67,000,000 with the reader
    store.close()


def test_slots_of_killed_readers_are_free_again(tmp_path):
    """Worker after worker is killed in its loops, more than there are slots, and the next one opens and reads."""
    with Lmdb(tmp_path / "db", max_readers=50) as store:
        store["a"] = b"1"
        for _ in range(4):
            killed = WORKER.replace("'process'", "'process', codec='raw', max_readers=50")
            assert subprocess.run([sys.executable, "-c", killed, tmp_path / "db"], check=False).returncode == -9
        assert [next(loop) for loop in [store.entries() for _ in range(45)]] == [("a", b"1")] * 45


def test_many_loops_are_open_at_once(tmp_path):
    """Two hundred loops over one store, with reads and writes beside them."""
    with LmdbStore.open(tmp_path / "db", durability="process") as store:
        store.update({f"k{number}": number for number in range(10)})
        loops = [iter(store.items()) for _ in range(200)]
        assert {next(loop)[0] for loop in loops} == {"k0"}
        store["k1"] = "new"
        assert store["k1"] == "new"
        assert all(len(list(loop)) == 9 for loop in loops)


def test_too_many_readers_are_told_as_that(tmp_path):
    """Where every slot is taken by a living loop, the error names the loops and max_readers, not the disk."""
    with Lmdb(tmp_path / "db", max_readers=5) as store:
        store["a"] = b"1"
        loops = []
        with pytest.raises(StoreError, match="max_readers"):
            for _ in range(6):
                loops.append(store.iter())
                next(loops[-1])
        del loops
        assert store["a"] == b"1"


def test_many_stores_fit_into_the_address_space(tmp_path):
    """A hundred and fifty open stores leave most of it, and one of them still takes more than its first map."""
    stores = [LmdbStore.open(tmp_path / str(number), durability="process") for number in range(150)]
    sizes = [store.raw._shared.map_size for store in stores]
    assert sum(sizes) < 1 << 44
    stores[7].update({f"k{number}": number for number in range(60_000)})
    assert len(stores[7]) == 60_000
    for store in stores:
        store.close()


def test_little_address_space_is_enough(tmp_path):
    """Where the process may take only 8 GiB, the map is halved until it fits."""
    code = (
        "import resource, sys; from spoonbill.datastores import LmdbStore\n"
        "resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))\n"
        "store = LmdbStore.open(sys.argv[1]); store['a'] = 1; print(store['a'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "db"], capture_output=True, text=True, check=False)
    assert done.stdout == "1\n", done.stderr
    assert resource.getrlimit(resource.RLIMIT_AS)


@pytest.fixture
def shared_file(tmp_path):
    """Make an environment that holds another program's named database beside entries of the main one."""
    path = str(tmp_path / "env")
    with lmdb.open(path, max_dbs=2, map_size=1 << 24) as env:
        images = env.open_db(b"images")
        with env.begin(write=True, db=images) as txn:
            txn.put(b"0001", b"a picture")
        with env.begin(write=True) as txn:
            for name in (b"a", b"b"):
                txn.put(name, name * 48)  # as long as LMDB's own record of a database
    return path


def picture(path):
    with lmdb.open(path, max_dbs=2, map_size=1 << 24) as env, env.begin(db=env.open_db(b"images", create=False)) as txn:
        return txn.get(b"0001")


@pytest.mark.parametrize("way", ["clear", "replace_all", "load"])
def test_another_programs_database_stays(way, shared_file, tmp_path):
    """Clear, load and replace_all remove this store's entries, and no database that is named beside them."""
    InMemoryStore({"new": b"1"}).save(tmp_path / "snapshot")
    with LmdbStore.open(shared_file, codec="raw") as store:
        if way == "clear":
            store.clear()
        elif way == "load":
            store.load(tmp_path / "snapshot")
        else:
            store.replace_all([("new", b"1")])
        assert "a" not in store
        assert store.get("new") == (None if way == "clear" else b"1")
    assert picture(shared_file) == b"a picture"


def test_the_name_of_a_database_is_no_key_to_write(shared_file):
    """Writes under another program's name are refused with the reason, and leave its database."""
    with Lmdb(shared_file) as store:
        for write in (
            lambda: store.delete("images"),
            lambda: store.set("images", b"x"),
            lambda: store.pop("images"),
            lambda: store.set_many([("c", b"x"), ("images", b"x")]),
        ):
            with pytest.raises(StoreError, match="another program's database"):
                write()
        assert store.get("c") is None
    assert picture(shared_file) == b"a picture"
