"""Codecs: what goes in comes back with its type, damaged bytes are refused, and stored bytes never run unasked."""

import collections
import dataclasses
import datetime as dt
import enum
import json
import math
import os
import pickle
import struct
import subprocess
import sys
import threading
import zoneinfo
from decimal import Decimal
from uuid import UUID

import msgpack
import numpy as np
import ormsgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from spoonbill.codecs import MsgpackCodec, PickleCodec, ValueCodec, get_codec, register_enum
from spoonbill.errors import CodecError
from tests.helpers.names import shown

moderate = settings(max_examples=400, deadline=None)
packed = get_codec("msgpack")
NAMES = ["msgpack", "json", "raw", "text", "pickle", "cloudpickle", "pickle-plain"]


@register_enum
class Colour(enum.Enum):
    RED = 1


@register_enum
class Level(enum.IntEnum):
    LOW = 1


@register_enum
class Word(enum.StrEnum):
    A = "a"


class Unregistered(enum.Enum):
    A = 1


@dataclasses.dataclass
class Data:
    a: int = 1


Point = collections.namedtuple("Point", "x")
Str = type("Str", (str,), {})
Bytes = type("Bytes", (bytes,), {})
Int = type("Int", (int,), {})
Float = type("Float", (float,), {})
Array = type("Array", (np.ndarray,), {})


