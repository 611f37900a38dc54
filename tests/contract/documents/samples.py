"""Values, documents, keys and conditions that the document engines are tried with."""

import math
from datetime import UTC, datetime, timedelta, timezone

import hypothesis.strategies as st

from spoonbill import eq, exists, ge, glob, gt, isin, le, like, lt, ne, prefix, regex

TIMES = [
    datetime(2024, 5, 6, 7, 8, 9, 123000, tzinfo=UTC),
    datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=UTC),
    datetime(2024, 5, 6, 9, 8, 9, 123000, tzinfo=timezone(timedelta(hours=2))),
    datetime(2024, 5, 6, 7, 8, 9),
    datetime(1, 1, 1),
    datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
]

NUMBERS = [0, 1, -1, 1.0, 0.1, 1.5, -0.0, 2**53, 2**53 + 1, float(2**53), 2**63 - 1, -(2**63), 1e300, 5e-324, 1e-121]
NUMBERS += [math.inf, -math.inf, 1e15, 123456789012345.6]

STRINGS = [
    "",
    "1",
    "11",
    "a",
    "A",
    "ab",
    "a\x00b",
    "%",
    "_",
    "a%",
    "\u00e9",
    "e\u0301",
    "\U0001f600",
    "\ufffd",
    "\n",
    "a\n",
]
STRINGS += [
    "'",
    '"',
    '" OR 1=1 --',
    "{",
    "}",
    "${x}",
    "$where",
    "x" * 2000,
    "\ud7ff",
    "\ue000",
    "\U0010ffff",
    "*",
    "a.b",
]

SCALARS = [None, True, False, b"", b"\x00\xff", b"a", b"bb", *NUMBERS, *STRINGS, *TIMES]

NAMES = [
    "a",
    "b",
    "c",
    "id",
    "_id",
    "key",
    "_etag",
    "ttl",
    "_",
    "__",
    "__x__",
    "__name__",
    "",
    ".",
    "a.b",
    ".a",
    "$",
    "$a",
]
NAMES += [
    "$where",
    "/",
    "a/b",
    "~",
    "~7E",
    "spoonbill__",
    "0",
    " ",
    "#a",
    ":a",
    "`a`",
    "'",
    '"; DROP',
    "\u00e9",
    "\U0001f600",
]
NAMES += ["a[0]", "value", "rev", "fields", "\x00", "a\x00b", "%", "{", "}", "_ts", "_rid", "x" * 300]

KEYS = [
    "a",
    "A",
    "",
    "..",
    ".",
    "/",
    "a/b",
    "~",
    "~7E",
    "~2F",
    "__x__",
    "__",
    " ",
    "a ",
    "\x00",
    "\u00e9",
    "e\u0301",
    "\U0001f600",
]
KEYS += [
    "'",
    '"',
    '" OR 1=1 --',
    "$where",
    "{}",
    "%",
    "_",
    "*",
    "?",
    "#",
    "\\",
    "a\nb",
    "x" * 500,
    "1",
    "!n",
    "spoonbill__",
]

leaves = (
    st.sampled_from(SCALARS)
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
    | st.binary(max_size=6)
)
names = st.sampled_from(NAMES) | st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=8,
)
documents = st.dictionaries(names, values, max_size=5)

TREES = [
    {"a": 1, "b": [1, {"c": None}]},
    {"spoonbill__": {"value": 1}},
    {"spoonbill__": {"fields": []}},
    {"spoonbill__": {"rev": "x"}},
    {"a": {"spoonbill__": {"int": "1"}}},
    {"a": {"spoonbill__": {"float": "nan"}, "b": 1}},
    {"a": [[], [[]], [[1], {}]]},
    {"a": {"$gt": ""}},
    {"a": {"k": 1, "l": 2}, "b": {"l": 2, "k": 1}},
    {"a": {"k": [1, 2.5, "x"]}},
    {"a": [1, "x"], "b": [[1, "x"]]},
    {"a": {}},
    {"a": []},
    {"a": [None]},
    {},
    [],
    [[1]],
    {"_id": "b"},
    {"key": "b", "id": "b"},
]

