"""What a plain string, a nested dict and a function mean as conditions."""

import re

import hypothesis.strategies as st
import pytest
from hypothesis import given

from spoonbill import eq, exists, field, glob, gt, regex
from spoonbill.datastores import InMemoryStore
from spoonbill.errors import QueryError
from spoonbill.layers import Search
from spoonbill.query import DIALECTS, compile_conditions

PLACES = {
    "bern": {"name": "Bern (main)", "country": "CH", "geo": {"lat": 46.9, "lon": 7.4}},
    "kiel": {"name": "Kiel", "country": "CHE", "geo": {"lat": 54.3}, "code": "11"},
    "rome": {"name": "Rome", "country": "IT", "geo": "unknown", "code": "1"},
}


@pytest.fixture
def store():
    return InMemoryStore(PLACES)


@pytest.mark.parametrize(
    ("conditions", "found"),
    [
        ({"country": "CH"}, {"bern"}),
        ({"country": "CH.?"}, {"bern", "kiel"}),
        ({"name": "Bern (main)"}, {"bern"}),
        ({"code": "1+"}, {"kiel", "rome"}),
        ({"name": "(?i)KIEL"}, {"kiel"}),
        ({"geo": {"lat": gt(50)}}, {"kiel"}),
        ({field("geo", "lat"): gt(40)}, {"bern", "kiel"}),
        ({field("geo", "lon"): exists(False)}, {"kiel", "rome"}),
        ({"geo": {"lat": gt(40)}, field("geo", "lon"): gt(0)}, {"bern"}),
        ({"geo": {"lat": 54.3}}, {"kiel"}),
        ({"geo": {"lat": 46.9}}, set()),
        ({"country": regex("CH")}, {"bern", "kiel"}),
        ({"country": glob("C?")}, {"bern"}),
    ],
)
def test_what_conditions_find(store, conditions, found):
    """A plain string is itself or a pattern of the whole; a dict with a condition in it is about nested fields."""
    assert {key for key, _ in store.items(conditions)} == found


@given(st.text(max_size=8), st.sampled_from(sorted(set(DIALECTS) - {"server_glob"})))
def test_a_plain_string_finds_its_own_value(text, dialect):
    """Whatever the dialect makes of a string, it matches the value that equals it."""
    try:
        conditions = compile_conditions(text, dialect)
    except QueryError:
        return
    assert conditions.matches(text)


@given(st.text(st.sampled_from("ab1+*.?()|^$[]\\n"), max_size=6), st.text(st.sampled_from("ab1\n"), max_size=5))
def test_a_plain_regex_matches_the_whole(pattern, value):
    """It is what re.fullmatch says, or equality."""
    try:
        conditions = compile_conditions(pattern, "regex")
    except QueryError:
        return
    if pattern == "*":
        return
    assert conditions.matches(value) == (value == pattern or re.fullmatch(pattern, value) is not None)


def test_what_is_meant_is_said(store):
    """A bad pattern, a function and None are errors that name what was meant."""
    for pattern in ("*a", "a**", "?b"):
        with pytest.raises(QueryError, match="did you mean glob"):
            store.keys(pattern)
    for conditions in ({"name": lambda name: True}, {"geo": {"lat": max}}, {"geo": [len]}):
        with pytest.raises(QueryError, match="function"):
            store.items(conditions)
    for search in (lambda: store.keys(None), lambda: store.scan(None)):
        with pytest.raises(QueryError, match="no meaning"):
            search()
    assert list(store.items({"geo": eq({"lat": 54.3})})) == [("kiel", PLACES["kiel"])]


def test_a_match_can_be_bounded():
    """An expression that would run for years on a key is stopped, in key patterns and in conditions."""
    key = "a" * 60 + "!"
    store = Search(InMemoryStore({key: {"name": key}}), match_seconds=0.05)
    for search in (
        lambda: list(store.keys("(a|aa)+$")),
        lambda: list(store.keys(regex("(a|aa)+$"))),
        lambda: list(store.items({"name": regex("(a|aa)+$")})),
        lambda: list(store.items({"name": "(a|aa)+"})),
    ):
        with pytest.raises(QueryError, match=r"more than 0\.05 s"):
            search()
    assert list(store.keys("(?i)A+!$")) == [key]
