"""The short way of plain documents to JSON, against the way that looks at each part of a value."""

import json
from collections import OrderedDict
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, IntEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spoonbill.backends.postgresql.scheme import PostgresScheme
from spoonbill.backends.shared.documents import RESERVED, decode_json, encode_json, plain_json
from spoonbill.backends.sqlite.scheme import SQLiteScheme
from spoonbill.errors import CodecError


class Text(str):
    """A str of another class."""

    __slots__ = ()


class Colour(Enum):
    """What no document holds."""

    RED = "red"


class Number(IntEnum):
    """An int of another class."""

    ONE = 1


def nested(levels, kind):
    value = 1
    for _ in range(levels):
        value = {"a": value} if kind is dict else [value]
    return value if kind is dict else {"a": value}


NAMES = st.text() | st.sampled_from([RESERVED, f"{RESERVED}x", "", "a.b", "$a", "\0", "\x01"])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64)
    | st.floats()
    | NAMES
    | st.binary(max_size=3)
    | st.sampled_from([datetime(2020, 1, 1, tzinfo=UTC), Text("a"), Colour.RED, Number.ONE, Decimal(1), (1,), {1}])
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.integers(0, 3), inner, max_size=3)
)


@given(VALUES | st.dictionaries(NAMES, VALUES, max_size=3))
def test_the_short_way_writes_what_the_long_way_writes(value):
    """Where the short way gives a text, the long way takes the value and gives the same one."""
    for scheme, floats in ((SQLiteScheme(), True), (PostgresScheme(), False)):
        text = plain_json(value, levels=scheme.max_depth, floats=floats)
        assert text is None or text == encode_json(scheme.dump(value))


@pytest.mark.parametrize(
    "value",
    [
        1,
        {1: 2},
        {Text("a"): 1},
        {"a": Text("b")},
        {"a": Number.ONE},
        {"a": Colour.RED},
        {"a": (1,)},
        {"a": OrderedDict()},
        {"a": b"1"},
        {"a": bytearray(b"1")},
        {"a": datetime(2020, 1, 1, tzinfo=UTC)},
        {"a": Decimal(1)},
        {"a": 1 << 63},
        {"a": 1 << 64},
        {"a": float("nan")},
        {"a": float("inf")},
        {"a": "\ud800"},
        {"\ud800": 1},
        {RESERVED: 1},
        {"a": [{RESERVED: 1}]},
        nested(101, dict),
        nested(100, list),
        nested(300, list),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_what_is_left_to_the_long_way(value):
    """What JSON would change, or what needs a place of its own, is never written as it is."""
    assert plain_json(value, levels=100) is None


def test_plain_documents_go_the_short_way():
    """Documents of every plain type are written at once, up to the most levels."""
    for value in (
        {},
        {"a": None, "b": True, "c": -(1 << 63), "d": 0.5, "e": "é\0\n", "f": [1, [2]], "g": {"h": {}}},
        nested(100, dict),
        nested(99, list),
    ):
        text = plain_json(value, levels=100)
        assert text is not None
        assert json.loads(text) == value
    assert plain_json({"a": 0.5}, levels=100, floats=False) is None


def test_what_is_deeper_than_the_stack_is_refused():
    """A value that holds itself, or is endlessly deep, is an error, by the long way."""
    value = {}
    value["a"] = value
    for endless in (value, nested(100_000, list)):
        assert plain_json(endless, levels=100) is None
        with pytest.raises(CodecError):
            SQLiteScheme().dump(endless)


@pytest.mark.parametrize(
    "text", ["1", ' {"a": 1}\n', '"a"', "[1, 2]", "", "{", "1 2", '{"a": 1}x', "NaN", "\ufeff1", "nul"]
)
def test_decoding_is_that_of_the_standard_library(text):
    """Blanks around a value are read, and what is no JSON is the same kind of error."""
    try:
        wanted = json.loads(text)
    except ValueError:
        with pytest.raises(ValueError, match=r".+"):
            decode_json(text)
    else:
        found = decode_json(text)
        assert found == wanted or found != found
