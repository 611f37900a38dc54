"""What type checkers know of the stores: `make check` reads the typed program, and this says that errors are found."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAD = """
from dataclasses import dataclass
from spoonbill import Store, Typed
from spoonbill.datastores import LmdbStore, ShelveStore

@dataclass
class User:
    name: str

users = LmdbStore[str, User]("users")
typed = Typed(LmdbStore("typed"), User)
"""
ERRORS = {
    'typed["ada"].nme': 'has no attribute "nme"',
    'typed["bob"] = 5': "Incompatible types in assignment",
    'Typed[str, int](LmdbStore("typed"), User)': "has incompatible type",
    'users["ada"] = 5': "Incompatible types in assignment",
    "users[5]": "Invalid index type",
    'users["ada"].nme': 'has no attribute "nme"',
    'users.get("ada").name': 'has no attribute "name"',
    'users.update({"ada": 5})': 'Dict entry 0 has incompatible type "str": "int"',
    'age: int = users["ada"]': "Incompatible types in assignment",
    'LmdbStore("users", map_size="large")': 'Argument "map_size"',
    'LmdbStore("users", durabilty="disk")': 'Unexpected keyword argument "durabilty"',
    'ShelveStore[int, User]("shelf")': 'Value of type variable "StrKey"',
    'numbers: Store[str, int] = LmdbStore[str, User]("users")': "Incompatible types in assignment",
}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Return the messages of mypy --strict on a program with one error a line, by line."""
    program = tmp_path_factory.mktemp("typing") / "wrong.py"
    program.write_text(HEAD + "\n".join(ERRORS))
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--hide-error-context", str(program)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert ran.stderr == ""
    lines = [line.split(":", 2)[1:] for line in ran.stdout.splitlines() if "wrong.py" in line]
    return {int(number): text for number, text in reversed(lines)}


@pytest.mark.parametrize("line", ERRORS)
def test_an_error_is_found(found, line):
    """A wrong key, value, attribute or option of a typed store is an error of mypy, in its line and in no other."""
    number = HEAD.count("\n") + list(ERRORS).index(line) + 1
    assert ERRORS[line] in found.get(number, "")
    assert set(found) == set(range(HEAD.count("\n") + 1, HEAD.count("\n") + 1 + len(ERRORS)))
