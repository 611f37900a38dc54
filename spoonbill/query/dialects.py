"""The words that make patterns, and the dialects: which of the words a plain string stands for."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from spoonbill.errors import QueryError
from spoonbill.query.patterns import Glob, Like, Pattern, Prefix, Regex, ServerGlob

__all__ = ["DIALECTS", "check_dialect", "compile_pattern", "glob", "like", "prefix", "regex", "server_glob"]


def glob(text: str) -> Glob:
    r"""Match whole strings by Redis's glob grammar, over characters.

    ``*`` is any run, ``?`` one character, ``[abc]``, ``[a-c]`` and ``[^x]`` one of, between, none of; a backslash takes
    the next character literally. ``[!a]`` does not negate, ``[c-a]`` is ``[a-c]``, and a class that is not closed ends
    with the pattern.
    """
    return Glob(text)


def server_glob(text: str) -> ServerGlob:
    """Match as a Redis server does: the grammar of `glob` over the UTF-8 bytes, so that ``?`` is one byte.

    The ends of a range that mixes ASCII and other bytes are ordered as signed bytes, as servers on x86 do.
    """
    return ServerGlob(text)


def regex(pattern: str | re.Pattern[str], flags: int = 0) -> Regex:
    """Match where ``re.match`` does: at the start of the string, not necessarily to its end.

    Raises
    ------
    QueryError
        It is not a regular expression on strings.
    """
    if isinstance(pattern, re.Pattern):
        return Regex(pattern.pattern, pattern.flags | flags)
    return Regex(pattern, flags)


def like(text: str) -> Like:
    r"""Match whole strings by SQL's LIKE: ``%`` any run, ``_`` one character, a backslash escapes; case counts.

    A backslash at the very end stands for itself.
    """
    return Like(text)


def prefix(text: str) -> Prefix:
    """Match every string that begins with a text."""
    return Prefix(text)


DIALECTS: Mapping[str, Callable[[str], Pattern]] = MappingProxyType(
    {"regex": regex, "glob": glob, "like": like, "prefix": prefix, "server_glob": server_glob}
)
"""The dialects by name, each the function that makes a pattern of a plain string."""


def check_dialect(dialect: str) -> str:
    """Return a dialect's name, refusing an unknown one.

    Raises
    ------
    QueryError
        There is no such dialect; the message lists those that there are.
    """
    if not isinstance(dialect, str) or dialect not in DIALECTS:
        raise QueryError(f"there is no dialect {dialect!r}: take one of {', '.join(DIALECTS)}")
    return dialect


def compile_pattern(value: str | Pattern, dialect: str = "regex") -> Pattern:
    """Make a pattern of what a user gave.

    Parameters
    ----------
    value : str or Pattern
        A pattern stays what it is. ``"*"`` alone is everything in every dialect.
    dialect : str
        What any other plain string is: one of `DIALECTS`.

    Raises
    ------
    QueryError
        Neither a string nor a pattern, an unknown dialect, or a string that the dialect cannot read.
    """
    check_dialect(dialect)
    if isinstance(value, Pattern):
        return value
    if not isinstance(value, str):
        raise QueryError(f"a pattern is a string or one of glob, regex, like, prefix, not {value!r}")
    # A member of a string enumeration is its string; str() would say its name.
    text = str.__str__(value)
    return glob(text) if text == "*" else DIALECTS[dialect](text)
