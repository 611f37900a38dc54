"""LMDB's single-key verbs with the key function compiled in: one frame between the mapping and the engine."""

from collections.abc import Callable
from typing import Any

from spoonbill.backends.lmdb_environment import Handle
from spoonbill.keys import MARKER
from spoonbill.store import Store

EMPTY = b"\xff"
"""Stands for the empty key, which LMDB cannot hold: no UTF-8 text contains this byte."""
_MARKER = ord(MARKER)


def single_key_verbs(  # noqa: C901 - four closures of one kind
    store: Store[str, bytes], handle: Handle, down: Callable[[Any], str]
) -> dict[str, Callable[..., Any]]:
    """Return `get`, `has`, `set` and `delete` that take keys as `down` does.

    A transaction that is only read from ends with its last reference, which spares the call to abort it. Whatever goes
    wrong is left to the store's own verb, which mends it or says what it is.
    """
    lock = store._lock  # noqa: SLF001 - the lock of the engine that these verbs are a part of
    encode = str.encode
    begin = handle.begin  # a cell of its own: half the price of an attribute

    def rebind(later: Callable[..., Any]) -> None:
        nonlocal begin
        begin = later

    handle.follow(rebind)

    def get(key: Any, default: Any = None) -> Any:
        try:
            data = encode(key)
            if data[0] != _MARKER:
                return begin().get(data, default)
        except Exception:  # noqa: S110 - an odd key, or a failure: the store's own verb deals with both
            pass
        return store.get(down(key), default)

    def has(key: Any) -> bool:
        try:
            data = encode(key)
            if data[0] != _MARKER:
                return begin().get(data) is not None
        except Exception:  # noqa: S110 - as above
            pass
        return store.has(down(key))

    def put(key: Any, value: bytes) -> None:
        try:
            data = encode(key)
            if data[0] != _MARKER:
                with lock, begin(write=True) as txn:
                    txn.put(data, value)
                return
        except Exception:  # noqa: S110 - as above
            pass
        store.set(down(key), value)

    def delete(key: Any) -> bool:
        try:
            data = encode(key)
            if data[0] != _MARKER:
                with lock, begin(write=True) as txn:
                    return bool(txn.delete(data))
        except Exception:  # noqa: S110 - as above
            pass
        return store.delete(down(key))

    return {"get": get, "has": has, "set": put, "delete": delete}
