"""One safetensors file on a disk: held open, mapped, and known by its identity."""

import mmap
import os
import weakref
from collections.abc import Callable
from typing import Any

from spoonbill.backends.safetensors.mapped_pages import mapped_pages
from spoonbill.codecs.safetensors.header import KIND, Header, header_length, parse_header
from spoonbill.common.open_places import forget_place, note_place
from spoonbill.filesystems.disk.safely import open_regular

__all__ = ["LocalFile"]


class LocalFile:
    """A file held open at the moment it was opened: what is moved into its place does not disturb what was read here.

    Parameters
    ----------
    path : str
        The file.
    writable : bool
        True maps it so that who writes to the mapping changes pages of this process and never the file.

    Attributes
    ----------
    tensors, metadata : dict
        Of the verified header.
    buffer : mmap
        The whole file. It lives as long as an array on it does.
    current : callable
        Returns whether the path still names this file, unchanged.

    Raises
    ------
    OSError
        If it cannot be opened, or is no regular file.
    CodecError
        If it is no whole safetensors file.
    """

    def __init__(self, path: str, *, writable: bool) -> None:
        self._descriptor = open_regular(path)
        self._closer = weakref.finalize(self, os.close, self._descriptor)
        status = os.fstat(self._descriptor)
        header = _read_header(self._descriptor, status.st_size)
        self.tensors, self.metadata = header.tensors, header.metadata
        access = mmap.ACCESS_COPY if writable else mmap.ACCESS_READ
        self.buffer = mmap.mmap(self._descriptor, 0, access=access)
        # A link can be pointed elsewhere without a trace on the file behind it: there the path itself is looked up.
        linked = os.path.realpath(path) != os.path.abspath(path)  # noqa: PTH100 - resolve() would follow the link
        by_path = _by_path(path, _identity(status))
        note_place(self, KIND, lambda: (path,))
        self.current = by_path if linked else _by_descriptor(self._descriptor, status, by_path)

    def span(self, start: int, end: int) -> tuple[Any, int]:  # noqa: ARG002 - all of it is there
        """Return a buffer that holds these bytes, and where in it they begin."""
        return self.buffer, start

    def pages(self, start: int, end: int) -> tuple[Any, int] | None:
        """Return writable memory of its own with these bytes, read when it is first touched; None: better copy."""
        return mapped_pages(self._descriptor, start, end)

    def close(self) -> None:
        """Let the file go; arrays on its mapping stay."""
        forget_place(self)
        self._closer()


def _identity(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _by_path(path: str, identity: tuple[int, ...]) -> Callable[[], bool]:
    return lambda: _identity(os.stat(path)) == identity  # noqa: PTH116 - a Path object costs as much as the call


def _by_descriptor(descriptor: int, status: os.stat_result, by_path: Callable[[], bool]) -> Callable[[], bool]:
    """Return a test that looks the path up only where it must.

    Whatever happens to a file or to what names it sets the time of its last change, or the number of its links.
    """
    fstat = os.fstat
    changed, links = status.st_ctime_ns, status.st_nlink

    def current() -> bool:
        nonlocal changed, links
        found = fstat(descriptor)
        if found.st_ctime_ns == changed and found.st_nlink == links:
            return True
        if not by_path():
            return False
        changed, links = found.st_ctime_ns, found.st_nlink
        return True

    return current


def _read_header(descriptor: int, total: int) -> Header:
    length = header_length(os.pread(descriptor, 8, 0), total)
    return parse_header(os.pread(descriptor, length, 8), total)
