"""A pattern on keys as the pattern on the same keys with a text before them."""

import re

from spoonbill.query.patterns import AnyOf, Glob, Like, Pattern, Prefix

__all__ = ["prefixed"]

_GLOB_SIGNS = re.compile(r"([*?\[\]\\])")
_LIKE_SIGNS = re.compile(r"([%_\\])")


def prefixed(pattern: Pattern | None, text: str) -> tuple[Pattern, bool]:
    """Return a pattern that matches ``text + key`` wherever `pattern` matches ``key``, and whether nowhere else.

    Parameters
    ----------
    pattern : Pattern or None
        On the keys without the text; None matches all.
    text : str
        What stands before each key.
    """
    if pattern is None or pattern.everything:
        return Prefix(text), True
    if isinstance(pattern, Prefix):
        return Prefix(text + pattern.text), True
    if isinstance(pattern, Glob):
        return Glob(_GLOB_SIGNS.sub(r"\\\1", text) + pattern.text), True
    if isinstance(pattern, Like):
        return Like(_LIKE_SIGNS.sub(r"\\\1", text) + pattern.text), True
    beginnings = tuple(Prefix(text + beginning) for beginning in pattern.prefixes)
    return (beginnings[0] if len(beginnings) == 1 else AnyOf(beginnings)), False
