"""Conditions on values: ``eq ne gt ge lt le isin exists`` and a pattern on a string."""

import operator
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, ClassVar

from spoonbill.common.nesting import shown
from spoonbill.errors import QueryError
from spoonbill.query.patterns import Pattern
from spoonbill.query.values import classify, compare, equal, loose_hash

__all__ = [
    "Condition",
    "Eq",
    "Exists",
    "Ge",
    "Gt",
    "IsIn",
    "Le",
    "Lt",
    "Match",
    "Ne",
    "eq",
    "exists",
    "ge",
    "gt",
    "isin",
    "le",
    "lt",
    "ne",
]


class Condition(ABC):
    """A test of a value, or of its absence: of the value itself or of one of its fields.

    Guarantees
    ----------
    Immutable (its operand is shared, not copied), hashable whatever the operand is, picklable. Two conditions are equal
    where they mean the same.
    """

    def matches(self, value: Any, present: bool = True) -> bool:
        """Return whether a value matches.

        Parameters
        ----------
        value : object
            The value; without meaning where it is not there.
        present : bool
            Whether it is there. What is absent matches nothing but ``exists(False)``.
        """
        return present and self._holds(value)

    @abstractmethod
    def _holds(self, value: Any) -> bool:
        """Return whether a value that is there matches."""

    def bounded(self, seconds: float) -> "Condition":  # noqa: ARG002 - for conditions with a pattern
        """Return the condition with a bound on the time of each match of a regular expression."""
        return self

    @abstractmethod
    def describe(self, name: str) -> str:
        """Return the condition as text about something of a given name, such as ``b == 1``."""

    def __reduce__(self) -> tuple[Any, ...]:
        # A condition is a frozen dataclass; what is cached on it stays behind.
        return type(self), tuple(getattr(self, field.name) for field in fields(self))  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False, repr=False)
class _Against(Condition):
    """A condition that compares with an operand."""

    operand: Any
    sign: ClassVar[str]

    def __post_init__(self) -> None:
        """Take any operand; a condition that needs a certain kind of operand checks it here."""

    def describe(self, name: str) -> str:
        """Return the condition as text."""
        return f"{name} {self.sign} {shown(self.operand)}"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Against) or type(other) is not type(self):
            return NotImplemented if not isinstance(other, Condition) else False
        return self.operand is other.operand or equal(self.operand, other.operand)

    def __hash__(self) -> int:
        return hash((type(self), loose_hash(self.operand)))

    def __repr__(self) -> str:
        return f"{type(self).__name__.lower()}({shown(self.operand)})"


class Eq(_Against):
    """Present, of the operand's class, and equal to it. See `eq`."""

    sign = "=="

    def _holds(self, value: Any) -> bool:
        return equal(value, self.operand)


class Ne(_Against):
    """Present, and not `Eq`. See `ne`."""

    sign = "!="

    def _holds(self, value: Any) -> bool:
        return not equal(value, self.operand)


class _Ordered(_Against):
    """A condition that orders a value against the operand."""

    def __post_init__(self) -> None:
        kind = classify(self.operand)
        if kind not in {"number", "str", "bytes", "time"}:
            raise QueryError(
                f"{self!r}: only a number, a string, bytes, a date or a datetime has an order, not a {kind}"
            )


class Gt(_Ordered):
    """Greater than the operand. See `gt`."""

    sign = ">"

    def _holds(self, value: Any) -> bool:
        return compare(operator.gt, value, self.operand)


class Ge(_Ordered):
    """Greater than the operand or equal to it. See `ge`."""

    sign = ">="

    def _holds(self, value: Any) -> bool:
        return compare(operator.ge, value, self.operand)


class Lt(_Ordered):
    """Less than the operand. See `lt`."""

    sign = "<"

    def _holds(self, value: Any) -> bool:
        return compare(operator.lt, value, self.operand)


class Le(_Ordered):
    """Less than the operand or equal to it. See `le`."""

    sign = "<="

    def _holds(self, value: Any) -> bool:
        return compare(operator.le, value, self.operand)


class IsIn(_Against):
    """`Eq` to one of the operands, a tuple. See `isin`."""

    sign = "in"

    def __post_init__(self) -> None:
        if isinstance(self.operand, str | bytes | bytearray | Mapping) or not isinstance(self.operand, Iterable):
            raise QueryError(f"isin takes the values to find, such as isin(['a', 'b']), not {shown(self.operand)}")
        object.__setattr__(self, "operand", tuple(self.operand))

    @cached_property
    def _strings(self) -> frozenset[str]:
        return frozenset(value for value in self.operand if isinstance(value, str))

    @cached_property
    def _others(self) -> tuple[Any, ...]:
        return tuple(value for value in self.operand if not isinstance(value, str))

    def _holds(self, value: Any) -> bool:
        if isinstance(value, str):
            return value in self._strings
        return any(equal(value, other) for other in self._others)


class Exists(_Against):
    """There, whatever it is (None too), or not there. See `exists`."""

    def __post_init__(self) -> None:
        if not isinstance(self.operand, bool):
            raise QueryError(f"exists takes True or False, not {shown(self.operand)}")

    def matches(self, value: Any, present: bool = True) -> bool:  # noqa: ARG002 - the value does not matter
        """Return whether presence is as wanted, whatever the value."""
        return bool(present == self.operand)

    def _holds(self, value: Any) -> bool:
        return self.matches(value)

    def describe(self, name: str) -> str:
        """Return the condition as text."""
        return f"{name} exists" if self.operand else f"{name} does not exist"


@dataclass(frozen=True)
class Match(Condition):
    """A string that a pattern matches. Nothing but a string matches."""

    pattern: Pattern

    def __post_init__(self) -> None:
        if not isinstance(self.pattern, Pattern):
            raise QueryError(f"Match takes a pattern such as glob('a*'), not {self.pattern!r}")

    def _holds(self, value: Any) -> bool:
        return isinstance(value, str) and self.pattern.matches(value)

    def bounded(self, seconds: float) -> Condition:
        return Match(self.pattern.bounded(seconds))

    def describe(self, name: str) -> str:
        """Return the condition as text."""
        return f"{name} ~ {self.pattern!r}"


def eq(operand: Any) -> Eq:
    """Match what is of the operand's class and equal to it, all the way down: ``eq(1)`` matches 1.0 but not True.

    The classes are null, bool, number, str, bytes, time (a date never equals a datetime), list (and tuple) and map.
    NaN equals nothing.
    """
    return Eq(operand)


def ne(operand: Any) -> Ne:
    """Match what is present and not `eq` to the operand."""
    return Ne(operand)


def gt(operand: Any) -> Gt:
    """Match what is of the operand's class and greater.

    Raises
    ------
    QueryError
        The operand is no number, string (ordered by code point), bytes, date or datetime.
    """
    return Gt(operand)


def ge(operand: Any) -> Ge:
    """Match what is of the operand's class and greater or equal; operands as for `gt`."""
    return Ge(operand)


def lt(operand: Any) -> Lt:
    """Match what is of the operand's class and less; operands as for `gt`."""
    return Lt(operand)


def le(operand: Any) -> Le:
    """Match what is of the operand's class and less or equal; operands as for `gt`."""
    return Le(operand)


def isin(operands: Iterable[Any]) -> IsIn:
    """Match what is `eq` to one of some values. Strings among them are literal, never patterns.

    Raises
    ------
    QueryError
        A bare string, bytes or a mapping, or nothing that can be iterated.
    """
    return IsIn(operands)


def exists(wanted: bool = True) -> Exists:
    """Match what is there (a None too), or with ``False`` what is not."""
    return Exists(wanted)
