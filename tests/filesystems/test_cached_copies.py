"""FilesystemStore(cache=folder): copies that are damaged, planted or left half written, and reads beside pop."""

import os
import stat
import threading
import time

import pytest

from spoonbill.backends import Filesystem
from spoonbill.datastores import FilesystemStore


def copies(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture
def store(tmp_path):
    store = Filesystem(tmp_path / "f", cache=tmp_path / "cache")
    store["a"] = b"value of a\n" * 100
    assert store["a"] == b"value of a\n" * 100
    return store


def test_a_damaged_copy_is_read_anew(store, tmp_path):
    """A copy that is empty, cut anywhere, changed in any byte or no copy at all gives the value, and is renewed."""
    (copy,) = copies(tmp_path / "cache")
    whole = copy.read_bytes()
    cut = [whole[:length] for length in (*range(200), len(whole) - 1)]
    changed = [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(0, len(whole), 7)]
    for damaged in (*cut, *changed, b"\n", b"[]\n", b"\xff" * 50, b"[" * 100_000 + b"\n", whole + b"x"):
        copy.write_bytes(damaged)
        assert store["a"] == b"value of a\n" * 100
        assert store.get_many(["a"]) == [b"value of a\n" * 100]
        assert copy.read_bytes() == whole


def test_what_stands_in_place_of_a_copy(store, tmp_path):
    """A folder, a pipe or a link in place of a copy costs a read, and nothing is written through the link."""
    (copy,) = copies(tmp_path / "cache")
    (tmp_path / "victim").write_bytes(b"mine")
    for make in (copy.mkdir, lambda: os.mkfifo(copy), lambda: copy.symlink_to(tmp_path / "victim")):
        copy.rmdir() if copy.is_dir() else copy.unlink()
        make()
        assert store["a"] == b"value of a\n" * 100
    assert (tmp_path / "victim").read_bytes() == b"mine"


def test_copies_are_private_and_swept(store, tmp_path):
    """Copies are for this user alone; what a killed process left half written goes when the next one keeps a copy."""
    (copy,) = copies(tmp_path / "cache")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    left, fresh = (tmp_path / "cache" / "coming" / name for name in ("left", "fresh"))
    left.write_bytes(b"half")
    fresh.write_bytes(b"half")
    os.utime(left, (time.time() - 10_000,) * 2)
    again = Filesystem(tmp_path / "f", cache=tmp_path / "cache")
    again["b"] = b"1"
    assert again["b"] == b"1"
    assert not left.exists()
    assert fresh.exists()  # it may be somebody's who lives


def test_reads_beside_pop(tmp_path):
    """While threads set and pop, a read gives a value that was set, or absence, and never an error."""
    store = FilesystemStore.open(tmp_path / "f", codec="raw", cache=tmp_path / "cache")
    errors, over = [], threading.Event()

    def reads():
        try:
            while not over.is_set():
                assert store.get("a") in (None, b"1" * 10, b"2" * 10)
                assert store.raw.get_many(["a"])[0] in (None, b"1" * 10, b"2" * 10)
                assert ("a" in store) in (True, False)
        except Exception as error:
            errors.append(error)

    readers = [threading.Thread(target=reads) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(3000):
        store["a"] = b"12"[number % 2 :][:1] * 10
        store.pop("a")
    over.set()
    for reader in readers:
        reader.join()
    assert errors == []


def test_a_copy_is_never_older_than_a_finished_write(tmp_path):
    """Values of one length that follow each other faster than the disk's clock are told apart."""
    store = Filesystem(tmp_path / "f", cache=tmp_path / "cache")
    for number in range(2000):
        store["a"] = b"%06d" % number
        assert store["a"] == b"%06d" % number
