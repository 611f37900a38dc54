"""Ranges of LMDB's keys, which it lists in order."""

from collections.abc import Iterator
from itertools import islice, pairwise, repeat
from typing import Any

__all__ = ["bounds_of", "pairs_of"]


def bounds_of(keys: Iterator[bytes], total: int, count: int) -> list[bytes]:
    """Return the keys that begin the second and every later of `count` parts of `total` keys, as even as can be."""
    places = sorted({index * total // count for index in range(1, count)} - {0})
    found = (next(islice(keys, after - before - 1, None), None) for before, after in pairwise([-1, *places]))
    return [key for key in found if key is not None]


def pairs_of(cursor: Any, *, keys_only: bool) -> Iterator[tuple[bytes, Any]]:
    """Yield the pairs from a cursor's place on; with `keys_only` the values are None."""
    if keys_only:
        return zip(cursor.iternext(keys=True, values=False), repeat(None))
    return cursor.iternext()  # type: ignore[no-any-return]
