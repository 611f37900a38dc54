"""Searches as conditions in SQL: what is the same for every engine that takes them. Operands are always bound."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from spoonbill.backends.shared.documents.model import is_sound
from spoonbill.backends.shared.documents.pushdown import NOTHING, Pushdown, PushedPart
from spoonbill.backends.shared.documents.ranges import after_prefix
from spoonbill.query import Condition, Pattern

__all__ = ["Filter", "SqlPushdown", "joined", "span", "test"]

_MOST_PREFIXES: Final = 50


@dataclass(frozen=True)
class Filter:
    """A condition in SQL with the operands for its question marks."""

    sql: str
    operands: tuple[Any, ...] = ()


def test(field: Filter, sign: str, operand: Any) -> Filter:
    """Return the comparison of an expression with an operand."""
    return Filter(f"{field.sql} {sign} ?", (*field.operands, operand))


def span(field: Filter, low: Any, high: Any, *, closed: bool = False) -> Filter:
    """Return the test for what lies from `low` up to `high`, None for no bound; `closed`: `high` belongs to it."""
    tests = [test(field, ">=", low)]
    if high is not None:
        tests.append(test(field, "<=" if closed else "<", high))
    return joined(" AND ", tests)


def joined(word: str, filters: Sequence[Filter]) -> Filter:
    """Return several conditions as one."""
    if len(filters) == 1:
        return filters[0]
    sql = word.join(each.sql for each in filters)
    return Filter(f"({sql})", tuple(operand for each in filters for operand in each.operands))


class SqlPushdown(Pushdown[Filter]):
    """Conditions on the columns of a table. An engine says how it reads a field, and how it compares."""

    no_document: ClassVar[Filter]
    """The test for a row of another program whose value is no document, but a value of its own."""

    def both(self, filters: Sequence[Filter]) -> Filter:
        return joined(" AND ", filters)

    def either(self, filters: Sequence[Filter]) -> Filter:
        return joined(" OR ", filters)

    def show(self, native: Filter) -> str:
        return f"WHERE {native.sql} with {native.operands!r}"

    def _on_whole(self, condition: Condition) -> PushedPart[Filter] | None:
        asked = super()._on_whole(condition)
        return None if asked is None or asked is NOTHING else PushedPart(self.either([asked.filter, self.no_document]))

    def _starts(self, pattern: Pattern) -> list[str] | None:
        """Return the texts of which each match begins with one; None where that would tell nothing."""
        starts = sorted({text for text in pattern.prefixes if is_sound(text)})
        return None if "" in starts or len(starts) > _MOST_PREFIXES else starts

    def _begins(self, field: Filter, starts: Sequence[str]) -> Filter:
        return joined(" OR ", [span(field, text, after_prefix(text)) for text in starts])
