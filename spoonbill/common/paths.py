"""Local paths that stay what they are, whatever happens to the working directory."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from spoonbill.common.failures import pass_on_signal

__all__ = ["MEMORY", "absolute", "identity", "is_local"]

_LOCAL_URLS = ("file://", "local://")
MEMORY = ":memory:"
"""What SQLite takes in place of a path, for a database that is no file."""


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
