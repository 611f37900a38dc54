"""Conditions on values, queries made of them, and plans: design section 5 as tables."""

import collections
import enum
import math
import pickle
from collections import OrderedDict, defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spoonbill.common.sentinels import NOT_GIVEN
from spoonbill.errors import QueryError
from spoonbill.query import (
    AnyOf,
    Conditions,
    Match,
    Plan,
    Query,
    Step,
    classify,
    compile_conditions,
    compile_query,
    eq,
    exists,
    ge,
    glob,
    gt,
    is_nan,
    isin,
    le,
    like,
    lt,
    ne,
    prefix,
    regex,
)
from tests.helpers.names import shown

NAN = math.nan
NAIVE = datetime(2024, 1, 2, 3)
AWARE = datetime(2024, 1, 2, 3, tzinfo=UTC)


class Odd:
    """A class of a user's own whose == fails."""

    def __eq__(self, other):
        raise RuntimeError("no")

    __hash__ = None

    def __repr__(self):
        return "Odd()"


class Colour(enum.StrEnum):
    RED = "red"


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


CONDITIONS = [
    eq([1, {"a": None}]),
    ne({"a"}),
    gt(1),
    ge("a"),
    lt(b"a"),
    le(date(2024, 1, 1)),
    isin(["a", [1]]),
    exists(False),
    Match(glob("a*")),
]


@pytest.mark.parametrize("condition", CONDITIONS, ids=shown)
def test_conditions_are_values(condition):
    """A condition is hashable whatever it holds, pickles also after use, and cannot be changed."""
    condition.matches("a")
    back = pickle.loads(pickle.dumps(condition))
    assert back == condition
    assert hash(back) == hash(condition)
    assert back.matches("a") == condition.matches("a")
    with pytest.raises(AttributeError):
        condition.operand = 2
    assert condition != "a condition"


def test_conditions_that_mean_something_else_differ():
    """eq(1) and eq(True) are two conditions, as are eq and ne of one operand."""
    assert len({eq(1), eq(True), ne(1), gt(1), ge(1), eq("1"), isin([1]), eq([1]), eq([True])}) == 9
    assert eq(NAN) == eq(NAN)
    assert repr(isin([1, "a"])) == "isin((1, 'a'))"
    assert repr(eq("a")) == "eq('a')"


@pytest.mark.parametrize(
    ("wanted", "value", "found"),
    [
        ({"a": "1+", "b": 1}, {"a": "11", "b": 1.0, "c": 0}, True),
        ({"a": "1+", "b": 1}, {"a": "11", "b": True}, False),
        ({"a": "1+"}, {"a": 11}, False),
        ({"a": glob("x*")}, {"a": "xy"}, True),
        ({"a": gt(1)}, {"a": 2}, True),
        ({"a": None}, {"a": None}, True),
        ({"a": None}, {}, False),
        ({"a": ne(1)}, {}, False),
        ({"a": exists(False)}, {}, True),
        ({"a": exists(False)}, 5, True),
        ({"a": exists()}, {"a": None}, True),
        ({"a": {"b": 1}}, {"a": {"b": 1}}, True),
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}, False),
        ({"a": {"b": "1+"}}, {"a": {"b": "11"}}, False),
        ({"a": [1]}, {"a": (1,)}, True),
        ({"a.b": 1}, {"a": {"b": 1}}, False),
        ({"a.b": 1}, {"a.b": 1}, True),
        ({"a": 1}, [("a", 1)], False),
        ({"a": 1}, "a", False),
        ({}, 5, True),
        ({}, None, True),
        ("1+", "11", True),
        ("1+", 11, False),
        (5, 5.0, True),
        (5, {"a": 5}, False),
        (like("a%"), "ab", True),
        (isin(["1+"]), "11", False),
        ([1], (1,), True),
        (eq(None), None, True),
        (eq({"a": 1}), {"a": 1}, True),
        ("*", "anything", True),
        ({"a": "*"}, {"a": ""}, True),
        ({"a": "*"}, {}, False),
        (exists(False), 1, False),
    ],
    ids=shown,
)
def test_conditions_on_values(wanted, value, found):
    """What ``items`` is given, and what it finds: the table of the design."""
    assert compile_conditions(wanted).matches(value) is found
    assert compile_conditions(compile_conditions(wanted)).matches(value) is found


def test_conditions_show_their_parts_to_engines():
    """An engine reads the fields and the value's condition, cannot change them, and the giver's dict is copied."""
    wanted = {"a": "x%", "b": 1}
    conditions = compile_conditions(wanted, "like")
    wanted["c"] = 2
    assert conditions.fields == {"a": Match(like("x%")), "b": eq(1)}
    assert conditions.value is None
    with pytest.raises(TypeError):
        conditions.fields["c"] = eq(1)
    assert compile_conditions(5).value == eq(5)
    assert compile_conditions(5).fields is None
    assert compile_conditions({}).everything
    assert Conditions({}) == Conditions()
    assert not compile_conditions(5).everything


