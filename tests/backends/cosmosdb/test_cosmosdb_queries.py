"""The exact queries for Cosmos DB, where its test server could not tell a wrong one."""

import json
import re

import pytest

from spoonbill import eq, ge, glob, gt, isin, le, like, lt, prefix, regex
from spoonbill.backends.cosmosdb.pushdown import CosmosDBPushdown, unit_blind
from spoonbill.backends.cosmosdb.query import field, query
from spoonbill.backends.cosmosdb.scheme import CosmosDBScheme
from spoonbill.query import compile_query
from tests.contract.documents import samples

R = '["spoonbill__"]'


def asked(pattern=None, conditions=None):
    """Return condition, parameters and exactness of what the service is asked for a search."""
    given = {} if conditions is None else {"conditions": conditions}
    narrowing = CosmosDBPushdown(CosmosDBScheme()).push(compile_query(pattern, **given))
    if narrowing.filter is None:
        return None, [], narrowing.exact
    text, parameters = query("*", narrowing.filter.tokens)
    return text.removeprefix("SELECT * FROM c WHERE "), [each["value"] for each in parameters], narrowing.exact


@pytest.mark.parametrize(
    "name", [*samples.NAMES, '"]', "\\", '\\"]', "\u2028", "\u0000", "x" * 3000, "\uffff"], ids=ascii
)
def test_a_name_is_one_literal(name):
    """Whatever the name, its accessor is letters, digits, underscores and escapes in quotes, and means the name."""
    text = field(name)
    assert re.fullmatch(r'\["([0-9A-Za-z_]|\\u[0-9a-f]{4})*"\]', text)
    assert json.loads(text) == [name]


@pytest.mark.parametrize(
    ("conditions", "condition", "values", "exact"),
    [
        ({"a": 1}, 'c["a"] = @p0', [1], True),
        ({"a": eq(None)}, 'c["a"] = @p0', [None], True),
        ({"a": eq('" OR 1=1 --')}, 'c["a"] = @p0', ['" OR 1=1 --'], True),
        ({'"] OR true --': 1}, r'c["\u0022\u005d\u0020OR\u0020true\u0020\u002d\u002d"] = @p0', [1], True),
        ({"\U0001f600": 1}, r'c["\ud83d\ude00"] = @p0', [1], True),
        ({"a": gt(1)}, f'(c["a"] > @p0 OR IS_DEFINED(c["a"]{R}))', [1], False),
        ({"a": le(2**53)}, f'(c["a"] <= @p0 OR IS_DEFINED(c["a"]{R}))', [2**53], False),
        ({"a": gt(2**60 + 1)}, f'(c["a"] >= @p0 OR IS_DEFINED(c["a"]{R}))', [float(2**60) - 128], False),
        ({"a": lt(10**400)}, f'(IS_NUMBER(c["a"]) OR IS_DEFINED(c["a"]{R}))', [], False),
        ({"a": ge(float("inf"))}, f'(false OR IS_DEFINED(c["a"]{R}))', [], False),
        ({"a": eq(b"x")}, f'IS_DEFINED(c["a"]{R})', [], False),
        ({"a": isin(["x", 1, None])}, 'ARRAY_CONTAINS(@p0, c["a"])', [["x", 1, None]], True),
        ({"a": isin(["x", b"y"])}, f'(ARRAY_CONTAINS(@p0, c["a"]) OR IS_DEFINED(c["a"]{R}))', [["x"]], False),
        ({"a": eq({"k": [1]})}, 'c["a"] = @p0', [{"k": [1]}], True),
        ({"a": eq({"k": b""})}, 'IS_OBJECT(c["a"])', [], False),
        ({"a": eq([2**60])}, 'IS_ARRAY(c["a"])', [], False),
        ({"a": gt("x")}, 'c["a"] > @p0', ["x"], True),
        ({"a": gt("x\ue000")}, 'c["a"] >= @p0', ["x"], False),
        ({"a": lt("x\U0001f600")}, '(c["a"] < @p0 OR STARTSWITH(c["a"], @p1))', ["x", "x"], False),
        ({"a": lt("\U0001f600")}, 'IS_STRING(c["a"])', [], False),
        ({"a": prefix("x")}, 'STARTSWITH(c["a"], @p0)', ["x"], True),
        ({"a": like("x%")}, 'STARTSWITH(c["a"], @p0)', ["x"], True),
        ({"a": like("x_")}, 'STARTSWITH(c["a"], @p0)', ["x"], False),
        (
            {"a": like("x%y_z%w")},
            '(STARTSWITH(c["a"], @p0) AND CONTAINS(c["a"], @p1) AND CONTAINS(c["a"], @p2) AND ENDSWITH(c["a"], @p3))',
            ["x", "y", "z", "w"],
            False,
        ),
        ({"a": like("%")}, 'IS_STRING(c["a"])', [], True),
        ({"a": like("x")}, 'c["a"] = @p0', ["x"], True),
        ({"a": regex("(x|y)z")}, '((STARTSWITH(c["a"], @p0) OR STARTSWITH(c["a"], @p1)) AND RegexMatch(c["a"], @p2))',
         ["xz", "yz", "^(?:[xy])z"], False),
        ({"a": regex(r"\d")}, 'IS_STRING(c["a"])', [], False),
        ({"id": 1}, f'IS_DEFINED(c{R}["fields"])', [], False),
        ({"ttl": 1}, f'(IS_DEFINED(c{R}["fields"]) OR IS_DEFINED(c["ttl"]))', [], False),
        (eq("x"), f'c{R}["value"] = @p0', ["x"], True),
    ],
)  # fmt: skip
def test_conditions_on_fields(conditions, condition, values, exact):
    """Names are escaped literals, values parameters, and exact is only what lets nothing but matches pass."""
    assert asked(conditions=conditions) == (condition, values, exact)


