"""FilesystemStore.save: the files in another folder, all or nothing, and any store that loads them."""

import errno
import json
import os
import signal
import subprocess
import sys

import pytest

from spoonbill.datastores import FilesystemStore, InMemoryStore, LmdbStore
from spoonbill.errors import CodecError, SnapshotError, SpoonbillError, StoreError
from tests.filesystems.faults import FaultyFileSystem

PAIRS = {"a": {"x": [1, None]}, "B/c": "text", "": True, ("t", 1): 1.5, "x" * 400: b"bytes", "~part": 1}


@pytest.fixture
def store(tmp_path):
    store = FilesystemStore.open(tmp_path / "store")
    store.update(PAIRS)
    return store


@pytest.fixture
def faulty(request):
    yield f"faulty://{request.node.name}"
    FaultyFileSystem.fault = staticmethod(lambda call, path: None)


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_files_are_the_same(store, tmp_path):
    """A save writes the same files under the same names, and a note about them; the progress counts files."""
    seen = []
    store.save(tmp_path / "saved", progress=seen.append)
    saved = files(tmp_path / "saved")
    note = saved.pop("files~note").decode().splitlines()
    assert saved == files(tmp_path / "store")
    assert json.loads(note[0]) == {"spoonbill": "files 1", "files": len(PAIRS), "codec": "msgpack", "strict": True}
    assert seen == list(range(1, len(PAIRS) + 1))
    assert FilesystemStore.open(tmp_path / "saved").copy() == PAIRS


def test_a_second_save_replaces_the_first(store, tmp_path):
    """What is gone from the store is gone from the folder after the next save."""
    store.save(tmp_path / "saved")
    del store["a"]
    store["new"] = 2
    store.save(tmp_path / "saved")
    assert FilesystemStore.open(tmp_path / "saved").copy() == store.copy()
    assert len(files(tmp_path / "saved")) == len(store) + 1


def test_a_name_that_says_snapshot_is_one_file(store, tmp_path):
    """save("x.snapshot") writes the file that every store writes, and load reads both forms."""
    store.save(tmp_path / "s.snapshot")
    store.save(tmp_path / "folder")
    assert (tmp_path / "s.snapshot").is_file()
    for name in ("s.snapshot", "folder"):
        for target in (InMemoryStore({"old": 1}), FilesystemStore.open(tmp_path / f"to-{name}", codec="pickle")):
            target.load(tmp_path / name)
            assert target.copy() == PAIRS
        with LmdbStore.open(tmp_path / f"lmdb-{name}") as lmdb:
            lmdb.load(tmp_path / name)
            assert lmdb.copy() == PAIRS


def test_a_folder_that_no_save_finished_is_refused(store, tmp_path):
    """A folder without its note, with a file missing, cut or changed in length, is refused before anything changes."""
    target = InMemoryStore({"kept": 1})
    with pytest.raises(SnapshotError, match="note"):
        target.load(tmp_path / "store")
    store.save(tmp_path / "saved")
    (tmp_path / "saved" / "a").write_bytes(b"")
    with pytest.raises(SnapshotError, match="the file a "):
        target.load(tmp_path / "saved")
    (tmp_path / "saved" / "a").unlink()
    with pytest.raises(SnapshotError, match="missing"):
        target.load(tmp_path / "saved")
    note = tmp_path / "saved" / "files~note"
    note.write_bytes(note.read_bytes()[:-20])
    with pytest.raises(SnapshotError, match="note"):
        target.load(tmp_path / "saved")
    assert target == {"kept": 1}


def test_pickles_need_consent(tmp_path):
    """Files that can run code when they are read are refused by a strict store, before one of them is read."""
    loose = FilesystemStore.open(tmp_path / "f", strict=False)
    loose["f"] = Harm(str(tmp_path / "harmed"))
    loose.save(tmp_path / "saved")
    strict = InMemoryStore({"kept": 1})
    with pytest.raises(SpoonbillError, match="strict=False"):
        strict.load(tmp_path / "saved")
    assert strict == {"kept": 1}
    assert not (tmp_path / "harmed").exists()


class Harm:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_an_entry_that_does_not_fit_touches_nothing(store, tmp_path):
    """The whole folder is tried against the store first."""
    store.save(tmp_path / "saved")
    target = FilesystemStore.open(tmp_path / "json", codec="text")
    target["kept"] = "1"
    with pytest.raises(CodecError):
        target.load(tmp_path / "saved")
    assert target.copy() == {"kept": "1"}


