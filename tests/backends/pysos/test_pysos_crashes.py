"""What a crash, an error or a full disk leaves in a file of pysos: each finished write, and never an older one."""

import contextlib
import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pysos
import pytest

from spoonbill.backends import Pysos
from spoonbill.backends.pysos import file as pysos_file
from spoonbill.datastores import PysosStore
from spoonbill.errors import SpoonbillError, StoreError

KILLS = int(os.environ.get("SPOONBILL_TORTURE", "25"))


def changes(seed):
    """Yield sets and deletes of few keys, with values of all lengths; a delete has the value None."""
    chance = random.Random(seed)
    for number in range(10**9):
        key = f"k{chance.randrange(7)}"
        length = chance.choice((0, 3, 30, chance.randrange(300), chance.choice((9_000, 70_000, 1))))
        yield key, None if chance.random() < 0.25 else f"{seed}/{number}/" + "\u00e9" * length


def apply(model, key, value):
    changed = dict(model)
    changed.pop(key, None)
    return changed if value is None else changed | {key: value}


def change(store, key, value):
    if value is None:
        store.pop(key, None)
    else:
        store[key] = value


def contents(path):
    """Return what is in a file; pysos itself must read the same then, each key once."""
    with PysosStore.open(path) as store:
        found = store.copy()
    theirs = pysos.Dict(os.fspath(path))
    try:
        pairs = list(theirs.items())
    finally:
        theirs.close()
    assert len(pairs) == len(found)
    assert dict(pairs) == found
    return found


class Steps:
    """Every write that is made to a file, with something that happens before each one, or in its middle."""

    def __init__(self, monkeypatch, before):
        self.before = before
        write = os.pwrite
        monkeypatch.setattr(pysos_file.os, "pwrite", lambda *write_to: self.pwrite(write, *write_to))

    def pwrite(self, write, descriptor, data, offset):
        self.before()
        for cut in {1, len(data) // 2, len(data) - 1} - {0, len(data)}:
            write(descriptor, data[:cut], offset)
            self.before()
        return write(descriptor, data, offset)


def test_whatever_step_a_crash_comes_at_the_file_is_the_old_or_the_new_one(tmp_path, monkeypatch):
    """A copy of the file as it is before, in and after each single write opens as before the change or after it."""
    states = []
    path = tmp_path / "p"
    Steps(monkeypatch, lambda: states.append(path.read_bytes()))
    model, seen = {}, 0
    with PysosStore.open(path) as store:
        for key, value in changes_for(150):
            after = apply(model, key, value)
            change(store, key, value)
            for state in states:
                (tmp_path / "crashed").write_bytes(state)
                assert contents(tmp_path / "crashed") in (model, after)
                seen += 1
            states.clear()
            model = after
    assert contents(path) == model
    assert seen > 500


def changes_for(count, seed=1):
    return [change for _, change in zip(range(count), changes(seed), strict=False)]


def test_a_crash_after_a_crash_brings_nothing_back(tmp_path, monkeypatch):
    """From each state that a crash leaves, the store goes on, and each later crash keeps what was finished."""
    states = []
    path = tmp_path / "p"
    Steps(monkeypatch, lambda: states.append(path.read_bytes()))
    chance = random.Random(3)
    model = {}
    for key, value in changes_for(250, seed=2):
        store = PysosStore.open(path)
        states.clear()
        after = apply(model, key, value)
        change(store, key, value)
        store.close()
        if states and chance.random() < 0.7:
            path.write_bytes(chance.choice(states))
            after = contents(path) if chance.random() < 0.5 else after_crash(path, tmp_path / "look")
            assert after in (model, apply(model, key, value))
        model = after
        assert after_crash(path, tmp_path / "look") == model


def after_crash(path, beside):
    shutil.copy(path, beside)
    return contents(beside)


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device")], ids=["^C", "full"]
)
def test_an_error_between_two_writes_leaves_a_store_that_goes_on(error, tmp_path, monkeypatch):
    """An interrupt or a full disk at any step: the same handle reads the old keys and goes on, and the file opens."""
    countdown = [0]

    def before():
        countdown[0] -= 1
        if countdown[0] == 0:
            raise error

    path = tmp_path / "p"
    Steps(monkeypatch, before)
    chance = random.Random(5)
    store, model, failed = PysosStore.open(path), {}, 0
    for key, value in changes_for(400, seed=4):
        countdown[0] = chance.randrange(1, 12)
        after = apply(model, key, value)
        try:
            change(store, key, value)
        except (KeyboardInterrupt, StoreError):
            failed += 1
            countdown[0] = 0
            assert after_crash(path, tmp_path / "look") in (model, after)
            assert store.copy() in (model, after)
            after = store.copy()
        countdown[0] = 0
        model = after
        assert after_crash(path, tmp_path / "look") == model
    assert failed > 50
    store.close()


