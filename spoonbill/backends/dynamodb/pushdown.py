"""Searches as DynamoDB's filter expressions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from spoonbill.backends.dynamodb.expressions import Expressions, Operand, Token, path
from spoonbill.backends.dynamodb.table import TableKey
from spoonbill.backends.dynamodb.wire import item_size, number_text, to_wire
from spoonbill.backends.shared.documents import (
    RESERVED,
    DocumentScheme,
    KeyEscape,
    Path,
    Pushdown,
    PushedPart,
    is_sound,
    literal_runs,
)
from spoonbill.query import Condition, Ge, Gt, Part, Pattern, Prefix

SEGMENT: Final = "segment"
"""The kind of a part: ``("segment", index, count)``, a segment of the table."""

_MOST_OPERANDS: Final = 100
_MOST_RUNS: Final = 5
_LARGEST_OPERAND: Final = 100_000
_MOST_TOKENS: Final = 400  # some 200 operators and 3 KB of text: the service takes 300 and 4 KB
_BEYOND: Final = 10**38
_TINY: Final = 1e-120
_SIGNS: Final = {"Gt": " > ", "Ge": " >= ", "Lt": " < ", "Le": " <= "}


@dataclass(frozen=True)
class Filter:
    """What is asked of DynamoDB.

    Attributes
    ----------
    tokens : tuple
        The filter expression.
    name : str or None
        The one document that can match, to be read by its key instead of a scan.
    segment : tuple of int or None
        The segment of the table that is scanned alone, and of how many.
    """

    tokens: tuple[Token, ...]
    name: str | None = None
    segment: tuple[int, int] | None = None


class DynamoDBPushdown(Pushdown[Filter]):
    """Filters as tokens of expressions.

    Parameters
    ----------
    scheme : DocumentScheme
        How values are held.
    key : TableKey
        The table's key.
    escape : KeyEscape
        How keys are written.
    """

    def __init__(self, scheme: DocumentScheme, key: TableKey, escape: KeyEscape) -> None:
        super().__init__(scheme)
        self._table_key = key
        self._escape = escape

    def key(self, pattern: Pattern) -> PushedPart[Filter] | None:
        attribute = self._table_key.attribute
        if self._table_key.kind != "S":
            return None  # a key that is no string is matched by its str(), which the service does not know
        if pattern.literal is not None and is_sound(pattern.literal):
            name = self._escape.down(pattern.literal)
            return PushedPart(Filter((*path(attribute), " = ", Operand({"S": name})), name), exact=True)
        found = _strings(path(attribute), pattern, self._escape.prefix)
        return found if found is None or found.filter.tokens else None

    def match(self, where: Path, pattern: Pattern) -> PushedPart[Filter] | None:
        place = path(*where)
        if pattern.literal is not None and is_sound(pattern.literal):
            return _equals(place, pattern.literal)
        found = _strings(place, pattern, str)
        if found is not None and found.filter.tokens:
            return found
        return PushedPart(Filter(_typed(place, "S")), exact=pattern.everything and len(where) == 1)

    def eq(self, where: Path, operand: Any) -> PushedPart[Filter] | None:
        place = path(*where)
        if self._is_wrapped(operand):
            return PushedPart(Filter(_wrapped(place)))
        if isinstance(operand, list | dict):
            if not self.scheme.is_simple(operand) or item_size(operand) > _LARGEST_OPERAND:
                return PushedPart(Filter(_typed(place, "L" if isinstance(operand, list) else "M")))
            return _equals(place, operand)
        if isinstance(operand, str | bytes) and len(operand) > _LARGEST_OPERAND:
            return None
        if self.scheme.is_simple(operand):
            return _equals(place, operand)
        return _or_wrapped(place, _equals(place, operand))

    def _is_wrapped(self, operand: Any) -> bool:
        """Return whether nothing that is equal to `operand` is held but under the reserved field."""
        if isinstance(operand, bool) or not isinstance(operand, int | float):
            return isinstance(operand, datetime)
        return number_text(operand) is None or 0 < abs(operand) < _TINY

    def order(self, where: Path, kind: type[Condition], operand: Any) -> PushedPart[Filter] | None:
        place = path(*where)
        if isinstance(operand, datetime):
            return PushedPart(Filter(_wrapped(place)))
        if isinstance(operand, str | bytes):
            if len(operand) > _LARGEST_OPERAND:
                return None
            return PushedPart(Filter((*place, _SIGNS[kind.__name__], Operand(to_wire(operand)))), exact=True)
        return _or_wrapped(place, PushedPart(Filter(_number_order(place, kind, operand))))

    def one_of(self, where: Path, operands: Sequence[Any]) -> PushedPart[Filter] | None:
        each = [self.eq(where, operand) for operand in operands[:_MOST_OPERANDS]]
        if len(operands) > _MOST_OPERANDS or None in each:
            return None
        simple = [operand for operand in operands if self.scheme.is_simple(operand)]
        tests: list[tuple[Token, ...]] = []
        if simple:
            listed = [token for operand in simple for token in (", ", Operand(to_wire(operand)))]
            tests.append((*path(*where), " IN (", *listed[1:], ")"))
        others = [operand for operand in operands if not self.scheme.is_simple(operand)]
        tests += [part.filter.tokens for operand in others if (part := self.eq(where, operand)) is not None]
        if sum(map(len, tests)) > _MOST_TOKENS:
            return None
        return PushedPart(Filter(_any_of(tests)), exact=not others)

    def present(self, where: Path) -> PushedPart[Filter]:
        return PushedPart(Filter(("attribute_exists(", *path(*where), ")")), exact=len(where) == 1)

    def absent(self, where: Path) -> PushedPart[Filter]:
        return PushedPart(Filter(("attribute_not_exists(", *path(*where), ")")), exact=len(where) == 1)

    def combine(
        self, parts: Sequence[tuple[str, PushedPart[Filter] | None]]
    ) -> list[tuple[str, PushedPart[Filter] | None]]:
        room, kept = _MOST_TOKENS, list[tuple[str, PushedPart[Filter] | None]]()
        for text, part in parts:
            size = 0 if part is None or part.filter is None else len(part.filter.tokens)
            kept.append((text, part if size <= room else None))
            room -= size if size <= room else 0
        return kept

    def both(self, filters: Sequence[Filter]) -> Filter:
        tokens = [token for each in filters if each.tokens for token in (" AND ", "(", *each.tokens, ")")]
        segment = next((each.segment for each in filters if each.segment is not None), None)
        name = next((each.name for each in filters if each.name is not None), None)
        return Filter(tuple(tokens[1:]), None if segment is not None else name, segment)

    def either(self, filters: Sequence[Filter]) -> Filter:
        return Filter(_any_of([each.tokens for each in filters]))

    def part(self, part: Part) -> PushedPart[Filter] | None:
        if part[0] != SEGMENT:
            return None
        _, index, count = part
        return PushedPart(Filter((), segment=(index, count)), exact=True)

    def show(self, native: Filter) -> str:
        expressions = Expressions()
        text = expressions.text(native.tokens)
        call = "Scan, FilterExpression" if native.name is None else "GetItem for"
        return f"{call} {text} with {expressions.parameters()}"


def _equals(place: tuple[Token, ...], operand: Any) -> PushedPart[Filter]:
    wire = to_wire(operand)
    if "N" in wire:
        wire = {"N": number_text(operand)}
    return PushedPart(Filter((*place, " = ", Operand(wire))), exact=True)


def _typed(place: tuple[Token, ...], kind: str) -> tuple[Token, ...]:
    return ("attribute_type(", *place, ", ", Operand({"S": kind}), ")")


def _wrapped(place: tuple[Token, ...]) -> tuple[Token, ...]:
    return ("attribute_exists(", *place, ".", *path(RESERVED), ")")


def _or_wrapped(place: tuple[Token, ...], part: PushedPart[Filter]) -> PushedPart[Filter]:
    return PushedPart(Filter((*part.filter.tokens, " OR ", *_wrapped(place))))


def _any_of(tests: Sequence[tuple[Token, ...]]) -> tuple[Token, ...]:
    if len(tests) == 1:
        return tests[0]
    return tuple(token for test in tests for token in (" OR ", "(", *test, ")"))[1:]


def _number_order(place: tuple[Token, ...], kind: type[Condition], operand: float) -> tuple[Token, ...]:
    """Return the test against a number, or against one that the service holds and that lets no fewer pass."""
    upward = kind in {Gt, Ge}
    if abs(operand) >= _BEYOND:
        if upward != (operand > 0):
            return _typed(place, "N")
        return (*place, " >= " if upward else " <= ", Operand({"N": "1E38" if operand > 0 else "-1E38"}))
    if 0 < abs(operand) < _TINY:
        return (*place, " >= " if upward else " <= ", Operand({"N": "0"}))
    return (*place, _SIGNS[kind.__name__], Operand({"N": number_text(operand)}))


def _strings(place: tuple[Token, ...], pattern: Pattern, prefix: Callable[[str], str]) -> PushedPart[Filter] | None:
    """Return the test by a pattern's beginnings, or by what every match contains; empty where neither is known."""
    texts = {prefix(text) for text in pattern.prefixes if is_sound(text)}
    if not texts:
        return PushedPart(Filter(_typed(place, "NULL")))  # it begins with what no stored string can begin with
    if "" not in texts:
        tests = [("begins_with(", *place, ", ", Operand({"S": text}), ")") for text in sorted(texts)]
        return PushedPart(Filter(_any_of(tests)), exact=isinstance(pattern, Prefix))
    runs = [prefix(run) for run in literal_runs(pattern)[:_MOST_RUNS] if is_sound(run)]
    contained: list[Token] = [
        token for run in runs if run for token in (" AND ", "contains(", *place, ", ", Operand({"S": run}), ")")
    ]
    return PushedPart(Filter(tuple(contained[1:])))
