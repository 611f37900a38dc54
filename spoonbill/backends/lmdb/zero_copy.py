"""LMDB that lends its memory: a value is looked at where it lies, instead of copied first."""

import ctypes
import mmap
import os
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any, Unpack

import lmdb

from spoonbill.backends.lmdb.backend import Lmdb
from spoonbill.backends.lmdb.compiled import EMPTY, FAILURES
from spoonbill.backends.lmdb.environment import Environment
from spoonbill.backends.lmdb.options import LmdbOptions
from spoonbill.common.locks import new_lock

__all__ = ["ZeroCopyLmdb"]

_PAGE = mmap.PAGESIZE
_inherited: list[Any] = []


class ZeroCopyLmdb(Lmdb):
    """An `Lmdb` whose values can be read in place: for the length of a call, or for the life of a view.

    Parameters
    ----------
    path, **options
        As for `Lmdb`.
    """

    _batch = 16

    def __init__(self, path: str | Path, **options: Unpack[LmdbOptions]) -> None:
        super().__init__(path, **options)
        self._leasing = new_lock()
        self._latest: weakref.ref[_Lease] | None = None

    def borrow(self, key: str, use: Callable[[memoryview], Any], default: Any = None, *, once: bool = False) -> Any:
        """Return ``use(memory)`` for the value of `key`, or `default` where it is absent.

        Parameters
        ----------
        key : str
            The key.
        use : callable
            Is given the value as a read-only memoryview into the database, valid until it returns and no longer.
        default : object, optional
            What stands for absence.
        once : bool, optional
            True gives the pages back to the system afterwards, so that a pass over the whole database does not grow
            the memory of this process by what it looked at.
        """
        try:
            txn = self._handle.begin(buffers=True)
            try:
                data = txn.get(key.encode() or EMPTY)
                if data is None:
                    return default
                used = use(data)
                if once:
                    _give_back(data)
                return used
            finally:
                txn.abort()
        except FAILURES as error:
            return self.borrow(key, use, default, once=once) if self._repair("get", key, error) else default

    def lease(self, key: str, use: Callable[[Any], Any], default: Any = None) -> Any:
        """Return ``use(octets)`` for the value of `key`, or `default` where it is absent.

        `octets` is a read-only numpy array of bytes on the database's own memory. It, and every view of it, keeps the
        snapshot alive in which it was read: later writes do not touch it, and the pages that it lies on are not used
        again before the last view is gone.
        """
        try:
            held = self._lease()
            try:
                data = held.txn.get(key.encode() or EMPTY)
            finally:
                held.lock.release()
        except lmdb.ReadersFullError:
            return self.borrow(key, lambda memory: use(_octets(bytes(memory))), default)
        except FAILURES as error:
            return self.lease(key, use, default) if self._repair("get", key, error) else default
        return default if data is None else use(_octets(_Lent(data, held)))

    def _lease(self) -> "_Lease":
        """Return a lease on the present state with its lock held: the last one again while nothing was written."""
        with self._leasing:
            held = self._latest() if self._latest is not None else None
            if held is not None and held.fresh():
                held.lock.acquire()
                return held
            held = _Lease(self._shared)
            held.lock.acquire()
            self._latest = weakref.ref(held)
            return held


class _Lease:
    """A read transaction that lives as long as the views on its memory."""

    def __init__(self, shared: Environment) -> None:
        self.shared = shared  # keeps the environment open, whoever closes the store
        self.lock = new_lock()  # a transaction is not for two threads at once
        self._process = os.getpid()
        self._token = object()
        shared.live.add(self._token)  # first, so that no other thread closes it in between
        try:
            self.txn = shared.begin(buffers=True)
        except BaseException:
            shared.live.discard(self._token)
            raise

    def fresh(self) -> bool:
        """Return whether nothing was written since it began."""
        return self._process == os.getpid() and bool(self.txn.id() == self.shared.env.info()["last_txnid"])

    def __del__(self) -> None:
        if not hasattr(self, "txn"):
            return  # it could not begin
        if self._process == os.getpid():
            self.txn.abort()
            self.shared.live.discard(self._token)
        else:
            # The slot in the table of readers is the parent's: a child that ended it would free the parent's pages.
            _inherited.append(self.txn)


class _Lent:
    """A value's memory and its lease, as numpy takes it: the array that is made of it keeps this alive."""

    def __init__(self, data: memoryview, lease: _Lease) -> None:
        self.lease = lease
        self.__array_interface__ = {
            "data": (_address(data), True),
            "shape": (len(data),),
            "typestr": "|u1",
            "version": 3,
        }


def _octets(data: Any) -> Any:
    import numpy as np

    return np.frombuffer(data, "u1") if isinstance(data, bytes) else np.asarray(data)


def _address(data: memoryview) -> int:
    import numpy as np

    return int(np.frombuffer(data, "u1").__array_interface__["data"][0]) if len(data) else 0


def _give_back(data: memoryview) -> None:
    """Take the pages of a value out of this process's memory; they stay in the system's, and in the file."""
    if len(data) < 16 * _PAGE or sys.platform not in {"linux", "darwin"}:
        return
    address = _address(data)
    first = address // _PAGE * _PAGE
    length = address + len(data) - first
    ctypes.CDLL(None).madvise(ctypes.c_void_p(first), ctypes.c_size_t(length), mmap.MADV_DONTNEED)
