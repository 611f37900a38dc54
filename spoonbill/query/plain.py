"""What a plain string means as a condition on a value."""

import re
from dataclasses import dataclass

from spoonbill.errors import QueryError
from spoonbill.query.conditions import Condition, Eq, Match
from spoonbill.query.dialects import compile_pattern
from spoonbill.query.patterns import AnyOf, Glob, Pattern, Regex

__all__ = ["Plain", "plain_condition"]

_LEADING_FLAGS = re.compile(r"\(\?[aiLmsux]+\)")
_GLOB_SIGNS = re.compile(r"([*?\[\]\\])")


@dataclass(frozen=True)
class Plain(Match):
    """A string that a plain string means: `pattern` is its pattern as a whole, or the string itself."""

    text: str = ""

    def bounded(self, seconds: float) -> Condition:
        return Plain(self.pattern.bounded(seconds), self.text)

    def describe(self, name: str) -> str:
        """Return the condition as text."""
        return f"{name} ~ {self.text!r} as a whole"


def plain_condition(text: str, dialect: str) -> Condition:
    """Return the condition of a plain string: the value equals it, or its pattern matches the value as a whole.

    Parameters
    ----------
    text : str
        What the user wrote.
    dialect : str
        What a plain string is as a pattern here.

    Raises
    ------
    QueryError
        If the dialect cannot read the string.
    """
    pattern = compile_pattern(text, dialect)
    whole = _whole(pattern) if isinstance(pattern, Regex) else pattern
    if whole.literal == text:
        return Eq(text)
    if whole.matches(text):
        return Plain(whole, text) if whole is not pattern else Match(whole)
    return Plain(AnyOf((whole, Glob(_GLOB_SIGNS.sub(r"\\\1", text)))), text)


def _whole(pattern: Regex) -> Pattern:
    """Return a regular expression that matches a whole string where `pattern` does."""
    found = _LEADING_FLAGS.match(pattern.pattern)
    flags = found.group() if found else ""
    body = pattern.pattern[len(flags) :]
    end = "\n" if pattern.flags & re.VERBOSE or "x" in flags else ""  # a comment at the end must not hide what follows
    try:
        return Regex(f"{flags}(?:{body}{end})\\Z", pattern.flags, pattern.seconds)
    except QueryError:  # flags of its own further inside, which may only stand at the beginning
        return pattern
