"""Completion in a shell, asked as the shell asks."""

import os
import subprocess
import sys

from spoonbill.datastores import LmdbStore


def completed(*words, cwd=None):
    """Return what a shell is offered for the last of the words."""
    asked = {"_SPOONBILL_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(["spoonbill", *words])}
    environment = {
        **os.environ,
        **asked,
        "COMP_CWORD": str(len(words)),
        "PYTHONPATH": os.pathsep.join([os.getcwd(), *sys.path]),
    }
    command = [sys.executable, "-m", "spoonbill"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, cwd=cwd)
    assert done.stderr == ""
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


def test_commands_stores_and_keys(tmp_path):
    """Commands, schemes, stores of spoonbill.toml and keys that begin with what was typed."""
    with LmdbStore(tmp_path / "users") as store:
        store.update({"ada": 1, "alan": 2, "grace": 3, "a\nb": 4})
    (tmp_path / "spoonbill.toml").write_text(f'[stores.mine]\nurl = "lmdb:{tmp_path}/users"\n')
    assert completed("co") == ["count", "copy"]
    assert completed("get", "lm") == ["lmdb:"]
    assert completed("get", "mi", cwd=tmp_path) == ["mine"]
    assert completed("get", "mine", "a", cwd=tmp_path) == ["ada", "alan"]
    assert completed("del", f"lmdb:{tmp_path}/users", "ada", "g") == ["grace"]


def test_what_is_not_there_is_not_made(tmp_path):
    """A store that does not exist has no keys, and asking makes none."""
    assert completed("get", f"lmdb:{tmp_path}/none", "a") == []
    assert completed("get", "redis://127.0.0.1:1?retry_for=0", "a") == []
    assert list(tmp_path.iterdir()) == []
