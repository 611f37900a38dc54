"""LMDB's single-key verbs with the key function compiled in: one frame between the mapping and the engine."""

from collections.abc import Callable
from typing import Any

from spoonbill.backends.lmdb_environment import Handle
from spoonbill.keys import MARKER
from spoonbill.store import MISSING, Store

EMPTY = b"\xff"
"""Stands for the empty key, which LMDB cannot hold: no UTF-8 text contains this byte."""


def single_key_verbs(
    store: Store[str, bytes], handle: Handle, down: Callable[[Any], str]
) -> dict[str, Callable[..., Any]]:
    """Return `get`, `has`, `set` and `delete` that take keys as `down` does.

    A transaction that is only read from ends with its last reference, which spares the call to abort it. Whatever goes
    wrong is left to the store's own verb, which mends it or says what it is.
    """
    lock = store._lock  # noqa: SLF001 - the lock of the engine that these verbs are a part of

    def get(key: Any, default: Any = None) -> Any:
        try:
            plain = key if key.__class__ is str and key[:1] != MARKER else down(key)
            return handle.begin().get(plain.encode() or EMPTY, default)
        except Exception:
            return store.get(down(key), default)

    def has(key: Any) -> bool:
        try:
            plain = key if key.__class__ is str and key[:1] != MARKER else down(key)
            return handle.begin().get(plain.encode() or EMPTY, MISSING) is not MISSING
        except Exception:
            return store.has(down(key))

    def put(key: Any, value: bytes) -> None:
        try:
            plain = key if key.__class__ is str and key[:1] != MARKER else down(key)
            with lock, handle.begin(write=True) as txn:
                txn.put(plain.encode() or EMPTY, value)
        except Exception:
            store.set(down(key), value)

    def delete(key: Any) -> bool:
        try:
            plain = key if key.__class__ is str and key[:1] != MARKER else down(key)
            with lock, handle.begin(write=True) as txn:
                return bool(txn.delete(plain.encode() or EMPTY))
        except Exception:
            return store.delete(down(key))

    return {"get": get, "has": has, "set": put, "delete": delete}
