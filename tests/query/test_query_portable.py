"""The portable spelling of a pattern: the same meaning in every engine's regex, or none at all."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spoonbill.query import AnyOf, glob, like, portable_regex, prefix, regex, server_glob

many = settings(deadline=None, max_examples=800)

ATOMS = [
    "a",
    "b",
    "é",
    ".",
    "[ab]",
    "[^a]",
    "[a-c]",
    "[^a-c\\]]",
    "[-&|~[^]",
    "[]\\\\]",
    "\\n",
    "\\.",
    "\\$",
    " ",
    "#",
    "",
]


def regexes(atoms=ATOMS):
    return st.recursive(
        st.sampled_from(atoms),
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=4).map("".join),
            st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"({'|'.join(parts)})"),
            st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "{2,}", "*?", "+?", "{1,2}?"])).map(
                lambda part: f"(?:{part[0]}){part[1]}"
            ),
            st.tuples(inner, inner).map("|".join),
        ),
        max_leaves=8,
    )


texts = st.text("abcé.\n$ #[]^-&|~\\", max_size=6)


@many
@given(regexes(), texts, st.sampled_from([0, re.DOTALL]))
def test_a_portable_regex_means_the_same(source, text, flags):
    """Rewritten within the portable subset, a regex finds the same texts, with and without DOTALL."""
    portable = portable_regex(regex(source, flags))
    assert portable is not None
    assert (re.search(portable, text) is not None) == regex(source, flags).matches(text)


@many
@given(regexes([*ATOMS, "^", "$", "\\d", "\\Z", "(?=a)"]), texts)
def test_a_portable_regex_with_anchors_loses_nothing(source, text):
    """With anchors it is refused or finds at least what the regex does; more only where there is a ``$``."""
    portable = portable_regex(regex(source))
    if portable is None:
        return
    found, wanted = re.search(portable, text) is not None, regex(source).matches(text)
    assert found or not wanted
    assert found == wanted or "$" in portable
    # Engines whose $ is only the very end must not lose the match before a last newline either.
    if wanted and "\\$" not in portable:
        assert re.search(portable.replace("$", "\\Z"), text)


@many
@given(st.sampled_from([glob, like, prefix]), st.text("*?[]^-\\%_aéb\n", max_size=8), texts)
def test_wildcards_have_a_portable_spelling(make, source, text):
    """Globs, LIKE and prefixes translate; the answer differs at most by a last newline."""
    pattern = make(source)
    portable = portable_regex(pattern)
    if portable is None:
        assert not pattern.matches(text)  # only an empty class has none
        return
    found, wanted = re.search(portable, text) is not None, pattern.matches(text)
    assert found or not wanted
    assert found == wanted or ("$" in portable and text.endswith("\n"))


@pytest.mark.parametrize(
    ("pattern", "portable"),
    [
        (regex("1+"), "^1+"),
        (regex("^a.b$"), r"^a[^\n]b\n?$"),
        (regex("a|b.", re.DOTALL), r"^(?:a|b[\s\S])"),
        (regex("(?:ab){2,3}?"), "^(?:ab){2,3}?"),
        (regex("(a)(?P<n>b)"), "^(?:a)(?:b)"),
        (regex("[a-z_.]"), r"^[a-z\x5f\x2e]"),
        (regex("\x00\t"), r"^\x00\x09"),
        (regex(""), "^"),
        (glob("user:*"), "^user:"),
        (glob("a?c"), r"^a[\s\S]c$"),
        (like("a%b"), r"^a[\s\S]*b$"),
        (prefix("a.b"), r"^a\.b"),
        (AnyOf((prefix("a"), glob("b"))), "^(?:a|b$)"),
    ],
    ids=str,
)
def test_the_spelling(pattern, portable):
    """The text that goes to an engine, as it is documented."""
    assert portable_regex(pattern) == portable


@pytest.mark.parametrize(
    "pattern",
    [
        *map(
            regex,
            [
                r"\d",
                r"[\w]",
                r"\s",
                r"\ba",
                r"a\Z",
                r"\Aa",
                "(?=a)",
                "(?!a)",
                "(?<=a)b",
                r"(a)\1",
                "(?i)a",
                "(?i:a)",
                "(?s:.)",
                "(?m)a",
                "(?>a)",
                "a++",
                "a^b",
                "(^a)*",
                "a$b",
                "($)*",
                "a{1001}",
                "\U0001f600",
                "[a-\U0001f600]",
                "\ud800",
                "(a)?(?(1)b|c)",
            ],
        ),
        glob("\U0001f600*"),
        glob("[]"),
        server_glob("a*"),
        AnyOf((glob("a"), regex(r"\d"))),
    ],
    ids=ascii,
)
def test_what_engines_read_differently_has_no_spelling(pattern):
    """Whatever means one thing here and another there is not sent."""
    assert portable_regex(pattern) is None
