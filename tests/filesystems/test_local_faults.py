"""What a store on files says and keeps when calls of its filesystem fail."""

import errno
import os
import subprocess
import threading

import pytest

from spoonbill.backends import Filesystem
from spoonbill.datastores import FilesystemStore, InMemoryStore
from spoonbill.errors import (
    KeyTooLongError,
    PartialWriteError,
    StoreError,
)
from spoonbill.filesystems import local
from tests.filesystems.faults import FaultyFileSystem


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
