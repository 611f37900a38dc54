"""Local directories and fsspec's memory: the kit, and what disks, links, folders, processes and faults do to files."""

import os
import pickle
import random
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import unicodedata
import zipfile

import fsspec
import pytest

from spoonbill.backends import Filesystem
from spoonbill.common.sentinels import MISSING
from spoonbill.datastores import FilesystemStore, InMemoryStore
from spoonbill.errors import (
    InvalidKeyError,
    MissingExtraError,
    ReadOnlyError,
    StoreError,
    UnsupportedError,
)
from spoonbill.filesystems.names import path_of, stems_of
from spoonbill.testing import refuses_every_write
from tests.filesystems.objects import FilesContract


class TestLocal(FilesContract):
    def make(self, path):
        self.path = path / "data"
        return Filesystem(self.path)

    def peek(self, store, key):
        file = self.path / path_of(key)
        return file.read_bytes() if file.is_file() else MISSING

    def poke(self, store, key, value):
        (self.path / path_of(key)).write_bytes(value)

    def names(self, store):
        return [path.name for path in self.path.iterdir()]


class TestMemory(FilesContract):
    def make(self, path):
        self.root = f"/{path}"
        return Filesystem(f"memory:/{self.root}")

    @property
    def files(self):
        return fsspec.filesystem("memory")

    def peek(self, store, key):
        path = f"{self.root}/{path_of(key)}"
        return self.files.cat_file(path) if self.files.isfile(path) else MISSING

    def poke(self, store, key, value):
        self.files.pipe_file(f"{self.root}/{path_of(key)}", value)

    def names(self, store):
        return [one["name"].rpartition("/")[2] for one in self.files.ls(self.root)]


class TestCachedOnDisk(TestLocal):
    """The contract holds with a cache directory too: nothing is remembered in place of the medium."""

    def make(self, path):
        self.path = path / "data"
        return Filesystem(self.path, cache=path / "cache")


WRITER = """
import sys
from spoonbill.datastores import FilesystemStore
store = FilesystemStore(sys.argv[1], codec="raw")
print("ready", flush=True)
for number in range(1, 10_000):
    for key in "ab":
        store[key] = str(number).encode().rjust(6) * 20_000
    print(number, flush=True)
"""


def test_killed_at_random_moments_of_many_overwrites(tmp_path):
    """SIGKILL during some 200 overwrites: every key holds its old or its new value, whole; nothing else is listed."""
    moments = random.Random(7)
    root = tmp_path / "f"
    store = FilesystemStore(root, codec="raw")
    overwrites = 0
    for _ in range(20):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(root)], stdout=subprocess.PIPE, text=True)
        with writer.stdout:
            last = 0
            writer.stdout.readline()
            for _ in range(moments.randint(2, 14)):
                last = int(writer.stdout.readline())
            threading.Event().wait(moments.random() / 500)
            writer.send_signal(signal.SIGKILL)
            writer.wait()
        assert set(store) == {"a", "b"}
        for value in store.values():
            assert len(value) == 120_000
            assert value == value[:6] * 20_000
            assert int(value[:6]) >= last
        overwrites += 2 * last
    assert overwrites >= 200


