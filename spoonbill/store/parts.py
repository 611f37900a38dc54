"""Parts of a store: disjoint, together whole, and plain data, so that other processes can read them."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from spoonbill.common.batching import batches
from spoonbill.common.sentinels import MISSING
from spoonbill.errors import QueryError

if TYPE_CHECKING:
    from spoonbill.query import Part, Query
    from spoonbill.store.base import Verbs

NAMES: Final = "names"
"""The kind of a part that carries its keys: ``("names", (key, ...))``."""


def check_count(count: int) -> None:
    """Refuse a number of parts that is no whole number from 1 on."""
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise ValueError(f"split: the count is a whole number, 1 or more, not {count!r}")


def parts_of_names(keys: Sequence[Any], count: int) -> "list[Part]":
    """Return 1 to `count` parts that carry `keys`, as even as can be."""
    count = max(1, min(count, len(keys)))
    return [
        (NAMES, tuple(keys[index * len(keys) // count : (index + 1) * len(keys) // count])) for index in range(count)
    ]


def select_names(store: "Verbs[Any, Any]", query: "Query") -> Iterator[tuple[Any, Any]]:
    """Yield the pairs of a part that carries its keys, those that are still there.

    Raises
    ------
    QueryError
        If the part is of a kind that this store cannot read.
    """
    part = query.part or ()
    if len(part) != 2 or part[0] != NAMES:
        raise QueryError(f"{store!r} did not make this part, of kind {part[:1]}: split the store that reads it")
    return _present_keys(store, part[1]) if query.keys_only else _present_pairs(store, part[1])


def _present_keys(store: "Verbs[Any, Any]", keys: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    return ((key, None) for key in keys if store.has(key))


def _present_pairs(store: "Verbs[Any, Any]", keys: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    for some in batches(keys):
        for key, value in zip(some, store.get_many(some, MISSING), strict=True):
            if value is not MISSING:
                yield key, value
