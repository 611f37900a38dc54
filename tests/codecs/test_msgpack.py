"""The msgpack codec gives back what it got with its own type, and refuses damaged bytes."""

import collections
import datetime as dt
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

from spoonbill.errors import CodecError
from tests.codecs.samples import (
    CYCLE,
    Array,
    Bytes,
    Data,
    Float,
    Int,
    Level,
    Point,
    Str,
    Unregistered,
    Word,
    arrays,
    identical,
    layouts,
    moderate,
    packed,
    values,
)
from tests.helpers.names import shown


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
