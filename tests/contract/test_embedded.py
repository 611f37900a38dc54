"""The known traps of the embedded engines, each tried on the medium itself."""

import dbm
import dbm.dumb
import json
import os
import pickle
import shelve
import signal
import subprocess
import sys
import threading

import pysos
import pytest

from spoonbill import Cached, Codec
from spoonbill.backends import Filesystem, Pysos
from spoonbill.datastores import FilesystemStore, InMemoryStore, LmdbStore, PysosStore, ShelveStore, SQLiteStore
from spoonbill.errors import (
    ClosedError,
    CodecError,
    InvalidKeyError,
    MissingExtraError,
    SpoonbillError,
    StoreError,
)
from spoonbill.filesystems.names import path_of

STORES = {
    "lmdb": LmdbStore,
    "pysos": PysosStore,
    "shelve": ShelveStore,
    "files": FilesystemStore,
    "sqlite": SQLiteStore,
}


def child(code, *arguments):
    """Run code in a process of its own; return its exit code."""
    return subprocess.run([sys.executable, "-c", code, *map(str, arguments)], check=False).returncode


@pytest.mark.parametrize("kind", sorted(STORES))
def test_what_was_written_is_there_in_another_process(kind, tmp_path):
    """Keys and values of every kind survive the end of the process that wrote them."""
    code = (
        "import sys; from spoonbill import datastores\n"
        "store = getattr(datastores, sys.argv[1]).open(sys.argv[2])\n"
        "store.update({'a': {'x': [1, None]}, 'b': 'two'}); store['5'] = 1.5; del store['b']; store.close()\n"
    )
    assert child(code, STORES[kind].__name__, tmp_path / "d") == 0
    with STORES[kind].open(tmp_path / "d") as store:
        assert store.copy() == {"a": {"x": [1, None]}, "5": 1.5}


@pytest.mark.parametrize("kind", ["files", "lmdb", "pysos", "sqlite"])  # a shelf's files have endings of their own
def test_a_path_that_cannot_be_a_store_is_refused(kind, tmp_path):
    """A file where a directory belongs, or a directory where a file belongs, is an error that names the path."""
    wrong = tmp_path / "wrong"
    if kind in {"lmdb", "files"}:
        wrong.write_text("a file")
    else:
        wrong.mkdir()
    with pytest.raises(StoreError, match="wrong"):
        STORES[kind].open(wrong)["a"] = 1


@pytest.mark.parametrize("kind", ["lmdb", "pysos", "shelve"])
def test_a_closed_store_says_so(kind, tmp_path):
    """After close every call is an error that says how to go on, and closing again is none."""
    store = STORES[kind].open(tmp_path / "d")
    store["a"] = 1
    store.close()
    store.close()
    for use in (lambda: store["a"], lambda: store.set("a", 1), lambda: list(store), lambda: len(store), store.flush):
        with pytest.raises(ClosedError, match="open it again"):
            use()


@pytest.mark.parametrize("kind", sorted(STORES))
def test_bad_values_and_keys_write_nothing(kind, tmp_path):
    """What a strict store cannot hold is refused before anything is written, alone and in a batch."""
    with STORES[kind].open(tmp_path / "d", strict=True) as store:
        store["kept"] = 1
        for bad in (object(), threading.Lock(), {"deep": [object()]}):
            with pytest.raises(CodecError, match="bad"):
                store["bad"] = bad
        for key in (["list"], {}, float("nan"), object()):
            with pytest.raises(InvalidKeyError):
                store[key] = 1
        assert store.copy() == {"kept": 1}


@pytest.mark.parametrize("kind", sorted(STORES))
def test_not_strict_holds_any_object(kind, tmp_path):
    """strict=False holds functions and objects under objects, and brings them back."""
    with STORES[kind].open(tmp_path / "d", strict=False) as store:
        store["function"] = lambda number: number + 1
        store["set"] = {1, (2, 3)}
        assert store["function"](1) == 2
        assert store["set"] == {1, (2, 3)}