@pytest.mark.parametrize(
    ("pattern", "condition", "values", "exact"),
    [
        (prefix("a"), 'STARTSWITH(c["id"], @p0)', ["a"], True),
        (prefix("."), 'STARTSWITH(c["id"], @p0)', ["~2E"], True),
        (prefix("a/b"), 'STARTSWITH(c["id"], @p0)', ["a~2Fb"], True),
        (prefix("a "), 'STARTSWITH(c["id"], @p0)', ["a"], False),
        (prefix(" "), None, [], False),
        (like("%.b%"), 'CONTAINS(c["id"], @p0)', ["b"], False),
        (like("%/ "), 'ENDSWITH(c["id"], @p0)', ["~2F~20"], False),
        (like("%.."), None, [], False),
        (glob("..?*"), 'STARTSWITH(c["id"], @p0)', ["~2E."], False),
        (like(".."), 'c["id"] = @p0', ["~2E."], True),
        (like(""), 'c["id"] = @p0', ["~"], True),
        (regex("a|b"), '(STARTSWITH(c["id"], @p0) OR STARTSWITH(c["id"], @p1))', ["a", "b"], False),
        (like("%"), None, [], True),
    ],
)
def test_patterns_on_keys(pattern, condition, values, exact):
    """A key's pattern goes to the service as far as escapes leave it standing."""
    assert asked(pattern) == (condition, values, exact)


def test_a_query_has_a_size():
    """What would make the query too long for the service is tested here instead."""
    text, values, exact = asked(conditions={"a": eq("x" * 90_000), "b": eq("y" * 90_000), "c": 1})
    assert text == '(c["a"] = @p0 AND c["c"] = @p1)'
    assert values == ["x" * 90_000, 1]
    assert not exact
    assert asked(conditions={"x" * 5000: 1}) == (None, [], False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("^ab+", "^ab+"),
        (r"^a[^\n]b", r"^a[^\n]{1,4}b"),
        (r"^[\s\S]*x[^\x2d]?\n?$", r"^[\s\S]*x[^\x2d]{0,4}\n?$"),
        ("^[^a]{3}[^a]{2,5}?[^a]{2,}", "^[^a]{3,12}[^a]{2,20}?[^a]{2,}"),
        (r"^\[^a][ab]", r"^\[^a][ab]"),
        (r"^(?:[^\n])*", None),
        (r"^(?:[^\n]x){2}", None),
        ("^(?:ab)*", "^(?:ab)*"),
        ("^\u00e9", None),
        (None, None),
    ],
)
def test_a_regex_for_any_kind_of_character(text, expected):
    """Whether the service counts characters, UTF-16 units or bytes, its regex finds at least what ours does."""
    assert unit_blind(text) == expected


@pytest.mark.parametrize("pattern", [regex("a."), regex("[^a]b"), regex("a.?$"), regex(".{2}c"), regex("x.*y")])
def test_a_widened_regex_finds_bytes_and_units(pattern):
    """The widened regex finds each match also where it is read as bytes of UTF-8, or as UTF-16 units."""
    condition, values, _ = asked(conditions={"a": pattern})
    assert "RegexMatch(" in condition
    text = values[-1]
    for subject in ("a\U0001f600", "\U0001f600b", "\u00e9b", "a\u00e9", "a", "\U0001f600\u00e9c", "x\U0001f600y", "ab"):
        if pattern.matches(subject):
            units = subject.encode("utf-16-le")
            as_units = "".join(chr(units[at] | units[at + 1] << 8) for at in range(0, len(units), 2))
            assert re.search(text, subject)
            assert re.search(text.encode(), subject.encode())
            assert re.search(text, as_units)
