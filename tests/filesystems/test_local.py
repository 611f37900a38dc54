"""Local directories and fsspec's memory: the kit, and what disks, links, folders, processes and faults do to files."""

import errno
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
    KeyTooLongError,
    MissingExtraError,
    PartialWriteError,
    ReadOnlyError,
    StoreError,
    UnsupportedError,
)
from spoonbill.filesystems import local
from spoonbill.filesystems.names import path_of, stems_of
from spoonbill.testing import refuses_every_write
from tests.filesystems.faults import FaultyFileSystem
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


# -- processes ------------------------------------------------------------------------------------------------------

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


# -- what disks and other programs do -------------------------------------------------------------------------------


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


class TestFaults:
    """What the operating system answers is an error with its remedy, and the old value stands."""

    @pytest.fixture
    def store(self, tmp_path):
        store = FilesystemStore(tmp_path / "f", codec="raw")
        store["a"] = b"old"
        return store

    @pytest.mark.parametrize(
        ("number", "remedy"),
        [
            (errno.ENOSPC, "free some space"),
            (errno.EDQUOT, "free some space"),
            (errno.EROFS, "read-only"),
            (errno.EACCES, "credentials and what they may do"),
            (errno.EIO, "Check the path"),
        ],
    )
    def test_a_disk_that_refuses(self, store, monkeypatch, number, remedy):
        """A full or read-only disk, a quota, a missing right: the value that was there is whole, nothing is left."""

        def refuses(*_):
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(local.os, "write", refuses)
        for use in (lambda: store.set("a", b"new"), lambda: store.add("b", b"new"), lambda: store.update({"a": b"n"})):
            with pytest.raises(StoreError, match=remedy):
                use()
        with pytest.raises(StoreError, match=remedy):
            store.replace_all([("a", b"new")])
        monkeypatch.undo()
        assert store.copy() == {"a": b"old"}
        assert len(os.listdir(store.raw._root)) == 1

    def test_a_read_that_is_refused_is_no_absence(self, store, monkeypatch):
        """Permission denied is a StoreError in every read, never a KeyError or a default."""

        def refuses(*_):
            raise PermissionError(errno.EACCES, "Permission denied")

        monkeypatch.setattr(local.os, "open", refuses)
        for use in (lambda: store["a"], lambda: store.get("a"), lambda: store.get_many(["a"]), lambda: store.pop("a")):
            with pytest.raises(StoreError, match="'a'"):
                use()
        monkeypatch.undo()
        assert store["a"] == b"old"

    def test_a_full_disk_for_real(self, tmp_path):
        """On a filesystem of one megabyte: a write that does not fit raises, and what was there is whole."""
        place = tmp_path / "small"
        place.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", place], capture_output=True).returncode:
            pytest.skip("this machine does not let the tests mount a filesystem")
        try:
            store = FilesystemStore(place / "f", codec="raw")
            store["a"] = b"old" * 1000
            for write in (lambda: store.set("a", bytes(2_000_000)), lambda: store.add("b", bytes(2_000_000))):
                with pytest.raises(StoreError, match="free some space"):
                    write()
            with pytest.raises(StoreError, match="free some space"):
                store.replace_all((str(number), bytes(400_000)) for number in range(5))
            assert store.copy() == {"a": b"old" * 1000}
            subprocess.run(["mount", "-o", "remount,ro", place], check=True)
            with pytest.raises(StoreError, match="read-only"):
                store["a"] = b"new"
            assert store["a"] == b"old" * 1000
        finally:
            subprocess.run(["umount", place], check=True)

    def test_a_disk_without_hard_links(self, store, monkeypatch):
        """Where links are refused, add is exclusive all the same."""

        def refuses(*_, **__):
            raise PermissionError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(local.os, "link", refuses)
        assert store.add("a", b"new") is False
        assert store.add("b", b"new") is True
        assert store.copy() == {"a": b"old", "b": b"new"}
        assert sorted(os.listdir(store.raw._root)) == ["a", "b"]

    def test_a_value_that_cannot_be_read_is_not_lost_by_pop(self, store, monkeypatch):
        """When the read of what pop took fails, the file is back under its name."""
        monkeypatch.setattr(store.raw._folder, "read", lambda _: (_ for _ in ()).throw(OSError(errno.EIO, "bad disk")))
        with pytest.raises(StoreError, match="bad disk"):
            store.raw.pop("a")
        monkeypatch.undo()
        assert store.copy() == {"a": b"old"}


