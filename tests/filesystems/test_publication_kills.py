"""The last step of a load or save on disk when SIGKILL ends it, at every system call."""

import os
import signal
import time
from itertools import count

import pytest

from spoonbill.backends import Filesystem
from spoonbill.datastores import FilesystemStore, InMemoryStore
from spoonbill.errors import StoreError
from spoonbill.snapshots.folder import RECORD
from tests.filesystems.objects import NEW, OLD

CALLS = ("replace", "link", "unlink")


def killed_at(number, work):
    """Do some work in a child that SIGKILL ends at its number-th rename, link or removal; return whether it did."""
    child = os.fork()
    if child == 0:
        made = count(1)

        def dying(real):
            def call(*arguments, **options):
                if next(made) == number:
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(*arguments, **options)

            return call

        for name in CALLS:
            setattr(os, name, dying(getattr(os, name)))
        try:
            work()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def test_a_load_killed_at_every_step(tmp_path):
    """SIGKILL at each rename, link and removal of a load: who opens next has the old entries alone or the new alone."""
    root = tmp_path / "store"
    InMemoryStore({key: value.decode() for key, value in NEW.items()}).save(tmp_path / "new")
    old, new = ({key: value.decode() for key, value in pairs.items()} for pairs in (OLD, NEW))
    store = FilesystemStore.open(root)
    found = []
    for number in range(1, 200):
        store.clear()
        store.update(old)
        killed = killed_at(number, lambda: FilesystemStore.open(root).load(tmp_path / "new"))
        there = FilesystemStore.open(root).copy()
        assert there in (old, new)
        assert RECORD not in os.listdir(root)
        found.append(there)
        if not killed:
            break
    assert found == sorted(found, key=lambda one: one == new)  # once it is decided it stays so
    assert found.count(old) > 5
    assert found.count(new) > 5


def test_a_save_killed_at_every_step(tmp_path):
    """SIGKILL at each rename, link and removal of a save: any store loads the old folder or the new one, whole."""
    source, target = tmp_path / "source", tmp_path / "target"
    found = []
    for number in range(1, 200):
        store = FilesystemStore.open(source, codec="raw")
        store.clear()
        store.update(OLD)
        store.save(target)
        store.clear()
        store.update(NEW)
        killed = killed_at(number, lambda: FilesystemStore.open(source, codec="raw").save(target))
        memory = InMemoryStore({"before": 1})
        memory.load(target)
        assert memory in (OLD, NEW)
        assert FilesystemStore.open(target, codec="raw").copy() == memory
        assert [name for name in sorted(os.listdir(target)) if "~part" not in name] == sorted([*memory, "files~note"])
        found.append(memory == NEW)
        if not killed:
            break
    assert found == sorted(found)
    assert found.count(False) > 5
    assert found.count(True) > 5


def test_a_publication_that_runs_is_left_to_its_process(tmp_path):
    """A store that is opened while another process renames its files does not meddle; when that one dies, it does."""
    root = tmp_path / "store"
    store = Filesystem(root)
    store.update(OLD)
    store.save(tmp_path / "old")
    ready, go = tmp_path / "ready", tmp_path / "go"

    def pauses():
        real = os.replace

        def call(source, target):
            real(source, target)
            if (root / RECORD).exists() and str(target).endswith("/both"):
                ready.touch()
                while not go.exists():
                    time.sleep(0.01)

        os.replace = call
        Filesystem(root).replace_all(NEW.items())

    child = os.fork()
    if child == 0:
        try:
            pauses()
        finally:
            os._exit(0)
    try:
        while not ready.exists():
            time.sleep(0.01)
        onlooker = Filesystem(root)
        assert onlooker["both"] == b"new"
        assert onlooker["removed"] == b"1"
        assert (root / RECORD).exists()
        with pytest.raises(StoreError, match="another process"):
            FilesystemStore.open(tmp_path / "old-files").save(root)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert dict(Filesystem(root).items()) == NEW
    assert sorted(os.listdir(root)) == sorted(NEW)
