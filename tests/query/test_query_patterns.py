"""Patterns: their meaning against slow and plainly right references, and the facts that engines rely on."""

import pickle
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from spoonbill.errors import QueryError
from spoonbill.query import (
    DIALECTS,
    AnyOf,
    Pattern,
    compile_pattern,
    glob,
    like,
    prefix,
    regex,
    server_glob,
)
from tests.helpers.names import shown

ALPHABET = "*?[]^-\\!a b"
globs = st.text(ALPHABET, max_size=12)
texts = st.text("ab]-\\^[!é\n ", max_size=8)
many = settings(deadline=None, max_examples=800)


def redis_match(pattern, text, order=lambda unit: unit):
    """Follow the algorithm that Redis documents by its source (`stringmatchlen`), on sequences of numbers."""
    p = 0
    t = 0
    while p < len(pattern) and t < len(text):
        c = chr(pattern[p]) if pattern[p] < 128 else None
        if c == "*":
            while p + 1 < len(pattern) and pattern[p + 1] == ord("*"):
                p += 1
            if p == len(pattern) - 1:
                return True
            return any(redis_match(pattern[p + 1 :], text[i:], order) for i in range(t, len(text)))
        if c == "?":
            t += 1
        elif c == "[":
            p += 1
            negated = p < len(pattern) and pattern[p] == ord("^")
            if negated:
                p += 1
            match = False
            while True:
                left = len(pattern) - p
                if left >= 2 and pattern[p] == ord("\\"):
                    p += 1
                    match = match or pattern[p] == text[t]
                elif left == 0:
                    p -= 1
                    break
                elif pattern[p] == ord("]"):
                    break
                elif left >= 3 and pattern[p + 1] == ord("-"):
                    low, high = sorted((order(pattern[p]), order(pattern[p + 2])))
                    p += 2
                    match = match or low <= order(text[t]) <= high
                else:
                    match = match or pattern[p] == text[t]
                p += 1
            if match == negated:
                return False
            t += 1
        else:
            if c == "\\" and len(pattern) - p >= 2:
                p += 1
            if pattern[p] != text[t]:
                return False
            t += 1
        p += 1
    while p < len(pattern) and pattern[p] == ord("*"):
        p += 1
    return p == len(pattern) and t == len(text)


def signed(byte):
    return byte - 256 if byte > 127 else byte


def slow_like(pattern, text):
    if not pattern:
        return not text
    if pattern[0] == "%":
        return any(slow_like(pattern[1:], text[i:]) for i in range(len(text) + 1))
    if not text:
        return False
    if pattern[0] == "\\" and len(pattern) > 1:
        return pattern[1] == text[0] and slow_like(pattern[2:], text[1:])
    return pattern[0] in ("_", text[0]) and slow_like(pattern[1:], text[1:])


@many
@given(globs, texts)
@example("[a-", "-")
@example("[^", "a")
@example("[a-]", "]")
@example("[]", "a")
@example("[^]", "a")
@example("a\\", "a\\")
@example("[\\", "\\")
@example("[!a]", "!")
@example("**", "")
def test_glob_is_the_grammar_of_redis(pattern, text):
    """A glob matches what Redis's own algorithm matches, over characters, malformed classes included."""
    assert glob(pattern).matches(text) == redis_match(list(map(ord, pattern)), list(map(ord, text)))


@many
@given(st.text(ALPHABET + "é", max_size=10), texts)
@example("[a-é]", "é")
@example("??", "é")
@example("[é]*", "é")
def test_server_glob_is_the_grammar_of_redis_over_bytes(pattern, text):
    """A server glob matches byte by byte, so that one ``?`` is half an é."""
    expected = redis_match(pattern.encode(), text.encode(), signed)
    assert server_glob(pattern).matches(text) == expected


@many
@given(st.text("%_\\ab\n", max_size=8), st.text("%_\\ab\n", max_size=8))
def test_like_is_sql_like(pattern, text):
    """LIKE agrees with a recursive reference: escapes, newlines and the whole text."""
    assert like(pattern).matches(text) == slow_like(pattern, text)


def regexes():
    atoms = st.sampled_from(
        ["a", "b", ".", "[ab]", "[^a]", "[a-c]", "\\n", "\\.", "\\d", "^", "$", "(?i:a)", "(?=a)", "\\Z", "\\bab", ""]
    )
    return st.recursive(
        atoms,
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=4).map("".join),
            st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})"),
            st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "*?", "+?", "*+"])).map(
                lambda part: f"(?:{part[0]}){part[1]}"
            ),
            inner.map(lambda part: f"({part})"),
            st.tuples(inner, inner).map("|".join),
            inner.map(lambda part: f"(?>{part})"),
        ),
        max_leaves=8,
    )