def test_a_folder_in_place_of_a_file_is_no_absence(tmp_path):
    """A folder where a key's file should be is an error in reads and writes, and hides no other key."""
    store = Filesystem(tmp_path / "f")
    store["a"] = b"1"
    (tmp_path / "f" / "b").mkdir()
    for use in (lambda: store["b"], lambda: store.set("b", b"1"), lambda: store.delete("b"), lambda: store.pop("b")):
        with pytest.raises(StoreError, match="folder"):
            use()
    assert dict(store.items()) == {"a": b"1"}


def test_a_name_longer_than_the_filesystem_allows(tmp_path):
    """A set under such a key is refused by name; a read knows that it cannot be there."""
    store = FilesystemStore(tmp_path / "f")
    key = "K" * 3000
    with pytest.raises(KeyTooLongError, match="hash"):
        store[key] = 1
    with pytest.raises(KeyTooLongError, match="hash"):
        store.update({"a": 1, key: 2})
    assert store.get(key) is None
    assert key not in store
    assert store.delete(key) is False
    assert store.pop(key, None) is None


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


def test_files_that_come_and_go_while_listing(tmp_path):
    """A listing beside writers and deleters yields each lasting key once, and no key that never was."""
    store = FilesystemStore(tmp_path / "f", codec="raw")
    lasting = {f"lasting-{number}" for number in range(300)}
    store.update(dict.fromkeys(lasting, b"1"))
    over = threading.Event()

    def churn():
        number = 0
        while not over.is_set():
            number += 1
            store[f"passing-{number % 50}"] = b"2"
            store.delete(f"passing-{(number + 25) % 50}")
            store[f"lasting-{number % 300}"] = b"3"

    churner = threading.Thread(target=churn)
    churner.start()
    try:
        for _ in range(30):
            found = list(store)
            assert len(found) == len(set(found))
            assert lasting <= set(found)
            assert all(key.startswith(("lasting-", "passing-")) for key in found)
            assert lasting <= dict(store.items()).keys()
    finally:
        over.set()
        churner.join()


# -- wrapped filesystems, options -----------------------------------------------------------------------------------


@pytest.fixture
def faulty(request):
    yield f"faulty://{request.node.name}"
    FaultyFileSystem.fault = staticmethod(lambda call, path: None)


def fail_on(*calls, error=None, after=0):
    seen = []

    def fault(call, path):
        if call in calls:
            seen.append(path)
            if len(seen) > after:
                raise error or TimeoutError("the server is silent")

    FaultyFileSystem.fault = staticmethod(fault)
    return seen


def test_every_failing_call_is_a_store_error(faulty):
    """A timeout in any call of the filesystem is a StoreError with its remedy; nothing takes it for absence."""
    store = Filesystem(faulty)
    store["a"] = b"1"
    uses = {
        "cat_file": [lambda: store["a"], lambda: store.get_many(["a"]), lambda: list(store.entries())],
        "pipe_file": [lambda: store.set("a", b"2"), lambda: store.update({"a": b"2"})],
        "info": [lambda: "a" in store, lambda: store.delete("a")],
        "rm_file": [lambda: store.delete("a"), lambda: store.delete_many(["a"]), store.clear],
        "ls": [lambda: list(store), lambda: len(store), lambda: bool(store)],
    }
    for call, attempts in uses.items():
        for attempt in attempts:
            fail_on(call)
            with pytest.raises(StoreError, match=r"silent.*in time"):
                attempt()
    fail_on()
    assert dict(store.items()) == {"a": b"1"}


def test_a_batch_tells_what_is_written(faulty):
    """A batch that fails in the middle names the keys that are not written."""
    store = Filesystem(faulty)
    fail_on("pipe_file", after=3)
    with pytest.raises(PartialWriteError, match="silent") as caught:
        store.update(dict.fromkeys("abcde", b"1"))
    fail_on()
    assert caught.value.failed == ("d", "e")
    assert caught.value.done == 3
    assert sorted(store) == ["a", "b", "c"]


def test_replace_all_and_load_leave_everything_or_change_everything(faulty, tmp_path):
    """A load that breaks while it writes leaves the old contents and nothing beside them."""
    InMemoryStore({str(number): number for number in range(20)}).save(tmp_path / "s")
    store = FilesystemStore.open(faulty)
    store["old"] = 1
    for after in (0, 5, 19):
        fail_on("pipe_file", after=after)
        with pytest.raises(StoreError, match="silent"):
            store.load(tmp_path / "s")
        fail_on()
        assert store.copy() == {"old": 1}
        assert len(store.raw._folder.fs.find(store.raw._root)) == 1
    store.load(tmp_path / "s")
    assert len(store) == 20


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
