"""Ranges of LMDB's keys, which it lists in order."""

from collections.abc import Iterator
from itertools import repeat
from typing import Any

__all__ = ["pairs_of"]


def pairs_of(cursor: Any, *, keys_only: bool) -> Iterator[tuple[bytes, Any]]:
    """Yield the pairs from a cursor's place on; with `keys_only` the values are None."""
    if keys_only:
        return zip(cursor.iternext(keys=True, values=False), repeat(None))
    return cursor.iternext()  # type: ignore[no-any-return]
