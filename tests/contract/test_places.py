"""A store stays where it was opened, two handles are one engine, and nothing is written over an open store's files."""

import copy
import os
import pickle
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from spoonbill.datastores import (
    FilesystemStore,
    InMemoryStore,
    LmdbStore,
    PysosStore,
    SafetensorsStore,
    ShelveStore,
    SQLiteStore,
)
from spoonbill.errors import StoreError, UnsupportedError

STORES = {
    "lmdb": LmdbStore,
    "pysos": PysosStore,
    "shelve": ShelveStore,
    "dumb": lambda path: ShelveStore(path, dbm="dbm.dumb"),
    "files": FilesystemStore,
}
PLACES = {**STORES, "sqlite": SQLiteStore}
ENGINES = sorted(PLACES.keys() - {"files"})


@pytest.fixture(params=sorted(PLACES))
def opening(request):
    return PLACES[request.param]


@pytest.fixture(params=ENGINES)
def engine(request):
    return PLACES[request.param]


# -- where it was opened -------------------------------------------------------------------------------------------


def test_a_relative_path_is_that_of_the_moment_of_opening(opening, tmp_path, monkeypatch):
    """A store follows no chdir, neither in what it reads nor in what it writes."""
    for folder in "ab":
        (tmp_path / folder).mkdir()
        monkeypatch.chdir(tmp_path / folder)
        with opening("db") as store:
            store["who"] = folder
    monkeypatch.chdir(tmp_path / "a")
    store = opening("db")
    monkeypatch.chdir(tmp_path / "b")
    assert store["who"] == "a"
    store["new"] = 1
    store.close()
    with opening("db") as other:
        assert dict(other) == {"who": "b"}
    monkeypatch.chdir(tmp_path / "a")
    with opening("db") as same:
        assert dict(same) == {"who": "a", "new": 1}


def test_a_pickled_store_is_the_same_in_another_directory(opening, tmp_path, monkeypatch):
    """A worker with a folder of its own opens what was opened, and makes nothing in its folder."""
    for folder in ("main", "worker"):
        (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path / "main")
    store = opening("db")
    store["a"] = 1
    sent = pickle.dumps(store)
    store.close()
    monkeypatch.chdir(tmp_path / "worker")
    with pickle.loads(sent) as got:
        assert dict(got) == {"a": 1}
    assert list((tmp_path / "worker").iterdir()) == []


def test_a_safetensors_file_stays_the_file(tmp_path, monkeypatch):
    """A relative path, and a relative link, are those of the moment of opening; a pickled store takes them along."""
    for folder, number in (("a", 1.0), ("b", 2.0)):
        (tmp_path / folder).mkdir()
        SafetensorsStore.export_safetensors({"w": np.full(2, number)}, tmp_path / folder / "m1")
        (tmp_path / folder / "m").symlink_to("m1")
    monkeypatch.chdir(tmp_path / "a")
    stores = [SafetensorsStore("m"), SafetensorsStore("m1")]
    sent = pickle.dumps(stores)
    monkeypatch.chdir(tmp_path / "b")
    for store in (*stores, *pickle.loads(sent)):
        assert store["w"][0] == 1.0


