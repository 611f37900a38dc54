"""The other codecs: JSON, raw, text and pickles; stored bytes never run unasked."""

import collections
import json
import math
import os
import pickle
import subprocess
import sys
import threading
from decimal import Decimal

import numpy as np
import ormsgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spoonbill.codecs import MsgpackCodec, PickleCodec, ValueCodec, get_codec
from spoonbill.errors import CodecError
from tests.codecs.samples import (
    CYCLE,
    NAMES,
    Bytes,
    Data,
    Float,
    Int,
    Level,
    Point,
    Str,
    Word,
    identical,
    moderate,
    packed,
    plain,
)
from tests.helpers.names import shown

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6),
    lambda parts: st.lists(parts, max_size=4) | st.dictionaries(st.text(max_size=4), parts, max_size=4),
    max_leaves=10,
)


@moderate
@given(json_values)
def test_json_is_what_other_programs_write_and_comes_back(value):
    """Compact UTF-8 JSON that any reader reads, back with the same types."""
    stored = get_codec("json").dumps(value)
    assert identical(get_codec("json").loads(stored), value)
    assert identical(json.loads(stored), value)
    assert get_codec("json").loads(json.dumps(value, indent=1).encode()) == value


def test_json_is_compact_and_readable():
    """No spaces, no escapes of letters."""
    assert get_codec("json").dumps({"a": [1, "ä"], "b": 1.0}) == '{"a":[1,"ä"],"b":1.0}'.encode()


