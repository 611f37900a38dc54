"""Wildcard patterns (Redis globs, SQL LIKE) as a flat list of tokens, and what can be told from the tokens.

A token is about one *unit*: a code point, or a byte where a glob is read as a Redis server reads it. One parser and
one translator serve both.
"""

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["CharSet", "Token", "Wild", "glob_tokens", "heads", "like_tokens", "literal_units", "python_source"]

# Beyond this many literal beginnings a search in many ranges costs an engine more than one in a wider range.
MAX_HEADS = 16


class Wild(enum.Enum):
    """The two wildcards that every grammar has."""

    ONE = "any one unit"
    RUN = "any run of units, the empty one too"


@dataclass(frozen=True)
class CharSet:
    """One unit that is in some of the ranges, or in none of them."""

    negated: bool
    ranges: tuple[tuple[int, int], ...]

    def size(self) -> int:
        """Return how many units the ranges hold (those that overlap count twice)."""
        return sum(high - low + 1 for low, high in self.ranges)

    def units(self) -> list[int]:
        """Return the units in the ranges, in order."""
        return sorted({unit for low, high in self.ranges for unit in range(low, high + 1)})


Token = int | Wild | CharSet


def like_tokens(text: str) -> tuple[Token, ...]:
    """Read an SQL LIKE pattern: ``%`` any run, ``_`` one character, a backslash escapes the next character."""
    tokens: list[Token] = []
    characters = iter(text)
    for character in characters:
        if character == "\\":
            tokens.append(ord(next(characters, "\\")))
        else:
            tokens.append({"%": Wild.RUN, "_": Wild.ONE}.get(character) or ord(character))
    return _collapsed(tokens)


def glob_tokens(units: Sequence[int], *, signed: bool = False) -> tuple[Token, ...]:
    """Read a glob by Redis's grammar.

    Parameters
    ----------
    units : sequence of int
        The pattern, as code points or as bytes.
    signed : bool
        Order the ends of a range as signed bytes, as a server compiled with a signed ``char`` does.
    """
    tokens: list[Token] = []
    at = 0
    while at < len(units):
        unit = units[at]
        if unit == ord("["):
            token, at = _glob_class(units, at + 1, signed=signed)
            tokens.append(token)
            continue
        if unit == ord("\\") and at + 1 < len(units):
            at += 1
            tokens.append(units[at])
        else:
            tokens.append(_WILD.get(unit, unit))
        at += 1
    return _collapsed(tokens)


_WILD: dict[int, Wild] = {ord("*"): Wild.RUN, ord("?"): Wild.ONE}


def _glob_class(units: Sequence[int], at: int, *, signed: bool) -> tuple[Token, int]:
    """Read a class whose ``[`` lies just before ``at``; return it and the place behind it.

    The order of the tests is the server's, with its surprises: the end of the pattern ends a class, ``]`` can be the
    end of a range (``[a-]`` is the range from ``]`` to ``a``, not closed by that ``]``), and ``[]`` is an empty class.
    """
    negated = _is(units, at, "^")
    at += negated
    ranges: list[tuple[int, int]] = []
    while at < len(units):
        left = len(units) - at
        if left >= 2 and _is(units, at, "\\"):
            ranges.append((units[at + 1], units[at + 1]))
            at += 2
        elif _is(units, at, "]"):
            at += 1
            break
        elif left >= 3 and _is(units, at + 1, "-"):
            ranges.extend(_range(units[at], units[at + 2], signed=signed))
            at += 3
        else:
            ranges.append((units[at], units[at]))
            at += 1
    return _simplest(CharSet(negated, tuple(ranges))), at


def _is(units: Sequence[int], at: int, character: str) -> bool:
    return at < len(units) and units[at] == ord(character)


def _range(start: int, end: int, *, signed: bool) -> list[tuple[int, int]]:
    low, high = min(start, end), max(start, end)
    if signed and low < 0x80 <= high:
        # A high byte is negative there: the range runs from it through 0xFF, then from 0 to the low one.
        return [(high, 0xFF), (0, low)]
    return [(low, high)]


def _simplest(charset: CharSet) -> Token:
    if charset.negated and not charset.ranges:
        return Wild.ONE
    units = charset.units() if charset.size() <= MAX_HEADS else []
    return units[0] if len(units) == 1 and not charset.negated else charset


def _collapsed(tokens: Iterable[Token]) -> tuple[Token, ...]:
    """Make one run of neighbouring runs: they mean the same, and cost a matcher once."""
    result: list[Token] = []
    for token in tokens:
        if not (token is Wild.RUN and result and result[-1] is Wild.RUN):
            result.append(token)
    return tuple(result)


def literal_units(tokens: Sequence[Token]) -> list[int] | None:
    """Return the one sequence of units that the tokens match, None where there can be others."""
    units = [token for token in tokens if isinstance(token, int)]
    return units if len(units) == len(tokens) else None


def heads(tokens: Sequence[Token]) -> list[list[int]]:
    """Return sequences of units such that every match begins with one of them."""
    result: list[list[int]] = [[]]
    for token in tokens:
        if isinstance(token, int):
            choices = [token]
        elif isinstance(token, CharSet) and not token.negated and 0 < token.size() * len(result) <= MAX_HEADS:
            choices = token.units()
        else:
            break
        result = [[*head, choice] for head in result for choice in choices]
    return result


def python_source(tokens: Sequence[Token]) -> str:
    """Translate tokens into a regular expression for ``re.match`` with DOTALL; it matches the whole text.

    What lies between two runs has a fixed length, so the first place where it fits is as good as any other: an atomic
    group keeps ``re`` from trying the others, and many stars stay cheap.
    """
    segments = [""]
    for token in tokens:
        if token is Wild.RUN:
            segments.append("")
        else:
            segments[-1] += _one(token)
    first, *rest = segments
    if not rest:
        return rf"{first}\Z"
    *middle, last = rest
    end = rf".*{last}\Z" if last else ""
    return first + "".join(f"(?>.*?{segment})" for segment in middle) + end


def _one(token: Token) -> str:
    if isinstance(token, CharSet):
        if not token.ranges:
            return "(?!)"
        spans = "".join(f"{_escaped(low)}-{_escaped(high)}" for low, high in token.ranges)
        return f"[{'^' if token.negated else ''}{spans}]"
    return _escaped(token) if isinstance(token, int) else "."


def _escaped(unit: int) -> str:
    # Numeric escapes mean nothing but themselves, in a class or out of it, for str and for bytes.
    return f"\\x{unit:02x}" if unit < 0x100 else f"\\U{unit:08x}"
