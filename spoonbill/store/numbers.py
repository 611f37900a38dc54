"""Numbers that can be counted up."""

from typing import Any

from spoonbill.common.text import shortened

__all__ = ["check_number"]


def check_number(value: Any, store: object, key: Any) -> Any:
    """Return `value`, or raise TypeError where it is no number that can be added to."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(
            f"increment of key {shortened(key)} in {store!r}: {type(value).__name__} {shortened(value)} is no number"
        )
    return value
