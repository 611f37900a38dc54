"""Counting in numbers that are held as text."""

import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from spoonbill.common.sentinels import MISSING
from spoonbill.store.attempts import attempts
from spoonbill.store.binding import given, lasting
from spoonbill.store.numbers import check_number

if TYPE_CHECKING:
    from spoonbill.store.base import Verbs

__all__ = ["incremented"]

_INT = re.compile(r"[+-]?[0-9]+\Z")


def incremented(
    store: "Verbs[Any, Any]",
    key: Any,
    by: float,
    ttl: float | None,
    dump: Callable[[float], Any] = lambda number: repr(number).encode(),
) -> Any:
    """Add `by` to the number that `store` holds as text under `key`, atomically as its replace is; return the sum.

    Raises
    ------
    TypeError
        If what is held is no number.
    """
    check_number(by, store, key)
    expiry = given(ttl=ttl)
    for _ in attempts(store, "increment", key):
        present = store.get(key, MISSING)
        if present is MISSING:
            if store.add(key, dump(by), **expiry):
                return by
            continue
        total = _number_of(present, store, key) + by
        if store.replace(key, present, dump(total), **lasting(store, key, expiry)):
            return total
    return None


def _number_of(held: Any, store: "Verbs[Any, Any]", key: Any) -> float:
    text = held.decode(errors="replace") if isinstance(held, bytes) else held
    if isinstance(text, str):
        if _INT.match(text):
            return int(text)
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not math.isnan(number) and text == text.strip() and "_" not in text:
            return number
    return check_number(held, store, key)  # type: ignore[no-any-return] # which refuses it
