"""Local paths that stay what they are, whatever happens to the working directory."""

import os
import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from spoonbill.common.failures import pass_on_signal

__all__ = ["MEMORY", "Place", "absolute", "identity", "is_local"]

_LOCAL_URLS = ("file://", "local://")
MEMORY = ":memory:"
"""What SQLite takes in place of a path, for a database that is no file."""
_SETTLED: Final = 100_000_000
"""Nanoseconds after which a change of a folder shows in its time stamp: the system's clock ticks every 10 ms or so."""


def is_local(url: str | Path) -> bool:
    """Return whether a path is the operating system's own, or a URL of one: ``file:///data``."""
    if isinstance(url, Path):
        return True
    return "::" not in url and url != MEMORY and ("://" not in url or url.startswith(_LOCAL_URLS))


def absolute(path: Any) -> Any:
    """Return a local path as an absolute one, ``~`` as the user's folder; anything else, such as a URL, as it is.

    Examples
    --------
    >>> from spoonbill.common.paths import absolute
    >>> absolute("file:///data/my%20file"), absolute("s3://bucket/a")
    ('/data/my file', 's3://bucket/a')
    """
    if isinstance(path, (str, Path)) and is_local(path):
        if isinstance(path, str) and "://" in path:
            path = _path_of(path)
        return os.path.abspath(os.path.expanduser(path))  # noqa: PTH100, PTH111 - resolve() would follow links
    return path


def _path_of(url: str) -> str:
    """Return the path in a URL of a local file; ``Path.as_uri`` writes a space as ``%20``."""
    scheme, _, path = url.partition("://")
    return unquote(path.removeprefix("localhost")) if scheme == "file" else path


def identity(path: str) -> tuple[int, int] | None:
    """Return what tells a file or a folder from all others, whatever its names are; None where nothing is reached."""
    try:
        status = os.stat(path)  # noqa: PTH116 - a Path object costs as much as the call
    except OSError as error:
        pass_on_signal(error)
        return None
    return status.st_dev, status.st_ino


class Place:
    """A path and the file that it named when it was opened.

    The folder's time stamp tells that no name in it has changed since the last look, so the file itself is seldom
    asked. To ask it is dear: since Linux 6.13 a ``stat`` makes the next write to the file keep a finer time stamp,
    which adds half of the time that a write through to the disk takes.

    Parameters
    ----------
    path : str
        An absolute path.
    known : tuple of int, optional
        What tells the file from all others; by default that of the file which the path names now.

    Attributes
    ----------
    identity : tuple of int, or None
        What tells the file from all others; None where there was no file.
    """

    def __init__(self, path: str, known: tuple[int, int] | None = None) -> None:
        self.path = path
        self.identity = known or identity(path)
        self._folder = os.path.dirname(path)  # noqa: PTH120 - a Path object costs as much as the call
        self._seen: tuple[int, int, int] | None = None
        """Of the folder, while all was as it should be."""
        self._watches = os.name == "posix" and not os.path.islink(path)  # noqa: PTH114 - what a link names may move

    def is_kept(self) -> bool:
        """Return whether the path names the same file as before; True where there was none to begin with."""
        if self.identity is None:
            return True
        if not self._watches:
            return identity(self.path) == self.identity
        try:
            status = os.stat(self._folder)  # noqa: PTH116
        except OSError as error:
            pass_on_signal(error)
            return False
        seen = status.st_dev, status.st_ino, status.st_mtime_ns
        if seen == self._seen:
            return True
        if identity(self.path) != self.identity:
            return False
        if time.time_ns() - status.st_mtime_ns > _SETTLED:
            self._seen = seen
        return True
