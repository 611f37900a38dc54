"""Attempts at a change that another writer can be faster at: bounded, so that every call ends."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from spoonbill.common.sentinels import MISSING
from spoonbill.common.text import shortened
from spoonbill.errors import ConflictError

if TYPE_CHECKING:
    from spoonbill.store.described import Described

__all__ = ["MOST", "attempts"]

MOST: Final = 10_000
"""How often a change is tried. Sixty writers of one key lose so often once in 10**70 calls; a store that never gives
back what was written would be asked for ever."""


def attempts(store: "Described", operation: str, key: Any) -> Iterator[None]:
    """Yield `MOST` times, and then raise.

    Raises
    ------
    ConflictError
        When none of the attempts succeeded.
    """
    for _ in range(MOST):
        yield
    on_key = "" if key is MISSING else f" of key {shortened(key)}"
    raise ConflictError(
        f"{operation}{on_key} in {store!r}: tried {MOST:,} times, and each time what is read is not what "
        "can be changed. Either others write there all the time: use fewer writers, or the store does not give back "
        "what was written to it: look at what get, add and replace answer"
    )
