"""Conditions on values, queries made of them, and plans: design section 5 as tables: queries."""

import collections
import pickle
from collections import defaultdict
from datetime import date

import pytest

from spoonbill.common.sentinels import NOT_GIVEN
from spoonbill.errors import QueryError
from spoonbill.query import (
    AnyOf,
    Conditions,
    Match,
    Plan,
    Query,
    Step,
    compile_conditions,
    compile_query,
    eq,
    exists,
    ge,
    glob,
    gt,
    isin,
    le,
    like,
    lt,
    ne,
    prefix,
    regex,
)
from tests.helpers.names import shown
from tests.query.samples import NAN, Colour

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