def test_a_missing_extra_names_the_command(tmp_path):
    """Where the engine's package is not installed, the error is the command that installs it."""
    code = (
        "import sys; sys.modules['pysos'] = None\n"
        "from spoonbill.datastores import PysosStore\n"
        "from spoonbill.errors import MissingExtraError\n"
        "try: PysosStore.open(sys.argv[1])\n"
        "except MissingExtraError as error:\n"
        "    sys.exit(0 if \"pip install 'spoonbill-framework[pysos]'\" in str(error) else 2)\n"
        "sys.exit(1)\n"
    )
    assert child(code, tmp_path / "d") == 0
    assert issubclass(MissingExtraError, ImportError)


def test_importing_spoonbill_imports_no_engine():
    """The core, its layers and the names of all stores load without any engine's client."""
    code = (
        "import sys, spoonbill, spoonbill.layers, spoonbill.backends, spoonbill.datastores\n"
        "heavy = {'lmdb', 'pysos', 'redis', 'pymongo', 'boto3', 'safetensors', 'torch', 'numpy', 'modal', 'azure'}\n"
        "sys.exit(len(heavy & set(sys.modules)))\n"
    )
    assert child(code) == 0


# -- pysos ---------------------------------------------------------------------------------------------------------


def test_an_empty_pysos_store_is_falsy_and_open(tmp_path):
    """An empty file is an empty store, not a closed one."""
    (tmp_path / "p").touch()
    store = PysosStore.open(tmp_path / "p")
    assert not store
    store["a"] = 1
    assert store
    store.close()
    theirs = pysos.Dict(os.fspath(tmp_path / "p"))
    assert dict(theirs) == {"a": 1}
    theirs.close()


def test_pysos_reads_what_we_rewrite(tmp_path):
    """After many sets and deletes of all lengths, freed lines are reused and pysos reads the same."""
    expected = {}
    with PysosStore.open(tmp_path / "p") as store:
        for number in range(400):
            key = f"k{number * 7 % 23}"
            if number % 5 == 0 and key in expected:
                del store[key], expected[key]
            else:
                store[key] = expected[key] = "\u00e9x" * (number * 13 % 37)
        assert store.copy() == expected
    size = (tmp_path / "p").stat().st_size
    assert size < 6000  # 400 lines without reuse are some 20,000 bytes
    theirs = pysos.Dict(os.fspath(tmp_path / "p"))
    assert {key: theirs[key] for key in theirs} == expected
    assert dict(theirs.items()) == expected
    theirs["new"] = 1
    theirs.close()
    with PysosStore.open(tmp_path / "p") as store:
        assert store.copy() == expected | {"new": 1}


def test_pysos_keeps_lines_of_any_json(tmp_path):
    """A document with line breaks in its bytes is stored as one line; what is no document is refused."""
    store = Pysos(tmp_path / "p")
    store["a"] = b'{\n "x": [1,\n 2]\n}'
    assert json.loads(store["a"]) == {"x": [1, 2]}
    for bad in (b"", b"{", b"1 2", b"\xff", b"nope"):
        with pytest.raises(CodecError, match="'b'"):
            store["b"] = bad
    assert list(store) == ["a"]
    store.close()


def test_a_key_that_a_crash_left_twice_is_listed_once(tmp_path):
    """A crash between the new line and the removal of the old one leaves both: the new one counts, once."""
    (tmp_path / "p").write_bytes(b'# FILE-DICT v1\n"a"\t"old"\n"b"\t1\n"a"\t"new"\n')
    with PysosStore.open(tmp_path / "p") as store:
        assert sorted(store.items()) == [("a", "new"), ("b", 1)]
        assert len(store) == 2


