"""Bytes of a file as memory of one's own that is read when it is first touched."""

import ctypes
import mmap
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

__all__ = ["WORTH_MAPPING", "mapped_pages"]

_PAGE = mmap.ALLOCATIONGRANULARITY
_READ_WRITE = mmap.PROT_READ | mmap.PROT_WRITE
WORTH_MAPPING = 32 * 1024
"""Bytes from which on a mapping costs less than a copy."""

_FAILED = ctypes.c_void_p(-1).value


def mapped_pages(descriptor: int, start: int, end: int) -> tuple[Any, int] | None:
    """Return a writable buffer that holds the bytes of a file from `start` to `end`, and where in it they begin.

    What is written to it stays in it. None where a copy is the better way, or the system grants no mapping. `mmap.mmap`
    would do, but keeps a file descriptor for each mapping, of which a process has about a thousand.
    """
    if end - start < WORTH_MAPPING or sys.platform not in {"linux", "darwin"}:
        return None
    first = start - start % _PAGE
    length = end - first
    calls = _calls()
    address = calls.mmap(None, length, _READ_WRITE, mmap.MAP_PRIVATE, descriptor, first)
    if address in {None, _FAILED}:
        return None
    import numpy as np  # the base install has none, and can import every store

    return np.asarray(_Pages(address, length, calls.munmap)), start - first


class _Pages:
    """A mapping, which ends with the last array on it."""

    def __init__(self, address: int, length: int, unmap: Callable[[int, int], int]) -> None:
        self.__array_interface__ = {"data": (address, False), "shape": (length,), "typestr": "|u1", "version": 3}
        self._range = (address, length)
        self._unmap = unmap  # held here, since at the end of the process modules go first

    def __del__(self) -> None:
        self._unmap(*self._range)


@cache
def _calls() -> Any:
    calls = ctypes.CDLL(None)
    calls.mmap.restype = ctypes.c_void_p
    calls.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *(ctypes.c_int,) * 3, ctypes.c_long)
    calls.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
    return calls
