"""A typed program that uses the document stores is checked: keys, values and options."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = """
from typing import TypedDict
from spoonbill import Store
from spoonbill.datastores import CosmosDBStore, DynamoDBStore, Firestore, ModalStore, MongoDBStore

class User(TypedDict):
    name: str

users: MongoDBStore[str, User] = MongoDBStore("mongodb://h", tls=True, create=False)
others: Store[str, User] = DynamoDBStore("table", "S", region_name="eu-west-1", segments=2)
containers = CosmosDBStore[str, User]("database", "container", endpoint="e", credential="k")
opened = Firestore[str, User].open("users", timeout=3.0)
counts = ModalStore[str, int]("counts", timeout=2.0)
reveal_type(users["x"])
reveal_type(opened["x"])
counts["a"] = "no"
MongoDBStore("mongodb://h", tls="no")
CosmosDBStore("database")
"""


def test_a_typed_program_is_checked(tmp_path):
    """Values have the type that the store was given, and each of three slips is found, nothing else."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", str(program)]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300).stdout
    assert said.count("Revealed type is \"TypedDict(program.User, {'name': str})\"") == 2
    errors = [line.partition(": error: ")[2] for line in said.splitlines() if ": error: " in line]
    assert len(errors) == 3, said
    for part, error in zip(('target has type "int"', '"tls"', '"container"'), errors, strict=True):
        assert part in error
