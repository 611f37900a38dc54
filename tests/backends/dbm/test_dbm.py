"""Dbm, whichever dbm of this Python holds the file."""

import importlib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from spoonbill.backends import Dbm


def present(name):
    try:
        return bool(importlib.import_module(name))
    except ImportError:
        return False


KINDS = [name for name in ("dbm.sqlite3", "dbm.gnu", "dbm.dumb") if present(name)]


def in_another_thread(call):
    """Return what a call returns in a thread that ends afterwards."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(call).result()


@pytest.mark.parametrize("kind", KINDS)
def test_every_verb_works_in_a_thread_that_did_not_open_the_file(tmp_path, kind):
    """The file is opened in one thread, each verb is called in another, and a third closes it."""
    store = in_another_thread(lambda: Dbm(tmp_path / "d", dbm=kind))
    store.update({"a": b"1", "b": b"2"})
    assert in_another_thread(lambda: store.get("a")) == b"1"
    assert in_another_thread(lambda: store.has("b"))
    assert in_another_thread(store.count) == 2
    assert in_another_thread(lambda: sorted(store)) == ["a", "b"]
    assert in_another_thread(lambda: store.delete("a"))
    in_another_thread(lambda: store.set("c", b"3"))
    in_another_thread(store.flush)
    in_another_thread(store.close)
    with Dbm(tmp_path / "d") as again:
        assert dict(again.items()) == {"b": b"2", "c": b"3"}


@pytest.mark.parametrize("kind", KINDS)
def test_threads_that_write_at_once_lose_nothing(tmp_path, kind):
    """Eight threads write and read their own keys through one store; the file then holds them all."""
    together = threading.Barrier(8)

    def write(thread):
        together.wait()
        for n in range(25):
            store[f"{thread}-{n}"] = b"%d" % n
            assert store[f"{thread}-{n}"] == b"%d" % n

    with Dbm(tmp_path / "d", dbm=kind) as store, ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(8)))
    with Dbm(tmp_path / "d") as again:
        assert dict(again.items()) == {f"{thread}-{n}": b"%d" % n for thread in range(8) for n in range(25)}


@pytest.mark.parametrize("kind", KINDS)
def test_the_standard_library_reads_and_writes_the_same_file(tmp_path, kind):
    """What the dbm itself wrote, this store reads, and the other way round."""
    module = importlib.import_module(kind)
    with Dbm(tmp_path / "d", dbm=kind) as store:
        store["a"] = b"1"
    with module.open(str(tmp_path / "d"), "w") as theirs:
        assert theirs[b"a"] == b"1"
        theirs[b"b"] = b"2"
    with Dbm(tmp_path / "d") as store:
        assert dict(store.items()) == {"a": b"1", "b": b"2"}
