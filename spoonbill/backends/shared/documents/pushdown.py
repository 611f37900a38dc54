"""How a search becomes an engine's own filter: what is the same for all document stores.

A filter lets at least every match pass; the facade tests what comes back. So a condition that an engine cannot answer
rightly is weakened (often to "the field is there"), never answered wrongly.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from spoonbill.backends.shared.documents.model import is_sound
from spoonbill.backends.shared.documents.scheme import RESERVED, DocumentScheme
from spoonbill.errors import QueryError
from spoonbill.query import (
    AllOf,
    Condition,
    Eq,
    Exists,
    Ge,
    Gt,
    IsIn,
    Le,
    Lt,
    Match,
    Ne,
    Nested,
    Part,
    Pattern,
    Query,
    classify,
    is_nan,
)

__all__ = ["NOTHING", "Path", "Pushdown", "PushedPart", "PushedQuery"]

F = TypeVar("F")

Path = tuple[str, ...]
"""Where a value stands in a document: a field's name, or one below the reserved field."""

WHOLE: Final[Path] = (RESERVED, "value")
_MOVED: Final[Path] = (RESERVED, "fields")
_DEEPEST: Final = 10
_LONGEST_NAME: Final = 1000


@dataclass(frozen=True)
class PushedPart(Generic[F]):
    """A filter for one part of a query.

    Attributes
    ----------
    filter : object
        In the engine's own form.
    exact : bool
        Whether it lets nothing but matches pass.
    """

    filter: F
    exact: bool = False


NOTHING: Final[PushedPart[Any]] = PushedPart(None, exact=True)
"""The part of a condition that no document can meet."""


@dataclass(frozen=True)
class PushedQuery(Generic[F]):
    """What an engine is asked for a query.

    Attributes
    ----------
    filter : object or None
        The engine's filter; None where it lets everything pass.
    exact : bool
        Whether it lets nothing but matches pass, so that a limit or a count may go with it.
    nothing : bool
        Whether nothing can match, so that the engine need not be asked.
    native : str
        What the engine filters by, for people.
    finished_here : str
        What is left to test, for people.
    """

    filter: F | None
    exact: bool
    nothing: bool
    native: str
    finished_here: str