def test_a_killed_pysos_writer_loses_no_finished_write(tmp_path):
    """After SIGKILL everything that was set is there, and the next set is kept too."""
    code = (
        "import os, signal, sys; from spoonbill.datastores import PysosStore\n"
        "store = PysosStore.open(sys.argv[1])\n"
        "for number in range(100): store[f'k{number % 10}'] = number\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert child(code, tmp_path / "p") == -signal.SIGKILL
    for _ in range(2):
        with PysosStore.open(tmp_path / "p") as store:
            assert {key: value for key, value in store.items() if key != "next"} == {f"k{n}": 90 + n for n in range(10)}
            store["next"] = 1


# -- shelve --------------------------------------------------------------------------------------------------------


def test_an_existing_shelf_keeps_its_dbm(tmp_path):
    """A shelf is opened with the dbm that wrote it, whatever a new one would be made with."""
    with shelve.Shelf(dbm.dumb.open(os.fspath(tmp_path / "s"), "c")) as shelf:
        shelf["a"] = [1]
    with ShelveStore.open(tmp_path / "s") as store:
        store["a"].append(2)  # no writeback: a read writes nothing
        assert store.copy() == {"a": [1]}
        store["b"] = 2
    assert dbm.whichdb(os.fspath(tmp_path / "s")) == "dbm.dumb"
    with shelve.open(os.fspath(tmp_path / "s"), flag="r") as shelf:
        assert dict(shelf) == {"a": [1], "b": 2}


def test_a_strict_shelf_runs_nothing(tmp_path):
    """strict=True reads plain values of a shelf, and refuses a pickle that would call something."""

    class Harm:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "harmed"),)

    with shelve.Shelf(dbm.dumb.open(os.fspath(tmp_path / "s"), "c")) as shelf:
        shelf["plain"] = {"a": [1, (2, 3)]}
        shelf.dict[b"harm"] = pickle.dumps(Harm())
    with ShelveStore.open(tmp_path / "s", strict=True) as store:
        assert store["plain"] == {"a": [1, (2, 3)]}
        with pytest.raises(CodecError, match="harm"):
            store["harm"]
    assert not (tmp_path / "harmed").exists()


def test_length_and_membership_of_a_shelf_read_no_value(tmp_path):
    """Len and in are answered by the dbm: nothing is decoded."""
    with ShelveStore.open(tmp_path / "s", dbm="dbm.dumb") as store:
        store.update({str(number): number for number in range(100)})
        store.raw.set("5", b"not a pickle")
        assert len(store) == 100
        assert "5" in store
        assert "100" not in store


# -- files ---------------------------------------------------------------------------------------------------------


def test_no_glob_ever(tmp_path):
    """Deleting `p*` deletes that key alone, on disk and in fsspec's memory."""
    for url in (tmp_path / "f", "memory://no-glob"):
        store = FilesystemStore(url, codec="raw")
        store.update({"p*": b"1", "p1": b"2", "p2": b"3", "[1]": b"4", "1": b"5"})
        del store["p*"]
        del store["[1]"]
        assert store.copy() == {"p1": b"2", "p2": b"3", "1": b"5"}