def identical(a, b):
    """Equal, with the same types all the way down, the same NaNs, zeros, zones and folds."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray | np.generic):
        if a.dtype.names is not None:  # field by field: what lies between them is no value
            names = a.dtype.names
            return a.dtype == b.dtype and a.shape == b.shape and all(identical(a[name], b[name]) for name in names)
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(identical, a, b))
    if isinstance(a, set | frozenset):
        return sorted(map(mark, a)) == sorted(map(mark, b))
    if isinstance(a, dict):
        return len(a) == len(b) and all(
            identical(k, m) and identical(v, w) for (k, v), (m, w) in zip(a.items(), b.items(), strict=True)
        )
    return mark(a) == mark(b)


def mark(value):
    """Return what tells a hashable value from every other, its type included."""
    if isinstance(value, tuple):
        return repr((type(value), [mark(part) for part in value]))
    if isinstance(value, frozenset):
        return repr((type(value), sorted(mark(part) for part in value)))
    if isinstance(value, float):
        return repr((type(value), struct.pack(">d", value) if not math.isnan(value) else "nan"))
    return repr((type(value), value, getattr(value, "fold", 0)))


texts = st.text(st.characters(exclude_categories=()), max_size=8)
zones = st.sampled_from(
    [
        None,
        dt.UTC,
        dt.timezone(dt.timedelta(hours=-5, microseconds=1)),
        dt.timezone(dt.timedelta(hours=1), "mine"),
        zoneinfo.ZoneInfo("Europe/Berlin"),
        zoneinfo.ZoneInfo("UTC"),
    ]
)
moments = st.builds(lambda t, fold, zone: t.replace(fold=fold, tzinfo=zone), st.datetimes(), st.integers(0, 1), zones)
times = st.builds(lambda t, fold, zone: t.replace(fold=fold, tzinfo=zone), st.times(), st.integers(0, 1), zones)
plain = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(-(2**200), 2**200), st.floats(), texts, st.binary(max_size=300)
)
numpy_scalars = st.one_of(
    st.builds(np.float64, st.floats()),
    st.builds(np.int8, st.integers(-128, 127)),
    st.builds(np.uint64, st.integers(0, 2**64 - 1)),
    st.builds(np.bool_, st.booleans()),
    st.builds(np.str_, texts),
    st.builds(np.bytes_, st.binary(max_size=4)),
    st.builds(np.datetime64, st.dates()),
)
scalars = st.one_of(
    plain, plain, st.dates(), moments, times, st.timedeltas(), st.decimals(), st.uuids(), st.complex_numbers(),
    st.sampled_from([Colour.RED, Level.LOW, Word.A]), numpy_scalars,
)  # fmt: skip
hashables = st.recursive(
    scalars.filter(lambda value: not (isinstance(value, Decimal) and value.is_snan())),
    lambda parts: st.lists(parts, max_size=3).map(tuple) | st.frozensets(parts, max_size=3),
    max_leaves=5,
)
values = st.recursive(
    hashables,
    lambda parts: (
        st.lists(parts, max_size=4)
        | st.lists(parts, max_size=4).map(tuple)
        | st.dictionaries(texts, parts, max_size=4)
        | st.dictionaries(hashables, parts, max_size=4)
        | st.sets(hashables, max_size=3)
    ),
    max_leaves=12,
)
dtypes = st.one_of(
    hnp.boolean_dtypes(), hnp.integer_dtypes(endianness="?"), hnp.unsigned_integer_dtypes(endianness="?"),
    hnp.floating_dtypes(endianness="?"), hnp.complex_number_dtypes(endianness="?"),
    hnp.datetime64_dtypes(endianness="?"), hnp.timedelta64_dtypes(endianness="?"),
    hnp.byte_string_dtypes(endianness="?"), hnp.unicode_string_dtypes(endianness="?"),
    hnp.array_dtypes(max_size=3, allow_subarrays=True),
)  # fmt: skip
arrays = st.one_of(
    hnp.arrays(dtypes, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4), fill=st.nothing()),
    hnp.arrays("f8", hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4)),
)
layouts = st.sampled_from(
    [
        lambda a: a,
        np.asfortranarray,
        lambda a: a.T,
        lambda a: a[::-1] if a.ndim else a,
        lambda a: a[..., ::2] if a.ndim else a,
        lambda a: np.broadcast_to(a, (2, *a.shape)),
    ]
)


@settings(max_examples=500, deadline=None)
@given(values)
def test_msgpack_gives_back_what_it_got(value):
    """Every value it takes comes back equal and of the same types all the way down."""
    assert identical(packed.loads(packed.dumps(value)), value)


@moderate
@given(arrays, layouts, st.sampled_from([lambda a: a, lambda a: [a], lambda a: {"a": (a,)}]))
def test_msgpack_gives_back_arrays_of_every_dtype_and_layout(array, layout, wrap):
    """Same dtype, shape and bytes, writable, with memory of its own, alone and inside other values."""
    array = layout(array)
    back = packed.loads(packed.dumps(wrap(array)))
    while type(back) is not np.ndarray:
        back = next(iter(back.values())) if isinstance(back, dict) else back[0]
    assert identical(back, array)
    assert back.flags.writeable
    assert back.flags.owndata
    assert back.flags.f_contiguous or not array.flags.f_contiguous


@pytest.mark.parametrize(
    "value",
    [
        np.ndarray((3,), "U0"), np.ndarray((2, 0), "V0"), np.array(["a\0b", "ä\U0001f600"]), np.array([b"a\0b"]),
        np.array([1, 2], "q"), np.array([1], "g"), np.array(5, ">i4"), np.array(["2020", "NaT"], "M8[3ns]"),
        np.zeros(2, np.dtype([("a", "u1"), ("b", "<f8")], align=True)), np.zeros(0), np.zeros((0, 3, 0)),
        np.zeros(2, np.dtype({"names": ["b", "a"], "formats": ["u1", "<U2"], "offsets": [9, 0], "itemsize": 12})),
        np.zeros(2, np.dtype([(("title", "a"), "u1")])), np.zeros(2, [("a", [("b", "i4", (2, 2))])]),
        np.longlong(3), np.longdouble(0.1), np.void(b"abc"), np.zeros(1, "i4,U2")[0], np.str_("a\0"), np.bytes_(b"a\0"),
        np.str_(""), np.datetime64("NaT", "s"), np.datetime64(5, "25s"), np.timedelta64(3, "D"), np.complex64(1j),
        np.float16(-0.0), np.float64("nan"), -0.0, 2**63, 2**64, -(2**63) - 1, "\ud83d\ude00", "\udc80", {"\ud800": 1},
        {1: 1, "1": 2, (1,): 3, b"1": 4, None: 5, frozenset({1}): 6}, {True: 1}, {1.0: 1}, {Word.A: Level.LOW},
        [(1, [2, (3,)]), [1, [2, [3]]]], {frozenset({frozenset()})}, b"\xc4" * 70000, "\xe4" * 70000, [b"x" * 300],
        dt.datetime(2023, 10, 29, 2, 30, fold=1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")), dt.datetime.max,
        dt.time.max,
        dt.timedelta.min, Decimal("sNaN"), Decimal("-0E+7"), UUID(int=5), complex("nan-0j"), [0xC4, 0xC5, 0xC6, -1],
    ],
    ids=lambda value: f"{type(value).__name__}-{value!r:.30}",
)  # fmt: skip
def test_msgpack_gives_back_the_hard_cases(value):
    """The corners of each type, alone and inside a list and a tuple."""
    for case in (value, [value], (1, value)):
        back = packed.loads(packed.dumps(case))
        assert identical(back, case)
    if isinstance(value, np.ndarray | np.generic):
        assert packed.loads(packed.dumps(value)).dtype.type is value.dtype.type


def test_msgpack_keeps_the_format_it_has():
    """A storage format: what was written once must be read for ever, so these bytes must not change."""
    value = [(1, {2}), 2**64, 1j, dt.date(2020, 1, 2), Decimal("1.5"), {1: b"x"}, dt.timedelta(1), np.int16(7)]
    stored = (
        "98c70602 9201d5039102 c7090101 0000000000000000 d805 0000000000000000 3ff0000000000000"
        "c70a06 323032302d30312d3032 c7030a 312e35 8101c40178 d609 93010000 c7090e 92a33c6932c4020700"
    )
    assert packed.dumps(value).hex() == stored.replace(" ", "")
    assert identical(packed.loads(packed.dumps(value)), value)
    frame = "c101 00000009 93 a33c6932 9102 a143 01000200"
    assert packed.dumps(np.array([1, 2], "<i2")).hex() == frame.replace(" ", "")


class Zone(dt.tzinfo):
    def utcoffset(self, when):
        return dt.timedelta(0)

    def dst(self, when):
        return None


CYCLE = []
CYCLE.append(CYCLE)
REFUSED = [
    bytearray(b"a"), memoryview(b"a"), Str("a"), Bytes(b"a"), Int(1), Float(1.0), Point(1), Data(), object(), len, Data,
    collections.OrderedDict(a=1), collections.defaultdict(int), collections.Counter("a"), Unregistered.A, range(3),
    np.array([object()]), np.array([1, None]), np.arange(3).view(Array), np.ma.masked_array([1]),
    np.rec.array([(1,)]), 1 .__add__,
    dt.datetime(2020, 1, 1, tzinfo=Zone()), ormsgpack.Ext(5, b"a"), msgpack.ExtType(5, b"a"),
    msgpack.Timestamp(1), CYCLE,
    np.zeros(1, [("a", object)]), np.dtypes.StringDType().type if hasattr(np.dtypes, "StringDType") else object(),
]  # fmt: skip


@pytest.mark.parametrize("value", REFUSED, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize(
    "wrap",
    [
        lambda x: x,
        lambda x: [x, b""],
        lambda x: {"a": [1.5, {"b": x}], "c": b""},
        lambda x: {1: x},
        lambda x: [({2: x},)],
        lambda x: ([x, b""],),
    ],
)
def test_msgpack_refuses_what_would_not_come_back_as_itself(value, wrap):
    """No subclass, buffer or foreign object is silently stored as something near; the message says what to do."""
    with pytest.raises(CodecError) as caught:
        packed.dumps(wrap(value))
    assert isinstance(caught.value, ValueError)
    if value is not CYCLE:
        assert "strict=False" in str(caught.value) or "register_enum" in str(caught.value)


@pytest.mark.parametrize("key", [Str("a"), Point(1), Unregistered.A, Int(1), Data], ids=lambda key: type(key).__name__)
def test_msgpack_refuses_keys_that_would_come_back_as_others(key):
    """Keys are held to the same types as values."""
    for value in ({key: 1}, [{"a": {key: 1}}]):
        with pytest.raises(CodecError):
            packed.dumps(value)


@moderate
@given(values | arrays, st.data())
def test_truncated_or_lengthened_bytes_are_refused(value, data):
    """No prefix of stored bytes, and nothing with bytes after its end, is a value."""
    stored = packed.dumps(value)
    with pytest.raises(CodecError):
        packed.loads(stored[: data.draw(st.integers(0, len(stored) - 1))])
    with pytest.raises(CodecError):
        packed.loads(stored + data.draw(st.binary(min_size=1, max_size=9)))


@moderate
@given(values | arrays, st.data())
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_damaged_bytes_raise_codec_errors_only(value, data):
    """A flipped byte gives a value or a CodecError, and no other error."""
    stored = bytearray(packed.dumps(value))
    for _ in range(data.draw(st.integers(1, 3))):
        stored[data.draw(st.integers(0, len(stored) - 1))] = data.draw(st.integers(0, 255))
    try:
        back = packed.loads(bytes(stored))
    except CodecError:
        return
    assert type(back) is not msgpack.Timestamp
    repr(back)


@moderate
@given(st.binary(max_size=60), st.integers(0, 20))
def test_arbitrary_bytes_raise_codec_errors_only(data, code):
    """Whatever the bytes are, loading ends in a value or a CodecError."""
    for stored in (data, b"\xc1\x01" + data, b"\xc7" + bytes([len(data), code]) + data):
        try:
            packed.loads(stored)
        except CodecError:
            continue


def header(*parts, body=b""):
    content = ormsgpack.packb(list(parts))
    return b"\xc1\x01" + len(content).to_bytes(4, "big") + content + body


@pytest.mark.parametrize(
    "stored",
    [
        b"", b"\xc1", b"\xc1\x02", b"\xc1\x01\xff\xff\xff\xff", b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff", b"\xc9\xff\xff\xff\xff\x01", b"\xd4\x63a", b"\xd6\xff\0\0\0\1",
        b"\x91\xd6\xff\0\0\0\1",
        b"\xd7\xff" + b"\0" * 8, b"\x81\xd6\xff\0\0\0\1\1", b"\xc7\x0c\xff" + b"\0" * 12, b"\x91" * 5000 + b"\x90",
        b"\x81\x90\x01", b"\xc7\x03\x03\x92\x01\x01", b"\xd4\x02\x01", header("|O", [1], "C", body=b"\0" * 8),
        header("<f8", [2**61], "C"), header("<f8", [2**40], "C", body=b"\0" * 8), header("<f8", [-1], "C"),
        header("<f8", [1], "X", body=b"\0" * 8), header("f8", [1], "C", body=b"\0" * 8), header("|b1", [1],
        "C", body=b"\2"),
        header("<U1", [1], "C", body=b"\xff" * 4), header("<f8,<f8", [1], "C", body=b"\0" * 16),
        header("<f8", [1], "C"),
        header([["a"], ["|O"], [0], [None], 8, False], [1], "C", body=b"\0" * 8), header("|V2147483647", [1], "C"),
        header([["a"], ["<f8"], [0], [None], 8, False, 1], [1], "C", body=b"\0" * 8), header(1, 2, 3), header(),
    ],
    ids=shown,
)  # fmt: skip
def test_hostile_bytes_are_refused(stored):
    """Huge lengths, objects, unknown codes, foreign timestamps, elements that do not exist: all are CodecErrors."""
    with pytest.raises(CodecError):
        packed.loads(stored)


def nested(depth, code=2):
    data = b"\x90"
    for _ in range(depth):
        data = b"\xc9" + len(data).to_bytes(4, "big") + bytes([code]) + data
        data = b"\x91" + data
    return data


@pytest.mark.parametrize("depth", range(1, 9))
def test_bytes_after_the_end_of_an_inner_part_are_refused(depth):
    """Each level of nesting is held to its end, not only the outermost."""
    data = b"\x90\x01"
    for _ in range(depth):
        data = b"\x91\xc7" + bytes([len(data), 2]) + data
    with pytest.raises(CodecError):
        packed.loads(data)


def test_deep_nesting_never_overflows_the_stack():
    """Extension types inside each other are bounded, in a thread with a small stack too: a crash would kill Python."""
    value, problems = 1, []
    for _ in range(50):
        value = ({1: [value]},)

    def work():
        try:
            assert packed.loads(packed.dumps(value)) == value
            for depth in (51, 1000):
                with pytest.raises(CodecError):
                    packed.loads(nested(depth))
            with pytest.raises(CodecError):
                packed.dumps((value,))
        except BaseException as error:
            problems.append(error)

    before = threading.stack_size(512 * 1024)
    try:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    assert problems == []
    for depth in (200, 300, 498):
        deep = 1
        for _ in range(depth):
            deep = [deep]
        assert packed.loads(packed.dumps(deep)) == deep


def test_msgpack_reads_nothing_from_its_input_later():
    """A loaded array does not change with the buffer that it came from."""
    stored = bytearray(packed.dumps(np.arange(3)))
    back = packed.loads(stored)
    stored[-24:] = b"\xff" * 24
    assert back.tolist() == [0, 1, 2]


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
