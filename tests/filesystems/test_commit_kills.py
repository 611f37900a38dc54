"""The last step of a load or save on disk when SIGKILL ends it, at every system call."""

import os
import random
import signal
import time
from itertools import count

import pytest

from spoonbill.backends import Filesystem
from spoonbill.datastores import FilesystemStore, InMemoryStore
from spoonbill.errors import StoreError
from spoonbill.filesystems.folder import JOURNAL
from tests.filesystems.objects import NEW, OLD

CALLS = ("open", "write", "fchmod", "replace", "link", "unlink")


def killed_at(number, work):
    """Do some work in a child that SIGKILL ends at its number-th call of the system; return whether it did."""
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
    """SIGKILL at each call of the system in a load: who opens next has the old entries alone or the new alone."""
    root = tmp_path / "store"
    InMemoryStore({key: value.decode() for key, value in NEW.items()}).save(tmp_path / "new")
    old, new = ({key: value.decode() for key, value in pairs.items()} for pairs in (OLD, NEW))
    store = FilesystemStore.open(root)
    found = []
    for number in range(1, 200):
        store.clear()
        store.update(old)
        killed = killed_at(number, lambda: FilesystemStore.open(root).load(tmp_path / "new"))
        before = os.listdir(root)
        there = FilesystemStore.open(root).copy()
        assert there in (old, new)
        assert sorted(os.listdir(root)) == sorted(before)  # a read changes nothing
        FilesystemStore.open(root).flush()
        assert FilesystemStore.open(root).copy() == there
        assert JOURNAL not in os.listdir(root)
        found.append(there)
        if not killed:
            break
    assert found == sorted(found, key=lambda one: one == new)  # once it is decided it stays so
    assert found.count(old) > 5
    assert found.count(new) > 5


def test_a_save_killed_at_every_step(tmp_path):
    """SIGKILL at each call of the system in a save: any store loads the old folder or the new one, whole."""
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
        FilesystemStore.open(target, codec="raw").flush()
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


def test_a_commit_that_runs_is_left_to_its_process(tmp_path):
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
            if (root / JOURNAL).exists() and str(target).endswith("/both"):
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
        assert "removed" not in onlooker
        assert (root / JOURNAL).exists()
        with pytest.raises(StoreError, match="another process"):
            FilesystemStore.open(tmp_path / "old-files").save(root)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert dict(Filesystem(root).items()) == NEW
    Filesystem(root).replace_all(NEW.items())  # sweeps as well
    assert sorted(os.listdir(root)) == sorted(NEW)


TORTURE = int(os.environ.get("SPOONBILL_TORTURE", "60"))


def test_kill_after_kill_and_the_next_save_goes_on(tmp_path):
    """SIGKILL at a random call of saves that follow each other: each state is whole, and the next save goes on."""
    chance = random.Random(5)
    source, target = tmp_path / "source", tmp_path / "target"
    store = FilesystemStore.open(source, codec="raw")
    states = [{}]
    kills = 0
    while kills < TORTURE:
        state = {f"k{chance.randrange(8)}": b"%d" % chance.randrange(10**6) for _ in range(5)}
        store.clear()
        store.update(state)
        states.append(dict(state))
        number = chance.randrange(1, 90)
        kills += killed_at(number, lambda: FilesystemStore.open(source, codec="raw").save(target))
        if target.exists():
            found = FilesystemStore.open(target, codec="raw").copy()
            assert found in states
            states = [found, dict(state)] if found != state else [found]
        if chance.random() < 0.3:
            store.save(target)
            assert FilesystemStore.open(target, codec="raw").copy() == state
            assert sorted(os.listdir(target)) == sorted([*state, "files~note"])
            states = [state]


def test_kill_after_kill_of_loads(tmp_path):
    """SIGKILL at a random call of loads that follow each other: old or new, whole; the next load sweeps and goes on."""
    chance = random.Random(6)
    root = tmp_path / "root"
    store = Filesystem(root)
    store["a"] = b"1"
    old = {"a": b"1"}
    kills = 0
    while kills < TORTURE:
        new = {f"k{chance.randrange(8)}": b"%d" % chance.randrange(10**6) for _ in range(5)}
        kills += killed_at(chance.randrange(1, 70), lambda new=new: Filesystem(root).replace_all(new.items()))
        found = dict(Filesystem(root).items())
        assert found in (old, new)
        old = found
        if chance.random() < 0.3:
            Filesystem(root).replace_all(new.items())
            assert dict(Filesystem(root).items()) == new
            assert sorted(os.listdir(root)) == sorted(new)
            old = new
