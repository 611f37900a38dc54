"""One format for strict and loose: what the typed codec holds is written by it, the rest as a marked pickle."""

import dataclasses
import datetime as dt
import json
import os
import pickle
import shelve
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pytest

from spoonbill import Codec
from spoonbill.backends import Lmdb, Memory
from spoonbill.codecs import LooseCodec, LooseJsonCodec, get_codec
from spoonbill.datastores import LmdbStore, PysosStore, ShelveStore
from spoonbill.errors import CodecError


@dataclasses.dataclass
class Row:
    x: int


@pytest.mark.parametrize(
    "value",
    [
        None,
        1,
        "a",
        b"b",
        1.5,
        2**70,
        (1, [2]),
        {1: {2, 3}},
        Decimal("1.5"),
        dt.datetime(2026, 1, 1),
        np.arange(3),
    ],
    ids=repr,
)
def test_what_the_typed_codec_holds_is_written_by_it(value):
    """A loose store writes such a value byte for byte as a strict one."""
    assert LooseCodec().dumps(value) == get_codec("msgpack").dumps(value)


def test_strict_and_loose_stores_read_each_other(tmp_path):
    """A strict store reads all but the marked pickles, which it refuses by key; a loose one reads all."""
    with LmdbStore(tmp_path / "d", strict=False) as loose:
        loose.update({"plain": {"a": (1, {2})}, "row": Row(1), "rows": [Row(2)], "function": lambda x: x + 1})
        assert loose["function"](1) == 2
        assert Lmdb(tmp_path / "d")["row"][:2] == b"\xc1\x02"
    with LmdbStore(tmp_path / "d") as strict:
        assert strict["plain"] == {"a": (1, {2})}
        with pytest.raises(CodecError, match=r"'row'.*strict=False"):
            strict["row"]
        strict["new"] = {1: (2,)}
    with LmdbStore(tmp_path / "d", strict=False) as loose:
        assert loose["new"] == {1: (2,)}
        assert loose["row"] == Row(1)
        assert loose["rows"] == [Row(2)]


def test_a_type_that_was_refused_for_its_contents_is_not_refused_for_good():
    """A datetime with an odd zone is pickled; the next one is typed again."""
    codec = LooseCodec()
    now = dt.datetime(2026, 1, 1)
    assert codec.dumps(np.array([object], dtype=object))[:2] == b"\xc1\x02"
    assert codec.dumps(now) == get_codec("msgpack").dumps(now)
    assert codec.dumps(np.arange(3)) == get_codec("msgpack").dumps(np.arange(3))
    assert codec.dumps(Row(1))[:2] == codec.dumps(Row(1))[:2] == b"\xc1\x02"


@pytest.mark.parametrize("kind", ["ShelveStore", "LmdbStore", "PysosStore"])
def test_a_class_of_the_script_keeps_its_identity(kind, tmp_path):
    """What a script stores, its next run finds as an instance of its own class, as with shelve."""
    script = tmp_path / "job.py"
    script.write_text(
        "import sys, dataclasses, enum\n"
        f"from spoonbill.datastores import {kind}\n"
        "@dataclasses.dataclass\nclass Row: x: int\n"
        "class Colour(enum.Enum): RED = 1\n"
        f"with {kind}({str(tmp_path / 'data')!r}, strict=False) as store:\n"
        "    if sys.argv[1:]: store['row'], store['red'] = Row(1), Colour.RED\n"
        "    else: print(isinstance(store['row'], Row), store['row'] == Row(1), store['red'] is Colour.RED)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, script, "write"], check=True, env=environment)
    done = subprocess.run([sys.executable, script], check=True, capture_output=True, text=True, env=environment)
    assert done.stdout.split() == ["True"] * 3


def test_shelve_reads_what_a_shelve_store_writes(tmp_path):
    """Pickle by reference first; cloudpickle, which shelve reads too, only where pickle cannot."""
    with ShelveStore(tmp_path / "d", dbm="dbm.dumb") as store:
        store["row"], store["f"] = Row(1), lambda: 5
        assert store.raw["row"] == pickle.dumps(Row(1), 5)
    with shelve.open(str(tmp_path / "d")) as shelf:
        assert shelf["row"] == Row(1)
        assert shelf["f"]() == 5


def test_lines_of_pysos_stay_json(tmp_path):
    """A loose PysosStore writes JSON where it can, and a marked object where not, which a strict one refuses."""
    with PysosStore(tmp_path / "d", strict=False) as store:
        store["plain"], store["row"] = {"a": [1, "b"]}, Row(1)
        assert json.loads(store.raw["plain"]) == {"a": [1, "b"]}
        assert list(json.loads(store.raw["row"])) == ["spoonbill__pickle"]
        assert store["row"] == Row(1)
    with PysosStore(tmp_path / "d") as store:
        assert store["plain"] == {"a": [1, "b"]}
        with pytest.raises(CodecError, match="strict=False"):
            store["row"]
        with pytest.raises(CodecError, match="ours"):
            store["own"] = {"spoonbill__pickle": "x"}
    with pytest.raises(CodecError, match="base64"):
        LooseJsonCodec().loads(b'{"spoonbill__pickle":"%"}')


def test_no_format_is_guessed():
    """A pickle without the mark is no value of either codec."""
    for codec in (LooseCodec(), LooseJsonCodec()):
        with pytest.raises(CodecError):
            codec.loads(pickle.dumps(Row(1), 5))
    assert Codec(Memory(), strict=False).codec.name == "loose"
