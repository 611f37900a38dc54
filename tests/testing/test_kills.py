"""killed: work that ends by SIGKILL."""

import itertools
import os
import signal

import pytest

from spoonbill.datastores import LmdbStore, SQLiteStore
from spoonbill.testing import killed

KILLS = int(os.environ.get("SPOONBILL_TORTURE", "6"))


@pytest.mark.parametrize("make", [LmdbStore, SQLiteStore])
def test_finished_writes_outlive_a_kill(tmp_path, make):
    """Every write that a killed process finished is there, over many kills, by a local function."""
    path, notes = tmp_path / "store", tmp_path / "finished"

    def work():
        with open(notes, "ab", buffering=0) as finished, make(path) as store:
            for number in itertools.count(len(store)):
                store[f"{number}"] = number
                finished.write(b"%d\n" % number)

    def check():
        with make(path) as store:
            assert [store[f"{number}"] for number in range(len(store))] == list(range(len(store)))
            assert len(store) >= len(notes.read_text().split() if notes.exists() else ())

    assert killed(work, check, times=KILLS) > 0
    assert len(notes.read_text().split()) > 10


def test_lost_writes_are_found(tmp_path):
    """Work that calls a write finished while it is in a buffer is caught, and the error tells the run and the seed."""
    path, notes = tmp_path / "data", tmp_path / "finished"

    def work():
        with open(notes, "ab", buffering=0) as finished, open(path, "ab") as data:
            for number in itertools.count():
                data.write(b"%d\n" % number)
                finished.write(b"%d\n" % number)

    def check():
        assert len(path.read_bytes()) >= len(notes.read_bytes())

    with pytest.raises(AssertionError) as caught:
        killed(work, check, times=50, seed=3)
    assert "seed=3" in caught.value.__notes__[0]


def test_the_seed_is_printed(tmp_path, capfd):
    """A run without a seed prints the one it took."""
    assert killed(signal.pause, lambda: None, times=2, within=0.01) == 2
    assert "killed: seed=" in capfd.readouterr().out


def test_work_that_fails_or_never_meets_a_kill_is_an_error(capfd):
    """An error of the work is no kill, with its traceback shown; work that always ends first proves nothing."""
    with pytest.raises(RuntimeError, match="exit code 1"):
        killed(lambda: 1 / 0, lambda: None, within=30, seed=1)
    assert "ZeroDivisionError" in capfd.readouterr().err
    with pytest.raises(RuntimeError, match="let it do more"):
        killed(lambda: None, lambda: None, times=1, within=30, seed=1)


def test_short_work_is_still_met():
    """Where the work ends before the kill, the kills that follow come within its time."""
    assert killed(lambda: signal.sigtimedwait((), 0.05), lambda: None, times=30, within=1000, seed=1) > 3