def test_an_interrupted_save_leaves_the_folder_and_is_taken_up(tmp_path, faulty):
    """A save that breaks off shows nothing; the next one copies the rest alone, and what changed meanwhile anew."""
    store = FilesystemStore.open(tmp_path / "store", codec="raw")
    old = {"old": b"1", "k00001": b"2"}
    store.update(old)
    store.save(faulty)
    saved = FilesystemStore.open(faulty, codec="raw")
    store.clear()
    store.update({f"k{number:05d}": b"new" * 10 for number in range(1000)})
    written = []

    def breaks(call, path):
        if call == "pipe_file":
            written.append(path)
            if len(written) > 700:
                raise TimeoutError("the line is dead")

    FaultyFileSystem.fault = staticmethod(breaks)
    with pytest.raises(StoreError, match="dead"):
        store.save(faulty)
    assert saved.copy() == old
    store["k00000"] = b"changed since"
    written.clear()
    FaultyFileSystem.fault = staticmethod(lambda call, path: written.append(path) if call == "pipe_file" else None)
    store.save(faulty)
    copies = [path for path in written if "/saving-" in path and "journal" not in path]
    assert 400 <= len(copies) <= 450  # 200 of 600 are copied again or changed
    FaultyFileSystem.fault = staticmethod(lambda call, path: None)
    assert saved.copy() == store.copy()
    names = [path.rpartition("/")[2] for path in saved.raw._folder.fs.find(saved.raw._root)]
    assert sorted(names) == sorted([*store.keys(), "files~note"])


def test_two_stores_saved_into_one_folder_do_not_mix(tmp_path):
    """A save that comes between the copies and the renames of another shows its own files, and so does the other."""
    one, two = (FilesystemStore.open(tmp_path / name, codec="raw") for name in ("one", "two"))
    one.update({"a": b"1", "b": b"1", "only": b"1"})
    two.update({"a": b"2", "b": b"2"})
    shown = []

    def between(number):
        if number == 3:
            two.save(tmp_path / "saved")
            shown.append(FilesystemStore.open(tmp_path / "saved", codec="raw").copy())

    one.save(tmp_path / "saved", progress=between)
    assert shown == [two.copy()]
    assert FilesystemStore.open(tmp_path / "saved", codec="raw").copy() == one.copy()
    assert sorted(os.listdir(tmp_path / "saved")) == ["a", "b", "files~note", "only"]


def test_a_killed_save_leaves_the_folder_as_it_was(tmp_path):
    """SIGKILL during a save: the folder holds what it held; the next save finishes."""
    store = FilesystemStore.open(tmp_path / "store", codec="raw")
    store.update({"a": b"1", "b": b"2"})
    store.save(tmp_path / "saved")
    store.update({f"{number}": b"new" for number in range(1000)} | {"a": b"new"})
    code = (
        "import os, signal, sys; from spoonbill.datastores import FilesystemStore\n"
        "def kill(count):\n"
        "    if count == 500: os.kill(os.getpid(), signal.SIGKILL)\n"
        "FilesystemStore.open(sys.argv[1], codec='raw').save(sys.argv[2], progress=kill)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code, tmp_path / "store", tmp_path / "saved"], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert FilesystemStore.open(tmp_path / "saved", codec="raw").copy() == {"a": b"1", "b": b"2"}
    memory = InMemoryStore()
    memory.load(tmp_path / "saved")
    assert memory == {"a": b"1", "b": b"2"}
    store.save(tmp_path / "saved")
    assert FilesystemStore.open(tmp_path / "saved", codec="raw").copy() == store.copy()
    assert len(os.listdir(tmp_path / "saved")) == len(store) + 1


def test_a_large_file_passes_in_pieces(tmp_path):
    """A file of more than the memory that a save takes is copied whole to another filesystem."""
    store = FilesystemStore.open(tmp_path / "store", codec="raw")
    large = os.urandom(1 << 20) * 40
    store["large"] = large
    store["small"] = b"1"
    store.save("memory://large-files")
    assert FilesystemStore.open("memory://large-files", codec="raw").copy() == {"large": large, "small": b"1"}


def test_a_save_into_itself_is_refused(store, tmp_path):
    """A target that is the store's own folder, or lies in it, is an error."""
    for target in (tmp_path / "store", tmp_path / "store" / "below", tmp_path):
        with pytest.raises(StoreError, match="into themselves"):
            store.save(target)
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="file"):
        store.save(tmp_path / "file")
    assert store.copy() == PAIRS


