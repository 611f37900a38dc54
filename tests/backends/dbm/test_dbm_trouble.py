"""Files of dbm that another program wrote or planted: errors of the tree, and no size is believed."""

import dbm.dumb
import os
import subprocess
import sys

import pytest

from spoonbill.backends import Dbm
from spoonbill.datastores import ShelveStore
from spoonbill.errors import KeyDecodeError, StoreError


def planted(path, index, data=b"x" * 1000):
    path.with_name("s.dir").write_bytes(index)
    path.with_name("s.dat").write_bytes(data)
    return path


def test_a_key_that_is_no_text_is_an_error_with_the_raw_key(tmp_path):
    """A key of other bytes is told when it is listed; the keys of the store itself are still read."""
    with dbm.dumb.open(os.fspath(tmp_path / "s"), "c") as theirs:
        theirs[b"\xff\xfe"] = b"1"
        theirs[b"a"] = b"2"
    store = Dbm(tmp_path / "s")
    with pytest.raises(KeyDecodeError, match="no UTF-8") as caught:
        list(store)
    assert caught.value.raw.encode("utf-8", "surrogateescape") == b"\xff\xfe"
    assert store["a"] == b"2"
    store.close()


@pytest.mark.parametrize(
    "index",
    [
        b"'a', (0, 68719476736)\n", b"'a', (0, 1001)\n", b"'a', (-5, 3)\n", b"'a', (0, -1)\n", b"'a', 5\n",
        b"'a', (0, 'x')\n",
        b"'a', (0, 1, 2)\n", b"'a', (0, 1.5)\n", b"5, (0, 1)\n", b"nonsense\n", b"'a'\n", b"__import__('os')\n",
        b"(" * 5000 + b"\n", b"-" * 50_000 + b"1\n", b"'a', (True, 1)\n",
    ],
)  # fmt: skip
def test_a_hostile_index_is_refused_when_it_is_opened(index, tmp_path):
    """A size or a place beyond the data, and what is no index, take no memory and leave the files as they are."""
    path = planted(tmp_path / "s", index)
    with pytest.raises(StoreError, match="cannot be opened"):
        ShelveStore(path, dbm="dbm.dumb")
    assert path.with_name("s.dir").read_bytes() == index


def test_a_good_index_is_opened(tmp_path):
    """A value that ends where the data end is one."""
    store = Dbm(planted(tmp_path / "s", b"'a', (512, 488)\n'b', (0, 0)\n"))
    assert store["a"] == b"x" * 488
    assert store["b"] == b""
    store.close()


def test_a_killed_dumb_dbm_loses_what_was_replaced(tmp_path):
    """What the page of ShelveStore says: a finished write may be lost with dbm.dumb, and flush() keeps it."""
    code = (
        "import os, sys; from spoonbill.datastores import ShelveStore\n"
        "store = ShelveStore.open(sys.argv[1], dbm='dbm.dumb'); store['a'] = 'old'; store.flush()\n"
        "store['a'] = 'new' * 1000\n"
        "if sys.argv[2] == 'flush': store.flush()\n"
        "os.kill(os.getpid(), 9)\n"
    )
    for end, expected in (("flush", "new" * 1000), ("kill", "old")):
        path = tmp_path / end
        subprocess.run([sys.executable, "-c", code, path, end], check=False)
        with ShelveStore.open(path) as store:
            assert store["a"] == expected
