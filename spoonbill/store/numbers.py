"""Numbers that can be counted up, and times to live."""

from typing import Any

from spoonbill.common.text import shortened
from spoonbill.errors import UnsupportedError

__all__ = ["check_number", "check_ttl"]


def check_number(value: Any, store: object, key: Any) -> Any:
    """Return `value`, or raise TypeError where it is no number that can be added to."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(
            f"increment of key {shortened(key)} in {store!r}: {type(value).__name__} {shortened(value)} is no number"
        )
    return value


def check_ttl(ttl: Any, store: object) -> float:
    """Return a time to live in seconds, or raise `UnsupportedError` where it is no number above 0."""
    if isinstance(ttl, bool) or not isinstance(ttl, (int, float)) or not ttl > 0:
        raise UnsupportedError(
            f"{store!r}: ttl is a number of seconds above 0, or math.inf for an entry that stays, not {ttl!r}"
        )
    return ttl
