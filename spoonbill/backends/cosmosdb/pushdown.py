"""Searches as conditions of Cosmos DB's SQL."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isinf
from typing import Any, Final

from spoonbill.backends.cosmosdb.query import ID, Operand, Token, path, query, size_of
from spoonbill.backends.cosmosdb.scheme import SYSTEM
from spoonbill.backends.shared.documents import (
    NOTHING,
    RESERVED,
    KeyEscape,
    Path,
    Pushdown,
    PushedPart,
    as_float_range,
    is_sound,
    literal_runs,
    server_regex,
)
from spoonbill.query import Condition, Ge, Glob, Gt, Like, Part, Pattern, Prefix
from spoonbill.query.wildcards import Wild

__all__ = ["ESCAPE", "HASHES", "LONGEST", "CosmosDBPushdown", "Filter"]

ESCAPE: Final = KeyEscape(
    "".join(map(chr, [*range(0x20), *range(0x7F, 0xA0)])) + "/\\?#%", leading=(".",), trailing=" "
)
"""How keys are written: ids may not hold the first ones, and the gateway fails on ``%`` and on spaces at the end."""

LONGEST: Final = 1023
"""Bytes of the longest id."""

HASHES: Final = "hashes"
"""The kind of a part: ``("hashes", low, high)``, a range of the hashes of ids."""

_MOST_OTHERS: Final = 50
_MOST_RUNS: Final = 5
_LONGEST_NAME: Final = 2000
_LARGEST: Final = 100_000  # the service takes 256 KB
_SIGNS: Final = {"Gt": " > ", "Ge": " >= ", "Lt": " < ", "Le": " <= "}


@dataclass(frozen=True)
class Filter:
    """What is asked of Cosmos DB.

    Attributes
    ----------
    tokens : tuple
        The condition.
    name : str or None
        The one document that can match, to be read by its id instead of a query.
    hashes : tuple of str or None
        The range of hashes that is asked alone.
    """

    tokens: tuple[Token, ...]
    name: str | None = None
    hashes: tuple[str, str] | None = None


class CosmosDBPushdown(Pushdown[Filter]):
    """Filters as conditions. What is undefined makes a comparison undefined, and only what is true passes."""

    def key(self, pattern: Pattern) -> PushedPart[Filter] | None:
        if pattern.literal is not None:
            name = ESCAPE.down(pattern.literal) if is_sound(pattern.literal) else ""
            if not name or len(name.encode()) > LONGEST:
                return NOTHING
            return PushedPart(Filter((ID, " = ", Operand(name)), name), exact=True)
        return _strings(ID, pattern, _KEY)

    def match(self, where: Path, pattern: Pattern) -> PushedPart[Filter]:
        place = path(*where)
        if pattern.literal is not None:
            return self.eq(where, pattern.literal) if is_sound(pattern.literal) else NOTHING
        found = _strings(place, pattern, _PLAIN)
        text = unit_blind(server_regex(pattern)) if found is not NOTHING and not _is_wild(pattern) else None
        if text is not None:
            matches = _called("RegexMatch", place, text)
            return PushedPart(Filter(matches if found is None else _all_of(found.filter.tokens, matches)))
        return PushedPart(Filter(_typed("STRING", place)), exact=pattern.everything) if found is None else found

    def eq(self, where: Path, operand: Any) -> PushedPart[Filter]:
        place = path(*where)
        if isinstance(operand, bytes | datetime):
            return PushedPart(Filter(_wrapped(place)))
        if self.scheme.is_simple(operand):
            return PushedPart(Filter((place, " = ", Operand(operand))), exact=True)
        if isinstance(operand, list | dict):
            return PushedPart(Filter(_typed("ARRAY" if isinstance(operand, list) else "OBJECT", place)))
        low, high = as_float_range(operand)
        return _or_wrapped(place, _all_of(_bound(place, " >= ", low), _bound(place, " <= ", high)))

    def order(self, where: Path, kind: type[Condition], operand: Any) -> PushedPart[Filter]:
        place = path(*where)
        if isinstance(operand, bytes | datetime):
            return PushedPart(Filter(_wrapped(place)))
        if isinstance(operand, str):
            return _string_order(place, kind, operand)
        low, high = as_float_range(operand)
        if low == high == operand:
            return _or_wrapped(place, _bound(place, _SIGNS[kind.__name__], operand))
        return _or_wrapped(place, _bound(place, " >= ", low) if kind in {Gt, Ge} else _bound(place, " <= ", high))

    def one_of(self, where: Path, operands: Sequence[Any]) -> PushedPart[Filter] | None:
        simple = [operand for operand in operands if self.scheme.is_simple(operand)]
        others = [operand for operand in operands if not self.scheme.is_simple(operand)]
        if len(others) > _MOST_OTHERS:
            return None
        tests: list[tuple[Token, ...]] = []
        if simple:
            tests.append(("ARRAY_CONTAINS(", Operand(simple), ", ", path(*where), ")"))
        tests += [self.eq(where, operand).filter.tokens for operand in others]
        return PushedPart(Filter(_any_of(*tests)), exact=not others)

    def present(self, where: Path) -> PushedPart[Filter]:
        return PushedPart(Filter(_typed("DEFINED", path(*where))), exact=len(where) == 1)

    def absent(self, where: Path) -> PushedPart[Filter]:
        return PushedPart(Filter(("NOT ", *_typed("DEFINED", path(*where)))), exact=len(where) == 1)

    def combine(
        self, parts: Sequence[tuple[str, PushedPart[Filter] | None]]
    ) -> list[tuple[str, PushedPart[Filter] | None]]:
        room, kept = _LARGEST, list[tuple[str, PushedPart[Filter] | None]]()
        for text, part in parts:
            size = 0 if part is None or part is NOTHING else size_of(part.filter.tokens)
            kept.append((text, part if size <= room else None))
            room -= size if size <= room else 0
        return kept

    def both(self, filters: Sequence[Filter]) -> Filter:
        hashes = next((each.hashes for each in filters if each.hashes is not None), None)
        name = next((each.name for each in filters if each.name is not None), None)
        tests = [each.tokens for each in filters if each.tokens]
        return Filter(_all_of(*tests), None if hashes is not None else name, hashes)

    def either(self, filters: Sequence[Filter]) -> Filter:
        return Filter(_any_of(*(each.tokens for each in filters)))

    def part(self, part: Part) -> PushedPart[Filter] | None:
        if part[0] != HASHES:
            return None
        _, low, high = part
        return PushedPart(Filter((), hashes=(low, high)), exact=True)

    def show(self, native: Filter) -> str:
        text, parameters = query("*", native.tokens)
        values = ", ".join(f"{parameter['name']} = {parameter['value']!r}" for parameter in parameters)
        return f"{text if native.name is None else 'a read of ' + repr(native.name) + ' for ' + text} with {values}"

    def _on_field(self, name: str, condition: Condition) -> PushedPart[Filter] | None:
        """Ask also for a field that another tool wrote under a name that we would move, such as ``ttl``."""
        if len(name) > _LONGEST_NAME:
            return None
        asked = super()._on_field(name, condition)
        if asked is None or self.scheme.stands_at_top(name) or not name or name in SYSTEM:
            return asked
        return PushedPart(Filter(_any_of(asked.filter.tokens, _typed("DEFINED", path(name)))))


def _typed(kind: str, place: str) -> tuple[Token, ...]:
    return (f"IS_{kind}(", place, ")")


def _wrapped(place: str) -> tuple[Token, ...]:
    return _typed("DEFINED", f"{place}{path(RESERVED)[1:]}")


def _or_wrapped(place: str, tokens: tuple[Token, ...]) -> PushedPart[Filter]:
    return PushedPart(Filter(_any_of(tokens, _wrapped(place))))


def _any_of(*tests: tuple[Token, ...]) -> tuple[Token, ...]:
    return _joined(" OR ", tests)


def _all_of(*tests: tuple[Token, ...]) -> tuple[Token, ...]:
    return _joined(" AND ", tests)


def _joined(word: str, tests: Sequence[tuple[Token, ...]]) -> tuple[Token, ...]:
    if len(tests) == 1:
        return tests[0]
    return ("(", *[token for test in tests for token in (word, *test)][1:], ")")


def _bound(place: str, sign: str, bound: float) -> tuple[Token, ...]:
    """Return the test against a number; JSON has none that is infinite."""
    if not isinf(bound):
        return (place, sign, Operand(bound))
    return _typed("NUMBER", place) if (bound < 0) == (">" in sign) else ("false",)


def _string_order(place: str, kind: type[Condition], operand: str) -> PushedPart[Filter]:
    """Return the test against a text; where UTF-16 and code points order differently, one that lets no fewer pass."""
    cut = next((at for at, character in enumerate(operand) if character >= "\ud800"), None)
    if cut is None:
        return PushedPart(Filter((place, _SIGNS[kind.__name__], Operand(operand))), exact=True)
    if not cut:
        return PushedPart(Filter(_typed("STRING", place)))
    if kind in {Gt, Ge}:
        return PushedPart(Filter((place, " >= ", Operand(operand[:cut]))))
    below: tuple[Token, ...] = (place, " < ", Operand(operand[:cut]))
    return PushedPart(Filter(_any_of(below, ("STARTSWITH(", place, ", ", Operand(operand[:cut]), ")"))))


# -- patterns --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Pieces:
    """How the text of a pattern stands at the beginning, in the middle and at the end of what is stored."""

    start: Callable[[str], str]
    middle: Callable[[str], str]
    end: Callable[[str], str]


# A dot is escaped only where a key begins and a space only where it ends, so neither is known to be in the middle.
_KEY: Final = _Pieces(
    start=ESCAPE.prefix,
    middle=lambda text: ESCAPE.prefix("x" + text.lstrip("."))[1:],
    end=lambda text: ESCAPE.down("x" + text.lstrip("."))[1:],
)
_PLAIN: Final = _Pieces(str, str, str)


def _is_wild(pattern: Pattern) -> bool:
    return isinstance(pattern, Glob | Like | Prefix)


def _strings(place: str, pattern: Pattern, pieces: _Pieces) -> PushedPart[Filter] | None:
    """Return the test by a pattern's beginnings and by what every match contains; None where neither is known."""
    sound = [text for text in pattern.prefixes if is_sound(text)]
    if not sound:
        return NOTHING  # it begins with what no stored string can begin with
    starts = sorted({pieces.start(text) for text in sound})
    tests: list[tuple[Token, ...]] = []
    if "" not in starts:
        tests.append(_any_of(*(_called("STARTSWITH", place, text) for text in starts)))
    tests += _contained(place, pattern, pieces)
    if not tests:
        return None
    exact = _is_start(pattern) and pieces.start(sound[0] + "x") == starts[0] + "x"
    return PushedPart(Filter(_all_of(*tests)), exact=exact)


