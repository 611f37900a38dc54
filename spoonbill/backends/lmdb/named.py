"""Other programs' named databases, which LMDB keeps under keys of the main one."""

from typing import Any

import lmdb

__all__ = ["empty"]

_RECORD = 48
"""Bytes of what LMDB keeps under the name of a database."""


def empty(txn: Any, main: Any, before: Any) -> None:
    """Remove every entry of the main database, and none of the databases that are named there.

    Parameters
    ----------
    txn : Transaction
        The write transaction.
    main : _Database
        The main database.
    before : Transaction
        A transaction that reads, with ``buffers=True``, begun after `txn` and before anything was written by it.
    """
    named = _names(txn, before)
    if not named:
        txn.drop(main, delete=False)
        return
    with before.cursor() as cursor:
        for key in map(bytes, cursor.iternext(values=False)):
            if key not in named:
                txn.delete(key)


def _names(txn: Any, before: Any) -> set[bytes]:
    """Return the names: LMDB refuses to write an entry over a database, even that which is there."""
    with before.cursor() as cursor:
        alike = [(bytes(key), bytes(value)) for key, value in cursor if len(value) == _RECORD]
    named = set()
    for key, value in alike:
        try:
            txn.put(key, value)
        except lmdb.IncompatibleError:
            named.add(key)
    return named