def test_a_save_never_removes_what_no_save_wrote(tmp_path):
    """A folder with files of another program, or keys set there since, is refused by name and stays as it is."""
    store = FilesystemStore.open(tmp_path / "store", codec="raw")
    store.update({"a": b"1", "b": b"2"})
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "thesis.txt").write_text("my only copy")
    with pytest.raises(StoreError, match=r"folder holds files.*'thesis\.txt'.*another folder"):
        store.save(folder)
    assert sorted(os.listdir(folder)) == ["thesis.txt"]
    (folder / "thesis.txt").unlink()
    store.save(folder)
    FilesystemStore.open(folder, codec="raw")["since"] = b"1"
    with pytest.raises(StoreError, match="'since'"):
        store.save(folder)
    assert (folder / "since").read_bytes() == b"1"
    del FilesystemStore.open(folder, codec="raw")["since"]
    store.save(folder)
    (folder / "files~note").write_bytes(b"torn")
    with pytest.raises(StoreError, match="no save wrote"):
        store.save(folder)
    assert FilesystemStore.open(folder, codec="raw").copy() == store.copy()


FULL = """
import os, resource, sys
from spoonbill.datastores import FilesystemStore, InMemoryStore
from spoonbill.errors import StoreError
memory = InMemoryStore({"a": 1})
memory.save("s.snapshot")
files = FilesystemStore.open("files", codec="raw")
files["a"] = b"old"
files.save("saved")
files["b"] = bytes(200_000)
memory["b"] = bytes(200_000)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
for save in (lambda: memory.save("s.snapshot"), lambda: memory.save("new.snapshot"), lambda: files.save("saved")):
    try:
        save()
    except StoreError as error:
        print(type(error.__cause__).__name__)
assert InMemoryStore.open("s.snapshot") == {"a": 1}
assert FilesystemStore.open("saved", codec="raw").copy() == {"a": b"old"}
print(sorted(name for name in os.listdir() if "snapshot" in name))
"""


def test_a_save_where_no_room_is_left(tmp_path):
    """A file that may not grow, as on a full disk, makes a local save a StoreError; what was saved before stays."""
    ended = subprocess.run(
        [sys.executable, "-c", FULL], cwd=tmp_path, capture_output=True, text=True, check=False, env=with_this_tree()
    )
    assert ended.stderr == ""
    assert ended.stdout.splitlines() == ["OSError"] * 3 + ["['s.snapshot']"]


def with_this_tree():
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def test_a_full_disk_is_told_with_its_remedy(tmp_path, monkeypatch):
    """ENOSPC at the end of a local save: a StoreError that says what to do, and nothing is left beside."""

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match=r"save failed at .*free some space"):
        InMemoryStore({"a": 1}).save(tmp_path / "s.snapshot")
    assert os.listdir(tmp_path) == []


def test_what_a_killed_save_of_one_file_left_is_swept(tmp_path):
    """The next save to the same path removes what a killed one left half written, and not what a living one writes."""
    code = (
        "import os, signal, sys; from spoonbill.datastores import InMemoryStore\n"
        "def kill(count): os.kill(os.getpid(), signal.SIGKILL)\n"
        "InMemoryStore({n: n for n in range(100)}).save(sys.argv[1], progress=kill)\n"
    )
    path = tmp_path / "s.snapshot"
    subprocess.run([sys.executable, "-c", code, path], check=False, env=with_this_tree())
    (left,) = os.listdir(tmp_path)
    assert left.startswith(".s.snapshot.")
    living = []

    def save_again(_):
        if not living:
            living.append(os.listdir(tmp_path))
            InMemoryStore({"inner": 1}).save(path)
            living.append(os.listdir(tmp_path))

    InMemoryStore({"a": 1}).save(path, progress=save_again)
    assert left not in living[0]
    assert set(living[0]) <= set(living[1])
    assert os.listdir(tmp_path) == ["s.snapshot"]
    assert InMemoryStore.open(path) == {"a": 1}