def test_a_killed_writer_leaves_whole_values(tmp_path):
    """A process killed during overwrites leaves each key with its old or its new value, and no visible rest."""
    code = (
        "import sys; from spoonbill.datastores import FilesystemStore\n"
        "store = FilesystemStore(sys.argv[1], codec='raw'); print('ready', flush=True)\n"
        "number = 0\n"
        "while True:\n"
        "    number += 1\n"
        "    store['a'] = str(number).encode() * 5000; store['b'] = str(number).encode() * 5000\n"
    )
    for turn in range(20):
        writer = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "f")], stdout=subprocess.PIPE)
        writer.stdout.readline()
        threading.Event().wait(0.002 * turn)
        writer.kill()
        writer.wait()
        writer.stdout.close()
        store = FilesystemStore(tmp_path / "f", codec="raw")
        assert set(store) <= {"a", "b"}
        for value in store.values():
            number = value[: len(value) // 5000]
            assert value == number * 5000


def test_files_of_others_are_named(tmp_path):
    """A file that this store would not have written is an error that names it, and is not listed as some key."""
    store = FilesystemStore(tmp_path / "f", codec="raw")
    store["good"] = b"1"
    (tmp_path / "f" / "Upper.TXT").write_text("theirs")
    with pytest.raises(ValueError, match=r"Upper\.TXT"):
        list(store)
    assert store["good"] == b"1"


def test_a_folder_in_place_of_a_file_is_an_error_not_absence(tmp_path):
    """A directory where the file of a key should be is reported, by read and by write."""
    (tmp_path / "f" / "a").mkdir(parents=True)
    store = FilesystemStore(tmp_path / "f", codec="raw")
    for use in (lambda: store["a"], lambda: store.set("a", b"1"), lambda: store.delete("a")):
        with pytest.raises(StoreError, match="'a'"):
            use()


def test_written_through_to_the_disk(tmp_path, monkeypatch):
    """sync=True writes files, renames, removals and new folders through, each in its folder; without it nothing."""
    synced = []

    def noted(descriptor):
        synced.append(os.path.relpath(os.readlink(f"/proc/self/fd/{descriptor}"), tmp_path))

    monkeypatch.setattr(os, "fsync", noted)
    loose = FilesystemStore(tmp_path / "f", codec="raw")
    loose["a"] = b"1"
    del loose["a"]
    assert synced == []
    store = FilesystemStore(tmp_path / "g", codec="raw", sync=True)
    deep = "x" * 200
    folder = f"g/{path_of(deep).rpartition('/')[0]}"

    def during(work):
        synced.clear()
        work()
        return [name for name in synced if "~part" not in name]

    def load():
        store.raw.replace_all([("n", b"1")])

    assert during(lambda: store.set("a", b"1")) == [".", "g"]
    assert len(synced) == 3  # and the file itself
    assert during(lambda: store.set("a", b"2")) == ["g"]
    assert during(lambda: store.set(deep, b"2")) == ["g", folder]
    assert during(lambda: store.delete("a")) == ["g"]
    assert during(lambda: store.pop(deep)) == [folder]
    assert during(lambda: store.raw.add("b", b"1")) == ["g"]
    assert during(store.clear) == ["g"]
    store["old"] = b"1"
    assert during(load).count("g") >= 4  # the second names, the record, the renames, the removals
    assert len(synced) > 7


def test_an_unwritable_place_is_an_error_that_loses_nothing(tmp_path):
    """Where the write fails, the old value is whole and no temporary file is left."""
    store = Cached(Codec(Filesystem(tmp_path / "f"), "raw"))
    store["a"] = b"old"
    real = os.replace

    def fails(source, target):
        raise OSError(28, "No space left on device")

    os.replace = fails
    try:
        with pytest.raises(StoreError, match="No space left"):
            store["a"] = b"new"
    finally:
        os.replace = real
    assert store["a"] == b"old"
    assert [file.name for file in (tmp_path / "f").iterdir()] == ["a"]


# -- between stores --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", sorted(STORES))
@pytest.mark.parametrize("source", sorted(STORES))
def test_any_store_loads_what_any_other_saved(source, target, tmp_path):
    """A snapshot of one kind of store brings every value into another kind."""
    pairs = {"a": {"x": [1, None, 1.5]}, "!5": "five", "": True}
    with STORES[source].open(tmp_path / "source") as one, STORES[target].open(tmp_path / "target") as two:
        one.update(pairs)
        two["old"] = 1
        one.save(tmp_path / "snapshot")
        two.load(tmp_path / "snapshot")
        assert two.copy() == pairs


def test_a_snapshot_with_pickles_needs_consent(tmp_path):
    """Values that only pickle holds are flagged: a strict store refuses the whole file before it touches anything."""
    loose = InMemoryStore({"f": threading.Event}, strict=False)
    loose.save(tmp_path / "s")
    strict = InMemoryStore({"kept": 1})
    with pytest.raises(SpoonbillError, match="strict=False"):
        strict.load(tmp_path / "s")
    assert strict == {"kept": 1}
    assert InMemoryStore.open(tmp_path / "s", strict=False)["f"] is threading.Event


def test_an_interrupted_save_leaves_the_old_snapshot(tmp_path):
    """A save that fails half-way leaves the file that was there, and nothing beside it."""
    InMemoryStore({"a": 1}).save(tmp_path / "s")
    with pytest.raises(SpoonbillError):
        InMemoryStore({"a": 2, "bad": object()}).save(tmp_path / "s")
    assert InMemoryStore.open(tmp_path / "s") == {"a": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["s"]
