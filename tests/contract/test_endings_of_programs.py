"""What a program leaves open at its end: nothing is printed, nothing is lost, and the program ends well."""

import subprocess
import sys

import pytest

from spoonbill.datastores import FilesystemStore, LmdbStore, PysosStore, ShelveStore, SQLiteStore

STORES = (LmdbStore, PysosStore, ShelveStore, FilesystemStore, SQLiteStore)
PROGRAM = """
import atexit, sys, threading, weakref

class Owner: pass

before = []
atexit.register(lambda: before[0].close())  # before a store is imported, so that it is called after all that are
from spoonbill.datastores import *

def opened(name):
    store = {kind}({folder!r} + "/" + name)
    store.update({{f"k{{number}}": number for number in range(50)}})
    store["last"] = 1
    return store

left = opened("left open")
before.append(opened("closed at exit, registered before"))
atexit.register(opened("closed at exit").close)
weakref.finalize(Owner, opened("closed by a finalizer").close)
owner = Owner()
owner.store = opened("closed by a destructor")
Owner.__del__ = lambda self: self.store.close()
cycle = opened("in a cycle")
cycle.myself = cycle
looped = opened("with a loop")
loop = iter(looped.items())
next(loop)
threading.Thread(target=lambda store: [0 for _ in store.items()], args=[opened("in the loop of a thread")]).start()
"""
ENDS = (
    "left open",
    "closed at exit, registered before",
    "closed at exit",
    "closed by a finalizer",
    "closed by a destructor",
    "in a cycle",
    "with a loop",
    "in the loop of a thread",
)


@pytest.mark.parametrize("kind", STORES, ids=lambda kind: kind.__name__)
def test_a_program_ends(kind, tmp_path):
    """However a store is closed at the end of the interpreter, or is not closed at all."""
    program = PROGRAM.format(kind=kind.__name__, folder=str(tmp_path))
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    for end in ENDS:
        with kind(tmp_path / end) as store:
            assert len(store) == 51
            assert store["last"] == 1