regex_texts = st.text("abcAB.1\n", max_size=6)


@many
@given(regexes(), regex_texts, st.sampled_from([0, re.DOTALL, re.IGNORECASE, re.MULTILINE]))
def test_regex_is_re_match_and_its_facts_are_sound(source, text, flags):
    """A regex means ``re.match``; every match has one of its prefixes; everything and literal are claimed rightly."""
    pattern = regex(source, flags)
    found = re.match(source, text, flags) is not None
    assert pattern.matches(text) == found
    if found:
        assert text.startswith(pattern.prefixes)
    assert found or not pattern.everything
    assert pattern.literal is None or found == (text == pattern.literal)


@many
@given(st.sampled_from([glob, server_glob, like]), st.text("*?[]^-\\%_aéb", max_size=8), texts)
def test_prefixes_of_wildcards_are_sound(make, source, text):
    """Whatever a wildcard pattern matches begins with one of its prefixes, and its other facts hold."""
    pattern = make(source)
    found = pattern.matches(text)
    if found:
        assert text.startswith(pattern.prefixes)
    assert found or not pattern.everything
    assert pattern.literal is None or found == (text == pattern.literal)


@pytest.mark.parametrize(
    ("pattern", "prefixes"),
    [
        (glob("user:*"), ("user:",)),
        (glob(r"a\*b*"), ("a*b",)),
        (glob("h[ae]llo*"), ("hallo", "hello")),
        (glob("h[^a]llo"), ("h",)),
        (glob("[a-z]x"), ("",)),
        (like(r"a\%b%"), ("a%b",)),
        (prefix("a"), ("a",)),
        (server_glob("é?"), ("é",)),
        (regex("abc.*"), ("abc",)),
        (regex("^ab|^cd"), ("ab", "cd")),
        (regex("user:(a|b)+x"), ("user:a", "user:b")),
        (regex("ab?c"), ("abc", "ac")),
        (regex("(?i)abc"), ("",)),
        (regex("a(?i:b)"), ("a",)),
        (regex(r"a\d"), ("a",)),
        (regex("[ab]{2}c"), ("aac", "abc", "bac", "bbc")),
        (AnyOf((prefix("ab"), prefix("a"), glob("c*"))), ("a", "c")),
    ],
)
def test_prefixes_are_as_long_as_can_be_expected(pattern, prefixes):
    """The literal beginnings that engines narrow by are found where they are plain to see."""
    assert pattern.prefixes == prefixes


@pytest.mark.parametrize(
    "pattern",
    [
        glob("*"),
        glob("**"),
        like("%"),
        like("%%"),
        prefix(""),
        regex(""),
        regex(".*"),
        regex("^(a|b*)?"),
        server_glob("*"),
        AnyOf((glob("a"), glob("*"))),
    ],
)
def test_everything_is_known(pattern):
    """A pattern that every string matches says so."""
    assert pattern.everything
    assert pattern.matches("\n")
    assert pattern.matches("")


@pytest.mark.parametrize("pattern", [glob("?*"), regex(".*$"), regex("a"), like("_%"), prefix("a"), regex("^a?$")])
def test_everything_is_not_claimed_for_less(pattern):
    """A pattern that some string does not match never claims everything."""
    assert not pattern.everything


def test_literal_is_the_one_string():
    """A pattern for one string gives that string, escapes resolved."""
    assert glob(r"a\*[b]").literal == "a*b"
    assert like(r"a\_").literal == "a_"
    assert server_glob("é").literal == "é"
    assert regex(r"^ab\Z").literal == "ab"
    assert regex("ab").literal is None
    assert regex("ab$").literal is None
    assert prefix("a").literal is None
    assert AnyOf((glob("a"), like("a"))).literal == "a"


ALL = [
    glob("user:*"),
    server_glob("a?"),
    regex(r"\d+"),
    regex("a", re.IGNORECASE),
    like("a%"),
    prefix("user:"),
    AnyOf((glob("a*"), prefix("b"))),
]


@pytest.mark.parametrize("pattern", ALL, ids=shown)
def test_patterns_are_values(pattern):
    """A pattern prints as the call that makes it, equals its like, is hashable and pickles, also after use."""
    words = {"glob": glob, "server_glob": server_glob, "regex": regex, "like": like, "prefix": prefix, "AnyOf": AnyOf}
    assert eval(repr(pattern), words) == pattern
    pattern.matches("user:1")
    back = pickle.loads(pickle.dumps(pattern))
    assert back == pattern
    assert hash(back) == hash(pattern)
    assert back.matches("user:1") == pattern.matches("user:1")
    with pytest.raises(AttributeError):
        pattern.text = "other"


