"""Conditions on the fields of a value, also on fields of fields."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from spoonbill.errors import QueryError
from spoonbill.query.conditions import Condition
from spoonbill.query.patterns import Pattern
from spoonbill.query.records import fields_of

__all__ = ["AllOf", "Field", "Nested", "field", "holds_condition"]


@dataclass(frozen=True)
class Field:
    """A field by the names on the way to it. See `field`."""

    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.names or not all(isinstance(name, str) for name in self.names):
            raise QueryError(f"field takes the names on the way to a field, strings, not {self.names!r}")

    def __repr__(self) -> str:
        return f"field({', '.join(map(repr, self.names))})"


def field(*names: str) -> Field:
    """Name a field of a field, as a key of conditions: ``{field("geo", "lat"): gt(40)}``.

    Each name is a plain name: a dot in it is part of it.
    """
    return Field(names)


@dataclass(frozen=True)
class Nested(Condition):
    """Conditions on the fields of a value that is a map or a record; any other value has no fields.

    Parameters
    ----------
    fields : mapping of str to Condition
        All of them must hold.
    """

    fields: Mapping[str, Condition]

    def __post_init__(self) -> None:
        object.__setattr__(self, "fields", MappingProxyType(dict(self.fields)))

    def matches(self, value: Any, present: bool = True) -> bool:
        """Return whether the fields of a value match; one that is absent has none."""
        held = fields_of(value) if present else {}
        # A mapping such as a defaultdict would insert what [] does not find.
        return all(
            condition.matches(held[name] if name in held else None, name in held)  # noqa: SIM401
            for name, condition in self.fields.items()
        )

    def _holds(self, value: Any) -> bool:
        return self.matches(value)

    def bounded(self, seconds: float) -> Condition:
        return Nested({name: condition.bounded(seconds) for name, condition in self.fields.items()})

    def describe(self, name: str) -> str:
        """Return the conditions as text."""
        return " and ".join(condition.describe(f"{name}.{one}") for one, condition in self.fields.items())

    def __hash__(self) -> int:
        return hash(frozenset(self.fields.items()))

    def __reduce__(self) -> tuple[Any, ...]:
        return Nested, (dict(self.fields),)

    def __repr__(self) -> str:
        return f"Nested({dict(self.fields)!r})"


@dataclass(frozen=True)
class AllOf(Condition):
    """Several conditions that must all hold."""

    conditions: tuple[Condition, ...]

    def matches(self, value: Any, present: bool = True) -> bool:
        """Return whether all of them match."""
        return all(condition.matches(value, present) for condition in self.conditions)

    def _holds(self, value: Any) -> bool:
        return self.matches(value)

    def bounded(self, seconds: float) -> Condition:
        return AllOf(tuple(condition.bounded(seconds) for condition in self.conditions))

    def describe(self, name: str) -> str:
        """Return the conditions as text."""
        return " and ".join(condition.describe(name) for condition in self.conditions)


def holds_condition(value: Any) -> bool:
    """Return whether a dict holds a condition, itself or further down: it is then conditions, and no value.

    Raises
    ------
    QueryError
        If it holds a function: a condition is a word, such as ``gt(40)``.
    """
    leaves = list(_leaves(value))  # all of them, so that a function is found wherever it stands
    return any(isinstance(one, (Condition, Pattern)) for one in leaves)


def _leaves(value: Any) -> Iterator[Any]:
    rest = [value]
    while rest:
        one = rest.pop()
        if isinstance(one, Mapping):
            rest.extend(one.values())
        elif isinstance(one, (list, tuple, set, frozenset)) and not isinstance(one, str):
            rest.extend(one)
        else:
            refuse_function(one)
            yield one


def refuse_function(value: Any) -> None:
    """Refuse a function, which no engine can run and no plan can show."""
    if callable(value) and not isinstance(value, (type, Condition, Pattern)):
        raise QueryError(
            f"a function such as {value!r} is no condition: use the words gt, lt, eq, isin, exists, glob, regex, ..., "
            "or filter the items in Python"
        )
