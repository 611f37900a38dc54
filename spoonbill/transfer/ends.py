"""The two ends of a transfer: stores, or addresses that are opened for it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from spoonbill.errors import UnsupportedError
from spoonbill.layers import Prefixed
from spoonbill.store import Layer, Store
from spoonbill.urls import open_store

__all__ = ["End", "opened_ends"]

End = Store[Any, Any] | str | os.PathLike[str]
"""A store, or its address."""


@contextmanager
def opened_ends(*ends: End) -> Iterator[list[Store[Any, Any]]]:
    """Give stores for ends; those that were opened here are closed again."""
    stores: list[Store[Any, Any]] = []
    ours: list[Store[Any, Any]] = []
    try:
        for end in ends:
            store = end if isinstance(end, Store) else open_store(end)
            if store is not end:
                ours.append(store)
            stores.append(store)
        yield stores
    finally:
        for store in ours:
            store.close()


def refuse_itself(source: Store[Any, Any], target: Store[Any, Any]) -> None:
    """Refuse a transfer of a store into itself, or into a namespace inside it.

    Raises
    ------
    UnsupportedError
        If both ends hold the same entries of the same engine.
    """
    if not _same_engine(source.raw, target.raw):
        return
    first, second = _namespace(source), _namespace(target)
    if first.startswith(second) or second.startswith(first):
        raise UnsupportedError(f"{source!r} and {target!r} hold the same entries: copy into another store")


def _same_engine(one: Any, other: Any) -> bool:
    return (
        one is other
        or (type(one) is type(other) and hasattr(one, "path") and repr(one) == repr(other))
        or (
            type(one) is type(other) and one._lock is other._lock  # noqa: SLF001 - the lock belongs to the engine
        )
    )


def _namespace(store: Store[Any, Any]) -> str:
    prefix = ""
    while isinstance(store, Layer):
        if isinstance(store, Prefixed):
            prefix = store.prefix + prefix
        store = store.inner
    return prefix
