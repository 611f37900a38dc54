"""Run the tests of the conformance kit in this process, on a fresh store each."""

from pathlib import Path

import pytest

RED = (Exception, pytest.fail.Exception)  # what a test of the kit ends in where it finds a bug


def rules(contract):
    """Return the names of the tests of a contract."""
    return [name for name in dir(contract) if name.startswith("test_") and getattr(contract, name)]


def run(contract, rule, store, path):
    """Call one test of the contract with the fixtures that it asks for."""
    wanted = {"store": store, "tmp_path": path}
    function = getattr(contract, rule)
    code = function.__func__.__code__
    function(**{name: wanted[name] for name in code.co_varnames[1 : code.co_argcount]})


def found_by(contract, path: Path):
    """Return the tests of the contract that go red, by name, with what each said."""
    red = {}
    for rule in rules(type(contract)):
        folder = path / rule
        folder.mkdir()
        try:
            run(contract, rule, contract.make(folder), folder)
        except RED as error:
            red[rule] = error
    return red