def test_home_is_home(opening, tmp_path, monkeypatch):
    """``~`` is the user's folder, to open, to save and to load."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "home").mkdir()
    with opening("~/db") as store:
        store["a"] = 1
        store.save("~/s.snapshot")
        store.load("~/s.snapshot")
    assert (tmp_path / "home" / "s.snapshot").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_missing_folders_are_made(opening, tmp_path):
    """The folders above a new database are made, as documented."""
    with opening(tmp_path / "x" / "y" / "db") as store:
        store["a"] = 1
        assert store["a"] == 1


def test_what_was_removed_is_not_what_is_opened(engine, tmp_path):
    """A folder removed under an open store: who opens it again gets a new one, and the old store says what happened."""
    home = tmp_path / "home"
    home.mkdir()
    old = engine(home / "db")
    old["run"] = 1
    old.flush()
    shutil.rmtree(home)
    home.mkdir()
    new = engine(home / "db")
    assert dict(new) == {}
    new["run"] = 2
    new.flush()
    with pytest.raises(StoreError, match="removed, moved or replaced"):
        old.update({"lost": 1})
    assert dict(new) == {"run": 2}
    new.close()
    with engine(home / "db") as again:
        assert dict(again) == {"run": 2}


WRITES = {
    "set": lambda store: store.set("run", 2),
    "add": lambda store: store.add("new", 2),
    "replace": lambda store: store.replace("run", 1, 2),
    "pop": lambda store: store.pop("run"),
    "delete": lambda store: store.delete("run"),
    "delete_many": lambda store: store.delete_many(["run"]),
    "set_many": lambda store: store.set_many([("run", 2)]),
    "clear": lambda store: store.clear(),
    "update": lambda store: store.update(run=2),
}


@pytest.mark.parametrize("write", sorted(WRITES))
@pytest.mark.parametrize("kind", ["lmdb", "sqlite", "lmdb-process", "sqlite-process"])
def test_a_write_after_the_file_was_removed_is_refused(kind, write, tmp_path):
    """Each single write, the first one already: it would go to a file that nobody can open any more."""
    engine, _, durability = kind.partition("-")
    home = tmp_path / "home"
    store = PLACES[engine](home / "db", **({"durability": durability} if durability else {}))
    store["run"] = 1
    home.rename(tmp_path / "away")
    if durability:
        time.sleep(0.1)  # it looks 20 times a second, and every 64 writes
    with pytest.raises(StoreError, match="removed, moved or replaced"):
        WRITES[write](store)
    assert store["run"] == 1
    (tmp_path / "away").rename(home)
    WRITES[write](store)  # it is the file again
    store.close()


def test_no_thread_opens_what_took_the_place_of_a_file(tmp_path):
    """A SQLite connection is one thread's: that of a new thread would read and write another file than the others."""
    with SQLiteStore(tmp_path / "db") as store:
        store["run"] = 1
        for path in tmp_path.iterdir():
            path.unlink()
        with SQLiteStore(tmp_path / "db") as new:
            new["run"] = 2
            with ThreadPoolExecutor(1) as pool, pytest.raises(StoreError, match="removed, moved or replaced"):
                pool.submit(store.get, "run").result()
            with pytest.raises(StoreError, match="removed, moved or replaced"), store.transaction():
                pass


def test_a_transaction_is_not_ended_in_a_file_that_is_gone(tmp_path):
    """It was removed in the middle of the block: the end of the block says so."""
    with SQLiteStore(tmp_path / "db") as store:
        with pytest.raises(StoreError, match="removed, moved or replaced"), store.transaction():
            store["run"] = 1
            for path in tmp_path.iterdir():
                path.unlink()
        assert "run" not in store


def test_a_moved_folder_is_known_by_its_identity(engine, tmp_path):
    """What was moved is the same engine under its new name: two handles see each other's writes."""
    (tmp_path / "a").mkdir()
    old = engine(tmp_path / "a" / "db")
    old["before"] = 1
    old.flush()
    (tmp_path / "a").rename(tmp_path / "b")
    new = engine(tmp_path / "b" / "db")
    new["after"] = 2
    assert dict(new) == {"before": 1, "after": 2}
    new.close()
    old.close()


# -- two handles ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("second", ["opened", "unpickled", "linked"])
def test_two_handles_are_one_engine(second, opening, tmp_path):
    """What one writes the other reads, and neither loses the other's writes."""
    with opening(tmp_path / "db") as first:
        first.update({f"old{number}": "x" * 40 for number in range(3)})
        first.delete("old0")
    a = opening(tmp_path / "db")
    if second == "linked":
        (tmp_path / "link").symlink_to(tmp_path)
        b = opening(tmp_path / "link" / "db")
    else:
        b = opening(tmp_path / "db") if second == "opened" else pickle.loads(pickle.dumps(a))
    a["A"] = "a" * 38
    b["B"] = "b" * 38
    assert (a["A"], a["B"], b["A"]) == ("a" * 38, "b" * 38, "a" * 38)
    assert len(a) == len(b) == 4
    a.close()
    b["C"] = 1
    b.close()
    with opening(tmp_path / "db") as store:
        assert sorted(store) == ["A", "B", "C", "old1", "old2"]


def test_no_copy_of_a_handle(opening, tmp_path):
    """copy.copy and copy.deepcopy of a store are refused; store.copy() is the data."""
    with opening(tmp_path / "db") as store:
        for way in (copy.copy, copy.deepcopy):
            with pytest.raises(UnsupportedError, match="copy\\(\\)"):
                way(store)
    with pytest.raises(UnsupportedError):
        copy.deepcopy(InMemoryStore({"a": [1]}))