class Pushdown(ABC, Generic[F]):
    """Turns queries into an engine's filters. An engine writes the hooks; a hook that cannot help returns None.

    Operands arrive as plain builtin values: None, bool, int, float (never NaN), str and bytes of valid form, datetime,
    list, dict. All data goes into filters as parameters, never as text of a query.

    Parameters
    ----------
    scheme : DocumentScheme
        How the engine holds values.
    """

    def __init__(self, scheme: DocumentScheme) -> None:
        self.scheme = scheme

    # -- what an engine writes ---------------------------------------------------------------------------------

    @abstractmethod
    def key(self, pattern: Pattern) -> PushedPart[F] | None:
        """Return the filter for the keys that match."""

    @abstractmethod
    def eq(self, where: Path, operand: Any) -> PushedPart[F] | None:
        """Return the filter for values that are equal to `operand`, whatever their number type."""

    @abstractmethod
    def order(self, where: Path, kind: type[Condition], operand: Any) -> PushedPart[F] | None:
        """Return the filter for `Gt`, `Ge`, `Lt` or `Le` than a number, str, bytes or datetime."""

    @abstractmethod
    def one_of(self, where: Path, operands: Sequence[Any]) -> PushedPart[F] | None:
        """Return the filter for values equal to one of several operands, at least one."""

    @abstractmethod
    def match(self, where: Path, pattern: Pattern) -> PushedPart[F] | None:
        """Return the filter for strings that match."""

    @abstractmethod
    def present(self, where: Path) -> PushedPart[F] | None:
        """Return the filter for documents that have a value there."""

    @abstractmethod
    def absent(self, where: Path) -> PushedPart[F] | None:
        """Return the filter for documents that have none there."""

    @abstractmethod
    def both(self, filters: Sequence[F]) -> F:
        """Return the filter that lets pass what all of several filters do."""

    @abstractmethod
    def either(self, filters: Sequence[F]) -> F:
        """Return the filter that lets pass what one of several filters, at least two, does."""

    def part(self, part: Part) -> PushedPart[F] | None:  # noqa: ARG002 - for engines
        """Return the filter, an exact one, for a part that the engine's `split` made; None where it is no such part."""
        return None

    @abstractmethod
    def show(self, native: F) -> str:
        """Return a filter as text for people."""

    def combine(self, parts: Sequence[tuple[str, PushedPart[F] | None]]) -> list[tuple[str, PushedPart[F] | None]]:
        """Return the parts that can go to the engine together; others become None.

        By default all. An engine that cannot combine every two filters, or takes only so many, chooses here.
        """
        return list(parts)

    # -- what is the same for all ------------------------------------------------------------------------------

    def push(self, query: Query) -> PushedQuery[F]:
        """Return what the engine is asked for `query`."""
        parts = self.combine(self._parts(query))
        nothing = any(part is NOTHING for _, part in parts)
        filters = [part.filter for _, part in parts if part is not None and part is not NOTHING]
        joined = None if nothing or not filters else filters[0] if len(filters) == 1 else self.both(filters)
        left = [text for text, part in parts if part is None or not part.exact]
        return PushedQuery(
            filter=joined,
            exact=not left,
            nothing=nothing,
            native="" if joined is None else self.show(joined),
            finished_here=" and ".join(left),
        )

    def _parts(self, query: Query) -> list[tuple[str, PushedPart[F] | None]]:
        parts: list[tuple[str, PushedPart[F] | None]] = []
        if query.part is not None:
            parts.append((f"part {query.part!r}", self._on_part(query.part)))
        if query.filters_keys and query.pattern is not None:
            parts.append((f"key ~ {query.pattern!r}", self.key(query.pattern)))
        if query.conditions is not None:
            for name, condition in (query.conditions.fields or {}).items():
                for where, leaf in _leaves((name,), condition):
                    asked = self._on_field(name, leaf) if len(where) == 1 else self._on_nested(where, leaf)
                    parts.append((leaf.describe(".".join([repr(name), *where[1:]])), asked))
            if query.conditions.value is not None:
                parts.append((query.conditions.value.describe("value"), self._on_whole(query.conditions.value)))
        return parts

    def _on_part(self, part: Part) -> PushedPart[F]:
        found = self.part(part)
        if found is None:
            raise QueryError(f"this store did not make the part {part[:1]!r}: split the store that reads it")
        return found

    def _on_nested(self, where: Path, condition: Condition) -> PushedPart[F] | None:
        """Return the filter for a field of a field: what it holds itself, or what one of the maps around it wraps.

        A map with a name that the engine does not hold is wrapped, with all of its fields.
        """
        if condition.matches(None, False) or len(where) > _DEEPEST:
            return None  # it holds for whatever has no such field
        if not all(is_sound(name) and len(name) <= _LONGEST_NAME for name in where):
            return None
        if not self.scheme.stands_at_top(where[0]):
            return self._on_field(where[0], Exists(True))
        stands = all(map(self.scheme.stands_within, where[1:]))
        asked = self._on(where, condition) if stands else None
        wrapped = [self.present((*where[:depth], RESERVED)) for depth in range(1, len(where))]
        if asked is NOTHING or (stands and asked is None) or None in wrapped:
            return asked if asked is NOTHING else None
        filters = [part.filter for part in (asked, *wrapped) if part is not None]
        return PushedPart(filters[0] if len(filters) == 1 else self.either(filters))

    def _on_field(self, name: str, condition: Condition) -> PushedPart[F] | None:
        if not is_sound(name):
            return None
        if self.scheme.stands_at_top(name):
            return self._on((name,), condition)
        if isinstance(condition, Exists) and not condition.operand:
            return None
        return self.present(_MOVED)

    def _on_whole(self, condition: Condition) -> PushedPart[F] | None:
        """Return the filter for a condition on the value itself, which stands in one place unless it is a dict."""
        if isinstance(condition, Match | Gt | Ge | Lt | Le):
            return self._on(WHOLE, condition)
        operands = condition.operand if isinstance(condition, IsIn) else [getattr(condition, "operand", {})]
        if isinstance(condition, Eq | IsIn) and not any(classify(operand) == "map" for operand in operands):
            return self._on(WHOLE, condition)
        return None

    def _on(self, where: Path, condition: Condition) -> PushedPart[F] | None:
        found = self._asked(where, condition)
        if found is not None or (isinstance(condition, Exists) and not condition.operand):
            return found
        # Whatever any other condition says, the value is there.
        return self._weakened(where)

    def _asked(self, where: Path, condition: Condition) -> PushedPart[F] | None:  # noqa: PLR0911 - one a kind of condition
        if isinstance(condition, Exists):
            return self.present(where) if condition.operand else self.absent(where)
        if isinstance(condition, Match):
            return self.match(where, condition.pattern)
        if isinstance(condition, Ne):
            return self._weakened(where)
        if isinstance(condition, IsIn):
            return self._one_of(where, condition.operand)
        operand: Any = getattr(condition, "operand", None)
        if _never_holds(operand):
            return NOTHING
        operand = _plain_operand(operand)
        if operand is None and not _is_none(condition):
            return None
        if isinstance(condition, Eq):
            return self.eq(where, operand)
        return self.order(where, type(condition), operand)

    def _one_of(self, where: Path, operands: Sequence[Any]) -> PushedPart[F] | None:
        possible = [operand for operand in operands if not _never_holds(operand)]
        if not possible:
            return NOTHING
        plain = [_plain_operand(operand) for operand in possible]
        if any(known is None and operand is not None for known, operand in zip(plain, possible, strict=True)):
            return None
        return self.one_of(where, plain)

    def _weakened(self, where: Path) -> PushedPart[F] | None:
        found = self.present(where)
        return None if found is None else PushedPart(found.filter, exact=False)


def _leaves(where: Path, condition: Condition) -> Iterator[tuple[Path, Condition]]:
    """Yield the conditions on single fields that one condition asks for, each with the path of its field."""
    if isinstance(condition, AllOf):
        for each in condition.conditions:
            yield from _leaves(where, each)
    elif isinstance(condition, Nested):
        for name, each in condition.fields.items():
            yield from _leaves((*where, name), each)
    else:
        yield where, condition


def _is_none(condition: Condition) -> bool:
    return getattr(condition, "operand", 0) is None


def _never_holds(operand: Any) -> bool:
    """Return whether no stored value can meet a comparison with `operand`."""
    return (isinstance(operand, str) and not is_sound(operand)) or is_nan(operand)


def _plain_operand(operand: Any) -> Any:
    """Return an operand as one of the builtin types of the model; None where it is of none of them."""
    kind = type(operand)
    if kind in {bool, int, float, str, bytes, datetime, list, dict}:
        return operand
    if isinstance(operand, str):
        return str.__str__(operand)
    return list(operand) if kind is tuple else None
