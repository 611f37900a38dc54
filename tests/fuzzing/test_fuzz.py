"""Whatever the bytes are, decoding them ends in a value or an error of the tree, soon and in little memory."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzzing import fuzzing

COUNT = int(os.environ.get("SPOONBILL_TORTURE", "1500"))


@pytest.mark.parametrize("target", sorted(fuzzing.TARGETS))
def test_mutated_inputs_are_values_or_errors_of_the_tree(target, tmp_path):
    """No mutated input crashes, hangs, takes memory beyond its worth or raises another error. The seed is printed."""
    seed = os.environ.get("SPOONBILL_SEED") or random.randbytes(4).hex()
    command = [sys.executable, "-X", "faulthandler", fuzzing.__file__, target, str(COUNT), seed, str(tmp_path)]
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=60 + COUNT / 10,
        env={**os.environ, "PYTHONPATH": root},
    )
    where = f"seed {seed}, input {(tmp_path / 'number').read_text()}"
    print(where, done.stdout)
    assert done.returncode == 0, f"{where}: {done.stderr[-3000:]}"
    found = json.loads(done.stdout)
    assert found["faults"] == [], where
    assert found["slowest"][0] < 20, where  # against a hang alone