@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: [1, x], lambda x: {"a": {"b": x}}])
@pytest.mark.parametrize(
    "value",
    [(1,), {1: 2}, {None: 1}, {True: 1}, math.nan, math.inf, {1}, b"a", "\ud800", {"\ud800": 1},
    "\ud83d\ude00", Str("a"),
     Int(1), Float(1), Level.LOW, Word.A, collections.OrderedDict(a=1), Point(1), Data(), object(), CYCLE,
     {Str("a"): 1},
     np.float64(1), 10**5000],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_json_refuses_what_it_would_change(value, wrap):
    """Tuples, other keys, NaN, subclasses: refused by name instead of coming back as something else."""
    with pytest.raises(CodecError):
        get_codec("json").dumps(wrap(value))


@pytest.mark.parametrize(
    "stored", [b"", b"{", b"NaN", b"[Infinity]", b"-Infinity", b"1 2", b"\xff", b"[" * 100000, b"{'a':1}"]
)
def test_json_refuses_what_is_not_json(stored):
    """Damaged JSON and Python's own extensions of it are CodecErrors."""
    with pytest.raises(CodecError):
        get_codec("json").loads(stored)


@moderate
@given(st.binary(), st.text())
def test_raw_and_text_are_what_they_hold(data, text):
    """The stored bytes are the value itself, or its UTF-8."""
    raw, utf8 = get_codec("raw"), get_codec("text")
    assert raw.loads(raw.dumps(data)) == raw.dumps(data) == data
    assert utf8.dumps(text) == text.encode()
    assert utf8.loads(utf8.dumps(text)) == text


@pytest.mark.parametrize(
    ("name", "value"),
    [("raw", "a"), ("raw", bytearray(b"a")), ("raw", Bytes(b"a")), ("raw", None), ("text", b"a"), ("text", Str("a")),
     ("text", "\ud800"), ("text", 1), ("text", Word.A)],
)  # fmt: skip
def test_raw_and_text_refuse_other_types(name, value):
    """Nothing is converted."""
    with pytest.raises(CodecError):
        get_codec(name).dumps(value)


def test_text_refuses_other_bytes():
    """What is not UTF-8 is no text."""
    with pytest.raises(CodecError):
        get_codec("text").loads(b"\xff")


@pytest.mark.parametrize("name", ["pickle", "cloudpickle"])
def test_pickles_hold_python_objects(name):
    """Any importable object comes back; what cannot be pickled or loaded is a CodecError."""
    codec = get_codec(name)
    value = [Point, collections.OrderedDict(a=1), Decimal(1), {1: (2,)}, np.arange(3)]
    assert str(codec.loads(codec.dumps(value))) == str(value)
    assert codec.safe is False
    with pytest.raises(CodecError):
        codec.dumps(threading.Lock())
    with pytest.raises(CodecError):
        codec.loads(codec.dumps(value)[:-1])
    with pytest.raises(CodecError):
        codec.loads(b"cno.such.module\nthing\n.")


def test_cloudpickle_is_used_where_pickle_is_not_faithful():
    """Plain values are pickle 5; lambdas and what a script defines travel by value to another process."""
    codec = get_codec("cloudpickle")
    assert codec.dumps([1, "a"]) == pickle.dumps([1, "a"], 5)
    assert codec.loads(codec.dumps(lambda x: x + 1))(1) == 2
    with pytest.raises(CodecError, match="cloudpickle"):
        get_codec("pickle").dumps(lambda: 0)
    script = (
        "import sys\nfrom spoonbill.codecs import get_codec\nclass A:\n    x = 5\ndef f(): return A.x\n"
        "sys.stdout.write(get_codec('cloudpickle').dumps((f, A())).hex())"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment)
    function, instance = codec.loads(bytes.fromhex(done.stdout))
    assert function() == instance.x == 5


pickle_plain = st.recursive(
    st.one_of(plain, st.complex_numbers(), st.binary().map(bytearray)),
    lambda parts: (
        st.lists(parts, max_size=4)
        | st.lists(parts, max_size=4).map(tuple)
        | st.dictionaries(plain, parts, max_size=4)
        | st.sets(plain, max_size=4)
        | st.frozensets(plain, max_size=4)
    ),
    max_leaves=10,
)


@moderate
@given(pickle_plain, st.integers(0, 5))
def test_strict_pickle_reads_plain_values_of_every_protocol(value, protocol):
    """What it writes is a pickle; what any protocol wrote of plain types it reads."""
    codec = get_codec("pickle-plain")
    assert identical(pickle.loads(codec.dumps(value)), value)
    assert identical(codec.loads(pickle.dumps(value, protocol)), value)


class Bomb:
    """Its pickle, once loaded, leaves a trace."""

    def __reduce__(self):
        return exec, ("import sys; sys.spoonbill_bomb = True",)


def fired():
    return sys.__dict__.pop("spoonbill_bomb", False)


def test_the_bomb_of_these_tests_goes_off():
    """Without this, the tests that nothing runs would prove nothing."""
    pickle.loads(pickle.dumps(Bomb()))
    assert fired()


@pytest.mark.parametrize(
    "stored",
    [
        pickle.dumps(Bomb()), pickle.dumps([1, Bomb()], 0), pickle.dumps(set, 2), pickle.dumps(complex),
        pickle.dumps(len),
        pickle.dumps(Point(1)), pickle.dumps(collections.OrderedDict()), pickle.dumps(Decimal(1)), b"", b".",
        b"(", b"K\x01",
        b"cbuiltins\neval\n(V1\ntR.", b"c_codecs\nencode\n(Va\nVzlib\ntR.", b"c_codecs\nencode\n.", b"Ppersistent\n.",
        b"cbuiltins\nbytearray\n(I1000000000000\ntR.", b"cbuiltins\nbytes\n(I1000000000000\ntR.", b"K\x01.K\x02.",
        b"cbuiltins\nbytearray\n}(V_kind\nI1\nub.", b"cbuiltins\nbytearray\nN}(V_kind\nI1\nu\x86b.",
    ],
    ids=shown,
)  # fmt: skip
def test_strict_pickle_refuses_every_class_and_runs_nothing(stored):
    """A pickle that names anything but plain types is refused before it is called, damaged ones as well."""
    with pytest.raises(CodecError):
        get_codec("pickle-plain").loads(stored)
    assert not fired()
    assert get_codec("pickle-plain").loads(pickle.dumps(bytearray(b"a"), 2)) == b"a"


@pytest.mark.parametrize(
    "value", [Str("a"), Point(1), Level.LOW, Decimal(1), object(), np.float64(1), {Int(1): 1}, [(Data,)]]
)
def test_strict_pickle_writes_plain_values_only(value):
    """Subclasses and other objects are refused when they are written, naming strict=False."""
    with pytest.raises(CodecError, match="strict=False"):
        get_codec("pickle-plain").dumps(value)


def test_strict_pickle_holds_a_list_that_contains_itself():
    """Cycles of plain values are plain."""
    back = get_codec("pickle-plain").loads(get_codec("pickle-plain").dumps(CYCLE))
    assert back[0] is back


@pytest.mark.parametrize("name", ["msgpack", "json", "raw", "text", "pickle-plain"])
@pytest.mark.parametrize("protocol", range(6))
def test_no_safe_codec_runs_a_pickle(name, protocol):
    """A pickle that would call something is bytes like any other to a safe codec."""
    codec = get_codec(name)
    assert codec.safe
    stored = pickle.dumps(Bomb(), protocol)
    for data in (stored, b"\xc1\x01" + stored, b"\xc7" + bytes([len(stored), 13]) + stored):
        try:
            codec.loads(data)
        except CodecError:
            continue
    assert not fired()


def test_codecs_by_name_and_by_object():
    """Each name gives a ValueCodec of that name; objects are taken as they are, or completed."""
    for name in NAMES:
        codec = get_codec(name)
        assert isinstance(codec, ValueCodec)
        assert codec.name == name
        assert get_codec(codec) is codec
        assert repr(pickle.loads(pickle.dumps(codec))) == repr(codec)
    adapted = get_codec(json)
    assert (adapted.name, adapted.safe) == ("json", True)
    assert adapted.loads(adapted.dumps([1])) == [1]

    class Own:
        safe = False
        dumps = staticmethod(pickle.dumps)
        loads = staticmethod(pickle.loads)

    assert get_codec(Own()).safe is False
    assert get_codec(Own()).name == "Own"


@pytest.mark.parametrize(
    "codec",
    ["nope", "", MsgpackCodec, PickleCodec, None, 5, object()],
    ids=lambda codec: type(codec).__name__ + str(codec)[:4],
)
def test_what_is_no_codec_is_refused(codec):
    """A wrong name lists the right ones; a class is told from an object."""
    with pytest.raises(CodecError, match=r"msgpack|not a class"):
        get_codec(codec)


def test_enumerations_must_be_registered_to_be_read():
    """An unknown enumeration or member in stored bytes is refused and never imported."""
    payload = ormsgpack.packb(["os.path.Nope", "A"])
    with pytest.raises(CodecError, match="register_enum"):
        packed.loads(b"\xc7" + bytes([len(payload), 12]) + payload)


def test_importing_the_codecs_imports_neither_numpy_nor_cloudpickle():
    """The cost of what is not used is not paid."""
    script = (
        "import sys, spoonbill.codecs as c; x = c.get_codec('msgpack'); x.loads(x.dumps([1, (2,)]));"
        "print([m for m in ('numpy', 'torch', 'cloudpickle') if m in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "[]"