SEARCHED = [
    *({"a": scalar, "b": position} for position, scalar in enumerate(SCALARS)),
    *({name: position, "b": position} for position, name in enumerate(NAMES)),
    *({"c": [scalar]} for scalar in SCALARS[:12]),
    *(
        {"c": {"k": scalar, "l.m": 1} if position % 2 else {"k": scalar}}
        for position, scalar in enumerate(SCALARS[:30])
    ),
    *SCALARS[:20],
    *TREES,
    *(
        {
            "c": {"k": {"m": scalar} if position % 2 else scalar, NAMES[position % len(NAMES)]: position},
            "rank": position,
        }
        for position, scalar in enumerate(SCALARS)
    ),
    {"c": [{"k": 1}, {"k": "a"}]},
    {"c": {"k": [{"m": 1}]}},
    {"c": {"k": {"m": 1, "": 2}}},
    {"c": {"k": {"m": 1, "spoonbill__": 2}}},
    {"c": {"spoonbill__": {"map": []}, "k": 1}},
]
"""The documents of the searched collection."""

PATTERNS = [
    glob("*"),
    glob("a*"),
    glob("?"),
    glob("[ab]*"),
    like("a%"),
    like("%1%"),
    like("_"),
    like("%"),
    prefix("a"),
    prefix(""),
]
PATTERNS += [
    regex("1+"),
    regex("a|1"),
    regex(r"\d"),
    regex("a$"),
    regex(".*"),
    regex("(a)?"),
    regex(r"a\Z"),
    prefix("\ud7ff"),
]
PATTERNS += [
    prefix("\U0010ffff"),
    glob("\\*"),
    regex(r"\$"),
    like(r"\%"),
    regex("a."),
    glob("a?b"),
    regex("[^a]"),
    prefix("\ud800"),
]
PATTERNS += [regex("(a{2,900}){2,900}"), like("x" * 200 + "%")]

ordered = st.sampled_from(
    [operand for operand in SCALARS if operand is not None and operand is not True and operand is not False]
)
operands = (
    st.sampled_from([*SCALARS, math.nan, 2**70, -(2**70), 10**400, "\ud800"])
    | st.sampled_from([tree["a"] if isinstance(tree, dict) and "a" in tree else tree for tree in TREES])
    | values
)
conditions = (
    operands.map(eq)
    | operands.map(ne)
    | st.builds(
        lambda kind, operand: kind(operand), st.sampled_from([gt, ge, lt, le]), ordered | st.integers(-(2**70), 2**70)
    )
    | st.lists(operands, max_size=4).map(isin)
    | st.booleans().map(exists)
    | st.sampled_from(PATTERNS)
)
queries = st.dictionaries(
    st.sampled_from(["a", "a", "b", "c", *NAMES]), conditions, min_size=1, max_size=2
) | st.sampled_from(
    [eq(1), eq("1"), gt(0), isin([1, None]), prefix("a"), eq({"a": 1}), ne(1), eq([]), eq([[1]]), eq(None)]
)


_inner = st.sampled_from(["k", "k", "m", "", "l.m", "spoonbill__", "id", "_id", "0", "$a", "\u00e9"])
_nested = st.recursive(
    st.dictionaries(_inner, conditions, min_size=1, max_size=2),
    lambda inner: st.dictionaries(_inner, inner | conditions, min_size=1, max_size=2),
    max_leaves=4,
)
nested_queries = st.dictionaries(
    st.sampled_from(["c", "c", "a", "", "_id", "spoonbill__"]), _nested, min_size=1, max_size=2
)

SHARED = [
    (None, None),
    (prefix("k"), None),
    (glob("k1*"), None),
    (regex("k.*[13]"), None),
    (glob("k3"), None),
    (None, {"b": eq(5)}),
    (None, {"b": isin([1, 5, 7])}),
    (None, {"rank": gt(40)}),
    (prefix("k2"), {"rank": ge(3)}),
    (prefix("k3"), {"b": eq(3)}),
    (glob("k3"), {"b": eq(3)}),
    (None, {"c": {"k": eq(1)}}),
    (None, {"c": {"k": {"m": exists()}}, "rank": lt(50)}),
    (None, {"c": {"k": exists(False)}}),
    (None, {"a": ne(1)}),
]
"""Patterns on keys and conditions on values that are searched in shares."""


def orders(query):
    """Return whether a query orders a field's values."""
    wanted = query.values() if isinstance(query, dict) else [query]
    return any(
        orders(condition) if isinstance(condition, dict) else type(condition).__name__ in {"Gt", "Ge", "Lt", "Le"}
        for condition in wanted
    )


def _without_nan(value):
    if isinstance(value, dict):
        return all(map(_without_nan, value.values()))
    return all(map(_without_nan, value)) if isinstance(value, list) else value == value


comparable = values.filter(_without_nan)
"""Values that are equal to themselves, so that a dict of them can be compared."""