def test_a_really_full_disk_is_an_error_and_old_keys_are_read(tmp_path):
    """Where the system takes a part of a line and no more, the error is the store's, and nothing before it is lost."""
    code = (
        "import resource, signal, sys; from spoonbill.datastores import PysosStore\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "store = PysosStore.open(sys.argv[1]); store['a'] = 'x' * 5000\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))\n"
        "for key in ('a', 'b'):\n"
        "    try: store[key] = 'y' * 6000\n"
        "    except OSError as error: print(type(error).__name__)\n"
        "print(dict(store) == {'a': 'x' * 5000})\n"
        "store['c'] = 1; print(store['c'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "p"], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["StoreError", "StoreError", "True", "1"], done.stderr
    assert contents(tmp_path / "p") == {"a": "x" * 5000, "c": 1}


def writer(path, log, seed):
    """Change the store for ever; note in the log each change before it begins and after it is done."""
    with PysosStore.open(path) as store:
        for key, value in changes(seed):
            os.write(log, (json.dumps([key, value]) + "\n").encode())
            change(store, key, value)
            os.write(log, b"done\n")


def test_killed_writers_undo_no_finished_write(tmp_path):
    """SIGKILL at random moments, one after the other on one file: all that was finished is there, as it was last."""
    path, model, done = tmp_path / "p", {}, 0
    seed = random.randrange(10**9)
    print("seed", seed)
    chance = random.Random(seed)
    for turn in range(KILLS):
        log = os.open(tmp_path / "log", os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
        child = os.fork()
        if child == 0:
            try:
                writer(path, log, seed + turn)
            finally:
                os._exit(1)
        deadline = time.monotonic() + 30
        while os.fstat(log).st_size == 0 and time.monotonic() < deadline:
            time.sleep(0.0005)
        time.sleep(chance.random() * 0.02)
        os.kill(child, signal.SIGKILL)
        assert os.waitpid(child, 0)[1] == signal.SIGKILL
        lines = (tmp_path / "log").read_bytes().splitlines()
        os.close(log)
        possible = [model]
        for line in lines:
            if line == b"done":
                possible, done = possible[-1:], done + 1
            else:
                with contextlib.suppress(ValueError):  # the last line of a killed process may be cut off
                    possible = [possible[-1], apply(possible[-1], *json.loads(line))]
        found = contents(path)
        assert found in possible, (seed, turn)
        model = found
    assert done > KILLS
    print(KILLS, "kills after", done, "finished changes")


@pytest.mark.parametrize(
    "line",
    [
        b'"a" 1\n', b"5\t1\n", b"[1]\t1\n", b"{}\t1\n", b"\xff\t1\n", b"nonsense\n", b"[" * 5000 + b"\t1\n", b'"a"\n',
        b'"' + b"a" * 9 + b"\n", b"9" * 5000 + b"\t1\n",
    ],
)  # fmt: skip
def test_a_line_of_another_program_is_an_error_that_changes_nothing(line, tmp_path):
    """What is no entry under a text key is told with its line, and the file stays as it is."""
    path = tmp_path / "p"
    stored = b'# FILE-DICT v1\n"b"\t1\n"b"\t2\n' + line + b'"c"\t3'
    path.write_bytes(stored)
    with pytest.raises(StoreError, match="line 4"):
        Pysos(path)
    assert path.read_bytes() == stored


def test_deep_documents_are_errors_of_the_tree(tmp_path):
    """A document of too many levels is neither taken nor given."""
    path = tmp_path / "p"
    path.write_bytes(b'# FILE-DICT v1\n"deep"\t' + b"[" * 5000 + b"]" * 5000 + b"\n")
    with PysosStore.open(path) as store:
        with pytest.raises(SpoonbillError, match="levels"):
            store["deep"]
        for depth in (501, 5000):
            with pytest.raises(SpoonbillError):
                store.raw.set("a", b"[" * depth + b"]" * depth)
        assert list(store) == ["deep"]


def test_updates_of_one_key_do_not_grow_the_file(tmp_path):
    """A place before the old line is used again too: values that change do not make the file longer and longer."""
    path = tmp_path / "p"
    with PysosStore.open(path) as store:
        store["first"] = "x" * 100
        for number in range(1000):
            store["a"] = f"{number:0100}"
        del store["first"]
        for number in range(1000):
            store["a"] = f"{number:0100}"
        assert path.stat().st_size < 1000
    assert contents(path) == {"a": f"{999:0100}"}


def test_a_finished_write_is_not_undone_by_an_older_line(tmp_path, monkeypatch):
    """A crash before the old line is freed, with a place before it that fits: what is written next stays."""

    def crash(*_):
        raise KeyboardInterrupt

    with PysosStore.open(tmp_path / "p") as store:
        store.update({"hole": "y" * 200, "k": "old"})
        del store["hole"]
        with monkeypatch.context() as patch:
            patch.setattr(pysos_file.PysosFile, "_free", crash)
            with pytest.raises(KeyboardInterrupt):
                store["k"] = "new"
    with PysosStore.open(tmp_path / "p") as store:
        assert store["k"] == "old"
        store["k"] = "finished"
    assert contents(tmp_path / "p") == {"k": "finished"}
    with PysosStore.open(tmp_path / "p") as store:
        del store["k"]
    assert contents(tmp_path / "p") == {}