def _called(function: str, place: str, text: str) -> tuple[Token, ...]:
    return (f"{function}(", place, ", ", Operand(text), ")")


def _is_start(pattern: Pattern) -> bool:
    """Return whether a pattern asks for a beginning and nothing else."""
    if isinstance(pattern, Prefix):
        return True
    tokens = pattern.tokens if isinstance(pattern, Glob | Like) else ()
    return len(tokens) > 1 and tokens[-1] is Wild.RUN and all(isinstance(token, int) for token in tokens[:-1])


def _contained(place: str, pattern: Pattern, pieces: _Pieces) -> list[tuple[Token, ...]]:
    runs = literal_runs(pattern)
    if not isinstance(pattern, Glob | Like) or not runs:
        return []
    last = runs.pop() if isinstance(pattern.tokens[-1], int) else ""
    if runs and isinstance(pattern.tokens[0], int):
        del runs[0]
    texts = [("CONTAINS", pieces.middle(run)) for run in runs[:_MOST_RUNS] if is_sound(run)]
    texts += [("ENDSWITH", pieces.end(last))] if is_sound(last) else []
    return [_called(function, place, text) for function, text in texts if text]


_PIECE: Final = re.compile(r"\\.|(\[(?:\\.|[^\]\\])*\])(\*|\+|\?|\{(\d+)(,?)(\d*)\})?", re.DOTALL)


def unit_blind(text: str | None) -> str | None:
    r"""Return a portable regex that also lets pass what it matches where the engine does not count code points.

    Neither the service's documentation nor its clients say whether a ``.`` is a character, a UTF-16 unit or a byte of
    UTF-8. So one character of a set that is open becomes up to four of them; None where the text has parts for which
    that does not do.
    """
    if text is None or not text.isascii():
        return None
    written = _PIECE.sub(_widened, text)
    return text if written == text else None if re.search(r"\)[*+?{]", text) else written


def _widened(match: re.Match[str]) -> str:
    members, times, low, comma, high = match.groups()
    if members is None or not (members.startswith("[^") or members == r"[\s\S]"):
        return match.group()
    if times in {"*", "+"} or (comma and not high):
        return match.group()
    least, most = {None: (1, 1), "?": (0, 1)}.get(times) or (int(low), int(high or low))
    return f"{members}{{{least},{4 * most}}}"
