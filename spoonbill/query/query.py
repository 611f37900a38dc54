"""A search: a pattern on the keys, conditions on the values, a limit."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from spoonbill.common.sentinels import NOT_GIVEN
from spoonbill.errors import QueryError
from spoonbill.query.conditions import Condition, Eq, Match
from spoonbill.query.dialects import check_dialect, compile_pattern
from spoonbill.query.fields import AllOf, Field, Nested, holds_condition
from spoonbill.query.patterns import Pattern
from spoonbill.query.plain import plain_condition
from spoonbill.query.records import fields_of

__all__ = ["Conditions", "Part", "Query", "compile_conditions", "compile_query"]


Part = tuple[Any, ...]
"""A part of a store, as `split` makes it: plain data, its first element its kind."""


@dataclass(frozen=True)
class Conditions:
    """What a value has to be: conditions on its fields, or one on the value itself.

    Attributes
    ----------
    fields : mapping of str to Condition, or None
        All of them must hold. A name is a plain name: a dot in it is part of it. A value that is neither a map
        nor a record (an instance of a dataclass, or of a class of attrs, msgspec or pydantic) has no fields.
    value : Condition or None
        The condition on the value itself. Where both are None, every value matches.
    """

    fields: Mapping[str, Condition] | None = None
    value: Condition | None = None

    def __post_init__(self) -> None:
        # No fields asks for nothing; and a mapping that its giver still holds must not change under a search.
        object.__setattr__(self, "fields", MappingProxyType(dict(self.fields)) if self.fields else None)

    def matches(self, value: Any) -> bool:
        """Return whether a value meets every condition."""
        if self.value is not None and not self.value.matches(value):
            return False
        if self.fields is None:
            return True
        held = value if type(value) is dict else fields_of(value)
        for name, condition in self.fields.items():
            present = name in held  # a mapping such as a defaultdict would insert what [] does not find
            if not condition.matches(held[name] if present else None, present):
                return False
        return True

    def bounded(self, seconds: float) -> "Conditions":
        """Return the conditions with a bound on the time of each match of a regular expression."""
        return Conditions(
            None if self.fields is None else {name: one.bounded(seconds) for name, one in self.fields.items()},
            None if self.value is None else self.value.bounded(seconds),
        )

    @property
    def everything(self) -> bool:
        """Whether every value matches for want of a condition."""
        return self.fields is None and self.value is None

    def __hash__(self) -> int:
        return hash((frozenset((self.fields or {}).items()), self.value))

    def __reduce__(self) -> tuple[Any, ...]:
        return Conditions, (None if self.fields is None else dict(self.fields), self.value)

    def __str__(self) -> str:
        parts = [] if self.value is None else [self.value.describe("value")]
        parts += [
            condition.describe(name if name.isidentifier() else repr(name))
            for name, condition in (self.fields or {}).items()
        ]
        return " and ".join(parts) or "every value"

    def __repr__(self) -> str:
        return f"Conditions({None if self.fields is None else dict(self.fields)!r}, {self.value!r})"


@dataclass(frozen=True)
class Query:
    """A search, as it travels down a stack.

    Attributes
    ----------
    pattern : Pattern or None
        On the key; a key that is not a string is matched by its ``str()``.
    conditions : Conditions or None
        On the value.
    limit : int or None
        How many matches are wanted at most. Only who tests everything that the query asks for may apply it.
    keys_only : bool
        The caller needs no values.
    lazy : bool
        The caller asked to be served bit by bit (``scan``), even where the engine answers faster at once.
    part : tuple or None
        One part of the store, as its `split` made it. Unlike everything else it is applied exactly where it is read:
        no caller can test it again.
    """

    pattern: Pattern | None = None
    conditions: Conditions | None = None
    limit: int | None = None
    keys_only: bool = False
    lazy: bool = False
    part: Part | None = None

    def __post_init__(self) -> None:
        limit: object = self.limit
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 0):
            raise QueryError(f"limit is a number of matches, 0 or more, or None, not {limit!r}")

    def matches(self, key: Any, value: Any) -> bool:
        """Return whether an entry matches; the limit is not its business."""
        return self.matches_key(key) and (self.conditions is None or self.conditions.matches(value))

    def matches_key(self, key: Any) -> bool:
        """Return whether the key matches the pattern, whatever the value."""
        return self.pattern is None or self.pattern.matches(key if type(key) is str else str(key))

    @property
    def filters_keys(self) -> bool:
        """Whether the pattern can refuse a key."""
        return self.pattern is not None and not self.pattern.everything

    @property
    def filters_values(self) -> bool:
        """Whether the conditions can refuse a value."""
        return self.conditions is not None and not self.conditions.everything

    @property
    def everything(self) -> bool:
        """Whether every entry matches."""
        return not self.filters_keys and not self.filters_values

    def without_pattern(self) -> "Query":
        """Return the query without its pattern, and without its limit where the pattern could refuse a key."""
        return replace(self, pattern=None, limit=None if self.filters_keys else self.limit)

    def without_conditions(self) -> "Query":
        """Return the query without its conditions, and without its limit where they could refuse a value."""
        return replace(self, conditions=None, limit=None if self.filters_values else self.limit)

    def bounded(self, seconds: float) -> "Query":
        """Return the query with a bound on the time of each match of a regular expression."""
        return replace(
            self,
            pattern=None if self.pattern is None else self.pattern.bounded(seconds),
            conditions=None if self.conditions is None else self.conditions.bounded(seconds),
        )

    def without_limit(self) -> "Query":
        """Return the query for all matches."""
        return replace(self, limit=None)

    def with_pattern(self, pattern: Pattern, *, exact: bool = False) -> "Query":
        """Return the query with another pattern, one that matches at least what is wanted.

        Parameters
        ----------
        pattern : Pattern
            The pattern on the keys of the store below.
        exact : bool
            It matches nothing more there than the old one does here. Otherwise the limit goes, or entries that are
            refused above would use it up.
        """
        keep = exact or pattern == self.pattern
        return replace(self, pattern=pattern, limit=self.limit if keep else None)

    def __str__(self) -> str:
        parts = []
        if self.filters_keys and self.pattern is not None:
            parts.append(f"key ~ {self.pattern!r}")
        if self.filters_values:
            parts.append(str(self.conditions))
        text = " and ".join(parts) or "everything"
        return text if self.limit is None else f"{text}, {self.limit} at most"


def compile_conditions(value: Any, dialect: str = "regex") -> Conditions:
    """Make conditions of what a user gave to ``items``.

    Parameters
    ----------
    value : object
        A mapping of field names to conditions: a condition or pattern stays itself; a plain string matches the value
        that equals it, or that its pattern in the dialect matches as a whole; a mapping that holds a condition is
        conditions on the nested fields; anything else (None and plain maps too) is ``eq``. Or any of these for the
        value itself, save a mapping (write ``eq({...})``) and None (write ``eq(None)``). An empty mapping asks for
        nothing.
    dialect : str
        What a plain string is.

    Raises
    ------
    QueryError
        None, a field name that is not a string, or a string that the dialect cannot read.
    """
    check_dialect(dialect)
    if value is None:
        raise QueryError("items(None) has no meaning: write items(eq(None)) to find values that are None")
    if isinstance(value, Conditions):
        return value
    if not isinstance(value, Mapping):
        return Conditions(value=_condition(value, dialect))
    return Conditions(_fields(value, dialect))


def _fields(wanted: Mapping[Any, Any], dialect: str) -> dict[str, Condition]:
    """Return the conditions on fields of one level, those on fields of fields as one on the field that holds them."""
    fields: dict[str, Condition] = {}
    for name, value in wanted.items():
        if isinstance(name, Field):
            top, condition = name.names[0], _condition(value, dialect)
            for one in reversed(name.names[1:]):
                condition = Nested({one: condition})
        elif isinstance(name, str):
            top, condition = str.__str__(name), _condition(value, dialect)
        else:
            raise QueryError(
                f"a condition is on a field by its name, a string, or by field(...), not {name!r}; eq({{...}}) is a "
                "whole map"
            )
        fields[top] = AllOf((fields[top], condition)) if top in fields else condition
    return fields


def _condition(value: Any, dialect: str) -> Condition:
    if isinstance(value, Condition):
        return value
    if isinstance(value, Pattern):
        return Match(value)
    if isinstance(value, str):
        return plain_condition(str.__str__(value), dialect)
    if isinstance(value, Mapping) and holds_condition(value):
        return Nested(_fields(value, dialect))
    holds_condition(value)  # refuses a function, wherever it stands
    return Eq(value)


def compile_query(
    pattern: str | Pattern | None = None,
    conditions: Any = NOT_GIVEN,
    limit: int | None = None,
    *,
    keys_only: bool = False,
    lazy: bool = False,
    dialect: str = "regex",
) -> Query:
    """Make a query of what a user gave.

    Parameters
    ----------
    pattern : str, Pattern or None
        On the keys, a plain string in the dialect; None for every key.
    conditions : object
        See `compile_conditions`; leave it out for every value.
    limit : int or None
        How many matches at most.
    keys_only : bool
        The caller needs no values.
    lazy : bool
        The caller asked to be served bit by bit.
    dialect : str
        What plain strings are.

    Raises
    ------
    QueryError
        A part of it means nothing.
    """
    check_dialect(dialect)
    return Query(
        None if pattern is None else compile_pattern(pattern, dialect),
        None if conditions is NOT_GIVEN else compile_conditions(conditions, dialect),
        limit,
        keys_only,
        lazy,
    )