def test_of_many_processes_that_add_one_key_one_wins(tmp_path):
    """Add is exclusive between processes, and pop gives a value to one of them."""
    code = (
        "import sys; from spoonbill.backends import Filesystem\n"
        "store = Filesystem(sys.argv[1]); sys.stdin.readline()\n"
        "print(sum(store.add(str(n), sys.argv[2].encode()) for n in range(200)), flush=True); sys.stdin.readline()\n"
        "print(sum(store.pop(str(n), None) is not None for n in range(200)))\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "f")]
    processes = [
        subprocess.Popen([*command, str(n)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for n in range(3)
    ]
    for _ in range(2):
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        assert sum(int(process.stdout.readline()) for process in processes) == 200
    for process in processes:
        process.communicate()
    assert list(Filesystem(tmp_path / "f")) == []
    assert list((tmp_path / "f").iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process.*fork:DeprecationWarning")
def test_both_sides_of_a_fork_go_on(tmp_path):
    """A child writes through the handle that it inherited, while the parent's lock is held."""
    store = FilesystemStore(tmp_path / "f")
    store["a"] = 1
    with store._lock:
        child = os.fork()
        if child == 0:
            store["b"] = store["a"] + 1
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert store.copy() == {"a": 1, "b": 2}


def test_a_link_to_a_file_is_read_and_never_written_through(tmp_path):
    """A link to a file of the store is a value; a set replaces the link and not what it leads to; dangling: absent."""
    store = Filesystem(tmp_path / "f")
    store["a"] = b"1"
    (tmp_path / "f" / "outside~part").write_bytes(b"theirs")
    (tmp_path / "f" / "link").symlink_to("outside~part")
    (tmp_path / "f" / "dangling").symlink_to(tmp_path / "nowhere")
    assert dict(store.items()) == {"a": b"1", "link": b"theirs"}
    assert "dangling" not in store
    store["link"] = b"ours"
    assert (tmp_path / "f" / "outside~part").read_bytes() == b"theirs"
    del store["link"]
    assert (tmp_path / "f" / "outside~part").exists()
    assert list(store) == ["a"]


def test_a_link_to_a_folder_is_not_entered(tmp_path):
    """A folder that links to itself does not make a listing endless, nor brings in what is elsewhere."""
    store = Filesystem(tmp_path / "f")
    store["x" * 200] = b"1"
    (tmp_path / "f" / "loop~").symlink_to(tmp_path / "f")
    assert list(store) == ["x" * 200]
    root = tmp_path / "root"
    root.symlink_to(tmp_path / "f")
    assert list(Filesystem(root)) == ["x" * 200]


def test_two_keys_are_two_files_where_case_does_not_count():
    """On a filesystem that takes a for A, and one accent's form for another, no two keys meet."""
    keys = [
        "a",
        "A",
        "\u00e9",
        "e\u0301",
        "\u00c9",
        "Stra\u00dfe",
        "STRASSE",
        "\u212a",
        "k",
        "K",
        "\ufb01",
        "fi",
        "con",
    ]
    folded = {unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", path_of(key)).casefold()) for key in keys}
    assert len(folded) == len(keys)
    assert {path_of(key)[:1] for key in ["con", "CON", "nul.txt"]} == {"%"}


def test_stems_cover_every_key_that_begins_so():
    """For many beginnings and endings: the path of the key begins with one of the stems of its beginning."""
    letters = ["a", "A", ".", " ", "/", "con", "x" * 170, "\u00e9", "1", "~"]
    chance = random.Random(3)
    for _ in range(5000):
        start = "".join(chance.choices(letters, k=chance.randint(0, 3)))
        key = start + "".join(chance.choices(letters, k=chance.randint(0, 3)))
        assert path_of(key).startswith(stems_of(start)), (start, key)


def test_options_that_mean_nothing_are_refused(tmp_path):
    """sync= away from the disk, manifest= away from the web, an unknown scheme and a missing client are named."""
    with pytest.raises(UnsupportedError, match="sync"):
        FilesystemStore.open("memory://x", sync=True)
    with pytest.raises(UnsupportedError, match="manifest"):
        FilesystemStore.open(tmp_path, manifest="list")
    with pytest.raises(StoreError, match="nosuch"):
        FilesystemStore.open("nosuch://x")
    with pytest.raises(InvalidKeyError, match="Codec"):
        Filesystem(tmp_path / "f").set("a", "text")
    code = (
        "import sys; sys.modules['s3fs'] = None\n"
        "from spoonbill.datastores import FilesystemStore\n"
        "FilesystemStore.open('s3://bucket/x')\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'spoonbill-framework[s3]'" in ended.stderr
    assert MissingExtraError.__name__ in ended.stderr


def test_a_store_pickles_and_opens_where_it_was(tmp_path):
    """A pickled FilesystemStore is the same store, with its cache and codec."""
    store = FilesystemStore.open(tmp_path / "f", codec="json", cache=1000)
    store["a"] = [1]
    assert pickle.loads(pickle.dumps(store))["a"] == [1]
    assert repr(store) == f"FilesystemStore('{tmp_path / 'f'}', codec='json', cache=1000)"


def test_capabilities_are_truthful_through_layers(tmp_path):
    """read_range is claimed where there is such a method, and add where the medium has it."""
    store = FilesystemStore.open(tmp_path / "f", codec="text")
    store["a"] = "0123456789"
    assert store.read_range("a", 2, 4) == b"23"
    assert "read_range" in store.capabilities
    assert "read_range" not in store.inner.capabilities
    assert {"add", "pop"} <= store.capabilities
    assert "replace" not in store.capabilities
    assert "add" not in FilesystemStore.open("memory://x").capabilities


def test_importing_the_store_imports_no_cloud():
    """Neither the names nor a local store load a cloud's client."""
    code = (
        "import sys, spoonbill; from spoonbill.datastores import FilesystemStore; FilesystemStore.open('x')\n"
        "sys.exit(len({'s3fs', 'gcsfs', 'adlfs', 'aiohttp', 'botocore', 'azure', 'google'} & set(sys.modules)))\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_archive_is_read_and_not_written(tmp_path):
    """A zip of a store's files is that store, read-only, also behind another filesystem."""
    pairs = {"a": 1, "B/c": [2], "x" * 400: 3}
    store = FilesystemStore.open(tmp_path / "f")
    store.update(pairs)
    shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "f")
    fsspec.filesystem("memory").pipe_file("/packed.zip", (tmp_path / "packed.zip").read_bytes())
    for url in (f"zip://::{tmp_path / 'packed.zip'}", "zip://::memory://packed.zip"):
        packed = FilesystemStore.open(url)
        assert packed.copy() == pairs
        assert packed.read_range("a", 0, 5) == store.read_range("a", 0, 5)
        assert "absent" not in packed
        refuses_every_write(packed, pairs)
        for write in (lambda p=packed: p.raw.set("a", b""), lambda p=packed: p.raw.clear()):
            with pytest.raises(ReadOnlyError):
                write()
        packed.close()


@pytest.mark.parametrize("spelling", [".", "./st"])
@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_members_that_begin_with_a_dot_are_listed(tmp_path, kind, spelling):
    """``tar cf x.tar .`` names its members ``./a``: they are the same files as ``a``."""
    FilesystemStore.open(tmp_path / "st", codec="json").update({"a": 1, "x" * 300: 2})
    base = tmp_path / "st" if spelling == "." else tmp_path
    path = tmp_path / f"x.{kind}"
    files = [file for file in (tmp_path / "st").rglob("*") if file.is_file()]
    if kind == "tar":
        with tarfile.open(path, "w") as archive:
            for file in files:
                archive.add(file, f"./{file.relative_to(base)}")
    else:
        with zipfile.ZipFile(path, "w") as archive:
            for file in files:
                archive.writestr(zipfile.ZipInfo(f"./{file.relative_to(base)}"), file.read_bytes())
    for root in ("", "."):
        inside = f"{root}/st" if spelling == "./st" else root
        store = FilesystemStore(f"{kind}://{inside}::{path}", codec="json")
        assert dict(store.items()) == {"a": 1, "x" * 300: 2}
        assert store["a"] == 1
        assert store.read_range("a", 0, 1) == b"1"
        store.save(tmp_path / "saved" / root)


@pytest.mark.parametrize("stray", [".DS_Store", "._a", ".git/config", ".nfs0001"])
def test_hidden_files_are_not_keys(tmp_path, stray):
    """What no store can have written and begins with a dot is not listed, not saved and not removed."""
    store = FilesystemStore.open(tmp_path / "st", codec="json")
    pairs = {"a": 1, ".hidden": 2, "x" * 180 + ".y": 3}
    store.update(pairs)
    (tmp_path / "st" / stray).parent.mkdir(exist_ok=True)
    (tmp_path / "st" / stray).write_bytes(b"\0\1")
    assert len(store) == 3
    assert dict(store.items()) == pairs
    store.save(tmp_path / "saved")
    assert not (tmp_path / "saved" / stray).exists()
    (tmp_path / "saved" / stray).parent.mkdir(exist_ok=True)
    (tmp_path / "saved" / stray).write_bytes(b"\0\1")
    store.save(tmp_path / "saved")
    assert dict(FilesystemStore.open(tmp_path / "saved", codec="json").items()) == pairs
    store.clear()
    assert len(store) == 0
    assert (tmp_path / "st" / stray).read_bytes() == b"\0\1"


def test_a_listing_of_doubled_slashes_ends():
    """A folder without a name, as a doubled slash makes one, is not entered again and again."""
    root = f"memory://bucket-{os.urandom(4).hex()}"
    store = FilesystemStore(f"{root}//users", codec="json")
    store["a"] = 1
    assert list(FilesystemStore(root, codec="json")) == []
    assert dict(store.items()) == {"a": 1}


def test_a_path_as_a_uri_is_that_path(tmp_path):
    """``Path.as_uri`` writes a space as %20: the store, and a snapshot, are where the path says."""
    folder = tmp_path / "a b%"
    with FilesystemStore(folder, codec="json") as store:
        store["x"] = 1
    with FilesystemStore(folder.as_uri(), codec="json") as store:
        assert dict(store.items()) == {"x": 1}
    InMemoryStore({"y": 2}).save((tmp_path / "s t.snapshot").as_uri())
    assert dict(InMemoryStore.open(tmp_path / "s t.snapshot")) == {"y": 2}
