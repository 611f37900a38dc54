"""Values that stand for "no value": members of enumerations, so that type checkers tell them from every value."""

from enum import Enum
from typing import Any, Final, Literal

__all__ = ["MISSING", "NOT_GIVEN", "RAISE", "Missing", "NotGiven", "Raise", "absent"]


class Missing(Enum):
    """The type of `MISSING`."""

    MISSING = "MISSING"

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> Literal[False]:
        return False


class Raise(Enum):
    """The type of `RAISE`."""

    RAISE = "RAISE"

    def __repr__(self) -> str:
        return "RAISE"


class NotGiven(Enum):
    """The type of `NOT_GIVEN`."""

    NOT_GIVEN = "not given"

    def __repr__(self) -> str:
        return "NOT_GIVEN"


MISSING: Final = Missing.MISSING
"""Stands for absence where None may be a stored value."""

RAISE: Final = Raise.RAISE
"""The default of ``pop`` that asks for a KeyError."""

NOT_GIVEN: Final = NotGiven.NOT_GIVEN
"""Stands for an argument that was left out where None means something."""


def absent(key: Any, default: Any) -> Any:
    """Return `default`, or raise KeyError where it asks for that: what ``pop`` does about an absent key."""
    if default is RAISE:
        raise KeyError(key)
    return default
