"""Facts about operands and patterns that engines' filters are built from."""

import math
import re
from collections.abc import Sequence

from spoonbill.query import Glob, Like, Pattern, portable_regex

__all__ = ["after_prefix", "as_float_range", "literal_runs", "server_regex"]

_EXACT = 1 << 53
_LONGEST_REGEX = 2000
_MOST_REPEATS = 2000


def after_prefix(text: str) -> str | None:
    """Return the least string, by code points, after all that begin with `text`; None where there is none."""
    while text:
        last = ord(text[-1])
        if last < 0x10FFFF:
            # The code points of surrogates are no characters: the next one is beyond them.
            return text[:-1] + chr(0xE000 if last == 0xD7FF else last + 1)
        text = text[:-1]
    return None


def as_float_range(number: float) -> tuple[float, float]:
    """Return bounds around a number, which need not be a float, that survive an engine's comparison by floats.

    Both are the number itself where floats hold it exactly.
    """
    if abs(number) <= _EXACT or (isinstance(number, float) and math.isinf(number)):
        return number, number
    try:
        near = float(number)
    except OverflowError:
        return (math.inf, math.inf) if number > 0 else (-math.inf, -math.inf)
    return math.nextafter(near, -math.inf), math.nextafter(near, math.inf)


def literal_runs(pattern: Pattern) -> list[str]:
    """Return the texts that every match of a wildcard pattern contains, in order; none for any other pattern."""
    if not isinstance(pattern, Glob | Like):
        return []
    runs: list[list[int]] = [[]]
    for token in pattern.tokens:
        if isinstance(token, int):
            runs[-1].append(token)
        elif runs[-1]:
            runs.append([])
    return ["".join(map(chr, run)) for run in runs if run]


def server_regex(pattern: Pattern) -> str | None:
    """Return a pattern as a regex that any engine may be sent; None where none is portable and small enough."""
    text = portable_regex(pattern)
    if text is None or len(text) > _LONGEST_REGEX or _repeats(text) > _MOST_REPEATS:
        return None
    return text


def _repeats(text: str) -> int:
    """Return how often an engine that unrolls counted repeats may copy a part of a regex, at the most."""
    counts: Sequence[int] = [int(count) for count in re.findall(r"\{(?:\d+,)?(\d+)", text)]
    return math.prod(count or 1 for count in counts)