WRITE = "import sys; from spoonbill import datastores; store = getattr(datastores, sys.argv[1])(sys.argv[2]); "


def other_process(kind, path, code):
    done = subprocess.run(
        [sys.executable, "-c", WRITE + code, kind.__name__, str(path)], capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("kind", [PysosStore, ShelveStore])
def test_one_process_writes_at_a_time(kind, tmp_path):
    """A second process is refused while the first writes, reads after its flush, and writes when it is closed."""
    store = kind(tmp_path / "db")
    store["a"] = 1
    assert "another process" in other_process(kind, tmp_path / "db", "store['b'] = 2; store.close()")
    store.flush()
    assert "{'a': 1}" in other_process(kind, tmp_path / "db", "print(dict(store))")
    assert "another process" in other_process(kind, tmp_path / "db", "store['b'] = 2")
    store["c"] = 3
    store.close()
    assert other_process(kind, tmp_path / "db", "store['b'] = 2; store.close()") == ""
    with kind(tmp_path / "db") as again:
        assert dict(again) == {"a": 1, "b": 2, "c": 3}


@pytest.mark.parametrize("kind", [PysosStore, ShelveStore])
def test_a_forked_child_does_not_write_beside_its_parent(kind, tmp_path):
    """The child's use of the inherited store is an error that says how to go on, and its end changes nothing."""
    store = kind(tmp_path / "db")
    store["a"] = 1
    child = os.fork()
    if child == 0:
        try:
            store["b"] = 2
        except StoreError as error:
            store.close()
            os._exit(0 if "forked" in str(error) else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    store["c"] = 3
    store.close()
    with kind(tmp_path / "db") as again:
        assert dict(again) == {"a": 1, "c": 3}


# -- files of others -----------------------------------------------------------------------------------------------


def test_what_is_refused_is_not_changed(tmp_path):
    """A model, a JSON file or a picture that is no database is an error with its path, and stays as it is."""
    SafetensorsStore.export_safetensors({"w": np.ones(3)}, tmp_path / "model")
    (tmp_path / "settings").write_text('{"a": 1}')
    (tmp_path / "picture").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    for name in ("model", "settings", "picture"):
        before = (tmp_path / name).read_bytes()
        for kind in (PysosStore, ShelveStore, LmdbStore, lambda path: LmdbStore(path, subdir=False)):
            with pytest.raises(StoreError, match=name):
                kind(tmp_path / name)
            assert (tmp_path / name).read_bytes() == before


FILES = {
    "lmdb": ("data.mdb", "lock.mdb"),
    "pysos": ("",),
    "dumb": (".dat", ".dir"),
    "files": ("a",),
    "sqlite": ("", "-wal"),
}


@pytest.mark.parametrize("kind", sorted(FILES))
def test_nothing_is_saved_over_an_open_store(kind, tmp_path):
    """A save onto the store's own files, or another open one's, is refused and changes nothing, by whatever name."""
    store = PLACES[kind](tmp_path / "db")
    store["a"] = 1
    store.flush()
    for name in FILES[kind]:
        path = tmp_path / "db" / name if (tmp_path / "db").is_dir() else tmp_path / f"db{name}"
        (tmp_path / "soft").symlink_to(path)
        os.link(path, tmp_path / "hard")
        by_identity = () if kind == "files" else (tmp_path / "hard",)
        for target in (path, tmp_path / "soft", *by_identity):
            for saved in (InMemoryStore({"b": 2}), InMemoryStore()):
                with pytest.raises(StoreError, match="is open here"):
                    saved.save(target)
            with pytest.raises(StoreError, match="is open here"):
                SafetensorsStore.export_safetensors({"w": np.ones(1)}, target)
        (tmp_path / "soft").unlink()
        (tmp_path / "hard").unlink()
    assert dict(store) == {"a": 1}
    store.close()
    with PLACES[kind](tmp_path / "db") as again:
        assert dict(again) == {"a": 1}


def test_a_model_that_is_open_is_not_saved_over(tmp_path):
    """A snapshot does not take the place of an open safetensors file; an export of tensors may."""
    SafetensorsStore.export_safetensors({"w": np.ones(3)}, tmp_path / "m")
    store = SafetensorsStore(tmp_path / "m")
    with pytest.raises(StoreError, match="is open here"):
        store.save(tmp_path / "m")
    SafetensorsStore.export_safetensors({"w": np.zeros(3)}, tmp_path / "m")
    assert store["w"][0] == 0