def test_a_search_inserts_nothing():
    """A defaultdict that is searched for a field that it lacks does not gain it."""
    value = defaultdict(int)
    assert not compile_conditions({"a": 0}).matches(value)
    assert not value
    assert not eq({"a": 0}).matches(collections.Counter())


@pytest.mark.parametrize("wanted", [None, {1: 2}, {None: 1}, {"a": "("}, "("])
def test_meaningless_conditions_are_refused(wanted):
    """None, fields that are no strings and bad patterns are QueryErrors, so TypeErrors too."""
    with pytest.raises(TypeError):
        compile_conditions(wanted)


def test_none_says_what_to_write():
    """The message for items(None) names eq(None)."""
    with pytest.raises(QueryError, match=r"eq\(None\)"):
        compile_query(conditions=None)
    assert compile_query(conditions=NOT_GIVEN).conditions is None


@pytest.mark.parametrize("limit", [-1, True, False, 1.0, "1"])
def test_a_limit_is_a_count(limit):
    """A limit is an int of 0 or more; a bool is none."""
    with pytest.raises(QueryError, match="limit"):
        compile_query(limit=limit)
    assert compile_query(limit=0).limit == 0
    assert compile_query().limit is None


def test_dialects_reach_all_plain_strings():
    """One dialect reads the key pattern and every plain string in the conditions."""
    query = compile_query("a*", {"x": "b*"}, dialect="glob")
    assert query.pattern == glob("a*")
    assert query.conditions == Conditions({"x": Match(glob("b*"))})
    with pytest.raises(QueryError, match="dialect"):
        compile_query(dialect="nope")


def test_a_query_matches_entries():
    """Both the key and the value have to match; a key that is no string is matched by its str()."""
    query = compile_query("1+", {"a": 1})
    assert query.matches("11", {"a": 1})
    assert query.matches(11, {"a": 1})
    assert not query.matches(2, {"a": 1})
    assert not query.matches("1", {"a": 2})
    assert compile_query(prefix("red")).matches_key(Colour.RED)
    assert Query().matches(object(), None)


def test_a_layer_that_drops_a_filter_drops_the_limit():
    """The limit counts matches, so it goes with whatever filtered, and stays where nothing did."""
    query = compile_query("a", {"b": 1}, limit=3)
    assert query.without_pattern() == Query(conditions=query.conditions)
    assert query.without_conditions() == Query(query.pattern)
    assert query.with_pattern(AnyOf((query.pattern, prefix("!")))).limit is None
    assert query.with_pattern(query.pattern) == query
    assert query.with_pattern(prefix("x"), exact=True).limit == 3
    assert query.without_limit().limit is None
    plain = compile_query("*", {}, limit=3)
    assert plain.everything
    assert plain.without_pattern().limit == 3
    assert plain.without_conditions().limit == 3


def test_queries_are_values():
    """A query is hashable, picklable and immutable, also with operands that are not hashable."""
    query = compile_query(regex("a"), {"x": [1], "y": glob("b*")}, limit=2, keys_only=True)
    back = pickle.loads(pickle.dumps(query))
    assert back == query
    assert hash(back) == hash(query)
    assert len({query, back, Query()}) == 2
    assert compile_query(conditions={"a": 1, "b": 2}) == compile_query(conditions={"b": 2, "a": 1})
    with pytest.raises(AttributeError):
        query.limit = 5


def test_a_query_reads_as_a_sentence():
    """The text of a query is what explain() shows."""
    query = compile_query(
        glob("user:*"), {"a": "1+", "b": 1, "c d": isin([1, 2]), "e": exists(False), "f": gt(2)}, limit=5
    )
    assert str(query) == (
        "key ~ glob('user:*') and a ~ '1+' as a whole and b == 1 and 'c d' in (1, 2) and e does not exist and f > 2,"
        " 5 at most"
    )
    assert str(compile_conditions(ne(1))) == "value != 1"
    assert str(Query()) == "everything"
    assert str(Conditions()) == "every value"
    assert repr(compile_conditions({"a": 1})) == "Conditions({'a': eq(1)}, None)"


def test_a_plan_reads_from_the_top():
    """A plan grows by the layers around a store, outermost first, and says what runs where."""
    plan = Plan((Step("LmdbStore('x')", "key ~ prefix('a')"),), native="prefix 'a'", scanned="keys from 'a' to 'b'")
    plan = plan.behind(Step("Codec", "decodes values", "a == 1"), finished_here="a == 1")
    assert str(plan).splitlines() == [
        "Codec: decodes values (keeps back: a == 1)",
        "  LmdbStore('x'): key ~ prefix('a')",
        "by the engine: prefix 'a'",
        "in Python:     a == 1",
        "reads:         keys from 'a' to 'b'",
    ]
    assert "by the engine: nothing" in str(Plan())
