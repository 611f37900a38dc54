"""Two stores that write values and keys alike: what lies in one is copied to the other as it is."""

from typing import Any

from spoonbill.errors import StackError
from spoonbill.query import Query
from spoonbill.store import Layer, Store
from spoonbill.store.opening import opened

__all__ = ["bare_ends"]

Stores = tuple[Store[Any, Any], Store[Any, Any]]


def bare_ends(source: Store[Any, Any], target: Store[Any, Any], query: Query) -> Stores:
    """Return the stores of bytes inside two stores with the same codecs, where all is copied; else the stores."""
    if not query.everything:
        return source, target
    try:
        first, below = opened(source, "copy")
        second, to = opened(target, "copy")
    except StackError:  # a layer over decoded values
        return source, target
    alike = len(first) == len(second) and all(map(_alike, first, second))
    return (below, to) if alike else (source, target)


def _alike(one: Layer[Any, Any], other: Layer[Any, Any]) -> bool:
    """Return whether two codecs write everything alike: of one class, with one object that turns values to bytes."""
    return (
        type(one) is type(other)
        and getattr(one, "codec", None) is getattr(other, "codec", None)
        and one.strict == other.strict
    )
