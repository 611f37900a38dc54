"""Conditions on values, queries made of them, and plans: design section 5 as tables: conditions."""

import math
from collections import OrderedDict
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spoonbill.errors import QueryError
from spoonbill.query import (
    Match,
    classify,
    eq,
    exists,
    ge,
    glob,
    gt,
    is_nan,
    isin,
    le,
    lt,
    ne,
    regex,
)
from tests.helpers.names import shown
from tests.query.samples import AWARE, NAIVE, NAN, Colour, Odd


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, "null"),
        (True, "bool"),
        (1, "number"),
        (1.5, "number"),
        (Decimal(1), "number"),
        (Fraction(1, 2), "number"),
        ("a", "str"),
        (Colour.RED, "str"),
        (b"a", "bytes"),
        (bytearray(b"a"), "bytes"),
        (NAIVE, "time"),
        (date(2024, 1, 1), "time"),
        ([1], "list"),
        ((1,), "list"),
        ({}, "map"),
        (OrderedDict(), "map"),
        ({1}, "other"),
        (1j, "other"),
        (timedelta(1), "other"),
        (Odd(), "other"),
    ],
    ids=shown,
)
def test_classes_of_values(value, name):
    """Each value has the class of the design."""
    assert classify(value) == name


EQUAL = [
    (None, None),
    (True, True),
    (1, 1.0),
    (0.0, -0.0),
    (1, Decimal("1.0")),
    (0.5, Fraction(1, 2)),
    ("a", "a"),
    (b"a", bytearray(b"a")),
    ([1, 2], (1, 2.0)),
    ({"a": [1]}, OrderedDict(a=(1,))),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ({1: "a"}, {1.0: "a"}),
    (NAIVE, NAIVE),
    (AWARE, AWARE.astimezone()),
    ({1, 2}, {2, 1}),
]
DIFFERENT = [
    (True, 1),
    (False, 0),
    (None, False),
    (None, 0),
    ([True], [1]),
    ({"a": {"b": [1]}}, {"a": {"b": [True]}}),
    ({True: "a"}, {1: "a"}),
    (NAN, NAN),
    ([NAN], [NAN]),
    ({"a": NAN}, {"a": NAN}),
    (Decimal("sNaN"), 1),
    (2**53 + 1, float(2**53)),
    (0.1, Decimal("0.1")),
    ("1", 1),
    ("a", b"a"),
    ([1], [1, 2]),
    ([], {}),
    ({"a": 1}, {"a": 1, "b": 1}),
    ({"a": 1}, {"b": 1}),
    (NAIVE, AWARE),
    (date(2024, 1, 2), datetime(2024, 1, 2)),
    ({1}, frozenset({1})),
    ({1}, [1]),
    (Odd(), Odd()),
]


@pytest.mark.parametrize(("a", "b"), EQUAL, ids=shown)
def test_equal(a, b):
    """Values of one class that are equal match both ways, and hash alike as operands."""
    for x, y in ((a, b), (b, a)):
        assert eq(x).matches(y)
        assert not ne(x).matches(y)
        assert isin([object(), x]).matches(y)
    assert eq(a) == eq(b)
    assert hash(eq(a)) == hash(eq(b))


@pytest.mark.parametrize(("a", "b"), DIFFERENT, ids=shown)
def test_different(a, b):
    """Values of two classes, or unequal ones, do not match, and nothing raises: True is not 1 however deep."""
    for x, y in ((a, b), (b, a)):
        assert not eq(x).matches(y)
        assert ne(x).matches(y)
        assert not isin([x]).matches(y)
    assert isinstance(hash(eq(a)), int)


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(0, 2), st.sampled_from([0.0, 1.0, 1.5]), st.text("a", max_size=1)),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", 1, True, 0]), inner, max_size=2),
    max_leaves=5,
)


def tagged(value):
    """Spell out a value with its classes, so that plain == tells what eq must tell."""
    if isinstance(value, dict):
        return ("map", frozenset((tagged(key), tagged(item)) for key, item in value.items()))
    if isinstance(value, list):
        return ("list", tuple(map(tagged, value)))
    return (classify(value), value)


@settings(deadline=None, max_examples=500)
@given(values, values)
def test_eq_is_class_and_equality_all_the_way_down(a, b):
    """Equality agrees with == on values whose every part is tagged with its class."""
    assert eq(a).matches(b) == (tagged(a) == tagged(b))
    assert eq(a).matches(b) == eq(b).matches(a)


ORDERED = [
    (1, 2),
    (1.5, 2),
    (2**53, 2**53 + 1),
    (float(2**53), 2**53 + 1),
    (Decimal(1), 1.5),
    (1, math.inf),
    ("a", "b"),
    ("Z", "a"),
    ("\uffff", "\U00010000"),
    (b"a", b"b"),
    (b"a", bytearray(b"b")),
    (NAIVE, NAIVE + timedelta(1)),
    (AWARE, AWARE + timedelta(1)),
    (date(2024, 1, 1), date(2024, 1, 2)),
]