def test_patterns_of_different_kinds_differ():
    """The same text in two grammars is two patterns."""
    assert len({glob("a"), like("a"), prefix("a"), regex("a"), server_glob("a")}) == 5


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (glob("a*" * 30 + "b"), "a" * 2000),
        (glob("*a" * 30 + "[xy]"), "a" * 2000),
        (server_glob("a*" * 30 + "b"), "a" * 2000),
        (like("%a" * 30 + "b"), "a" * 2000),
        (glob("*" * 5000 + "b"), "a" * 5000),
    ],
    ids=str,
)
def test_many_stars_stay_cheap(pattern, text):
    """A pattern full of stars answers at once: a backtracking matcher would not finish in a lifetime."""
    assert not pattern.matches(text)
    assert pattern.matches(text + "b") or pattern.matches(text + "x")


@pytest.mark.parametrize("source", ["(", "[a", "a**", "(?P<x>a)(?P<x>b)", "a{99999999999999}", "(?<=a*)b", "a(?i)"])
def test_a_bad_regex_says_why(source):
    """What is no regular expression is a QueryError, a ValueError, that names it."""
    with pytest.raises(QueryError, match="not a regular expression") as caught:
        regex(source)
    assert repr(source) in str(caught.value)


def test_a_bad_regex_says_where():
    """The position of the mistake is in the message."""
    with pytest.raises(QueryError, match="at position 2"):
        regex("ab)")


def test_a_regex_with_a_future_warning_works():
    """A set that Python warns about is a pattern like any other, also where warnings are errors."""
    pattern = regex("[[a]b")
    assert pattern.matches("[b")
    assert pattern.prefixes == ("[b", "ab")


def test_regex_takes_a_compiled_one_with_its_flags():
    """A compiled regex is taken with its flags; one for bytes is refused."""
    assert regex(re.compile("a", re.IGNORECASE)) == regex("a", re.IGNORECASE)
    assert regex(re.compile("a")) == regex("a")
    with pytest.raises(QueryError):
        regex(re.compile(b"a"))
    with pytest.raises(QueryError):
        regex("a", re.ASCII | re.UNICODE | re.LOCALE)


@pytest.mark.parametrize("make", [glob, server_glob, like, prefix, regex])
@pytest.mark.parametrize("value", [None, 1, b"a"])
def test_a_pattern_is_made_of_a_string(make, value):
    """Anything but a string is refused at once, as the TypeError that it is."""
    with pytest.raises(QueryError):
        make(value)


def test_any_of_takes_patterns():
    """AnyOf matches what one of its patterns does, flattens its like, and refuses none and strangers."""
    pattern = AnyOf((AnyOf((glob("a"), glob("b"))), glob("a"), prefix("c")))
    assert pattern.patterns == (glob("a"), glob("b"), prefix("c"))
    assert [text for text in ("a", "b", "cc", "d") if pattern.matches(text)] == ["a", "b", "cc"]
    for wrong in ((), ("a",)):
        with pytest.raises(QueryError):
            AnyOf(wrong)


def test_surrogates_are_characters_here_and_bytes_on_a_server():
    """Keys with undecodable bytes match byte by byte; a surrogate that no server holds matches nothing there."""
    assert glob("?").matches("\ud800")
    assert server_glob("?").matches("\udcff")
    assert not server_glob("*a").matches("\ud800a")
    with pytest.raises(QueryError):
        server_glob("\ud800")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_dialects(dialect):
    """A plain string is read in the dialect, a pattern stays itself, and a lone star is everything in each."""
    assert compile_pattern("a", dialect) == DIALECTS[dialect]("a")
    assert compile_pattern(glob("x"), dialect) == glob("x")
    assert compile_pattern("*", dialect).everything
    assert isinstance(compile_pattern("", dialect), Pattern)


def test_the_default_dialect_is_regex():
    """Without a dialect a plain string is a regex."""
    assert compile_pattern("1+") == regex("1+")


@pytest.mark.parametrize("value", [None, 1, b"a", ["a"], re.compile("a")])
def test_what_is_no_pattern_is_refused(value):
    """Only strings and patterns are patterns."""
    with pytest.raises(QueryError, match="a pattern is"):
        compile_pattern(value, "glob")


@pytest.mark.parametrize("dialect", ["sql", None, ["glob"]])
def test_an_unknown_dialect_lists_the_known(dialect):
    """The message of an unknown dialect says which there are."""
    with pytest.raises(QueryError, match="regex, glob, like, prefix, server_glob"):
        compile_pattern("a", dialect)