@pytest.mark.parametrize(("low", "high"), ORDERED, ids=shown)
def test_order(low, high):
    """The four orders agree on numbers (exactly), strings by code point, bytes and times."""
    assert gt(low).matches(high)
    assert ge(low).matches(high)
    assert lt(high).matches(low)
    assert le(high).matches(low)
    assert ge(low).matches(low)
    assert le(low).matches(low)
    assert not gt(low).matches(low)
    assert not lt(low).matches(low)
    assert not gt(high).matches(low)
    assert not le(low).matches(high)


@pytest.mark.parametrize("make", [gt, ge, lt, le])
@pytest.mark.parametrize(
    ("operand", "value"),
    [
        (1, True),
        (1, "1"),
        (1, None),
        (1, [1]),
        ("a", b"a"),
        (NAIVE, AWARE),
        (NAIVE, date(2024, 1, 2)),
        (NAN, 1),
        (NAN, NAN),
        (1, NAN),
        (Decimal("NaN"), 1),
        (1, Decimal("sNaN")),
        (1, Odd()),
    ],
    ids=shown,
)
def test_no_order_between_classes(make, operand, value):
    """A value of another class, a NaN and a time of another kind match no order, and raise nothing."""
    assert not make(operand).matches(value)


@pytest.mark.parametrize("make", [gt, ge, lt, le])
@pytest.mark.parametrize("operand", [None, True, [1], (1,), {}, {1}, 1j, timedelta(1)], ids=shown)
def test_what_has_no_order_is_refused(make, operand):
    """An operand without an order is a TypeError when the condition is made."""
    with pytest.raises(TypeError, match="has an order"):
        make(operand)


@pytest.mark.parametrize("condition", [eq(None), ne(1), gt(1), isin([None]), Match(glob("*")), exists(True)], ids=shown)
def test_absence_matches_only_exists_false(condition):
    """What is absent matches nothing but exists(False), ne included."""
    assert not condition.matches(None, False)
    assert exists(False).matches(None, False)
    assert not exists(False).matches(None)
    assert exists().matches(None)


def test_isin_takes_strings_literally():
    """Strings in isin are no patterns; any iterable will do; membership is by eq."""
    condition = isin(value for value in ("1+", 2, [True]))
    assert condition.matches("1+")
    assert not condition.matches("11")
    assert condition.matches(2.0)
    assert condition.matches((True,))
    assert not condition.matches([1])
    assert not isin([]).matches(None)
    assert not isin([1]).matches(True)
    assert isin({"red"}).matches(Colour.RED)


@pytest.mark.parametrize("operand", ["abc", b"abc", {"a": 1}, 1, None])
def test_isin_refuses_what_is_no_collection_of_values(operand):
    """A bare string is surely a mistake, as is a mapping or a single value."""
    with pytest.raises(QueryError, match="isin takes"):
        isin(operand)


@pytest.mark.parametrize("operand", [None, 1, "yes"])
def test_exists_takes_a_bool(operand):
    """Exists takes True or False and nothing like it."""
    with pytest.raises(QueryError):
        exists(operand)


def test_a_pattern_matches_strings_only():
    """A pattern as a condition never looks at str() of something else."""
    assert Match(regex("1+")).matches("11")
    assert not Match(regex("1+")).matches(11)
    assert not Match(glob("*")).matches(None)
    with pytest.raises(QueryError):
        Match("1+")


def test_numpy_values_compare_exactly():
    """Scalars are numbers and bools like Python's, compared without rounding; arrays match whole or not, silently."""
    np = pytest.importorskip("numpy")
    assert eq(1).matches(np.int64(1))
    assert eq(np.float32(0.5)).matches(0.5)
    assert not eq(0.1).matches(np.float32(0.1))
    assert not eq(2**53 + 1).matches(np.float64(2**53))
    assert gt(np.float64(2**53)).matches(2**53 + 1)
    assert eq(True).matches(np.True_)
    assert not eq(1).matches(np.True_)
    assert eq("a").matches(np.str_("a"))
    assert not eq(1).matches(np.timedelta64(1, "s"))
    assert gt(1).matches(np.uint8(2))
    array = np.array([1, 2])
    assert eq(array).matches(np.array([1, 2]))
    assert not eq(array).matches(np.array([1, 3]))
    assert not eq(array).matches([1, 2])
    assert not eq([1, 2]).matches(array)
    assert not eq(1).matches(array)
    assert not eq(1).matches(np.array([]))
    assert ne(1).matches(array)
    assert not gt(1).matches(array)
    assert not isin([1, 2]).matches(array)
    assert isinstance(hash(eq(array)), int)


def test_is_nan():
    """Engines that must not be asked for NaN can tell it."""
    assert [is_nan(value) for value in (NAN, Decimal("NaN"), Decimal("sNaN"), 1, 1.0, "nan", None)] == [
        True,
        True,
        True,
        False,
        False,
        False,
        False,
    ]
