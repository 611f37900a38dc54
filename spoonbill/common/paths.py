"""Local paths that stay what they are, whatever happens to the working directory."""

import os
from pathlib import Path
from typing import Any

from spoonbill.common.failures import pass_on_signal

__all__ = ["MEMORY", "absolute", "identity", "is_local"]

MEMORY = ":memory:"
"""What SQLite takes in place of a path, for a database that is no file."""


def is_local(url: str | Path) -> bool:
    """Return whether a path is the operating system's own."""
    return isinstance(url, Path) or ("://" not in url and "::" not in url and url != MEMORY)


def absolute(path: Any) -> Any:
    """Return a local path as an absolute one, ``~`` as the user's folder; anything else, such as a URL, as it is."""
    if isinstance(path, (str, Path)) and is_local(path):
        return os.path.abspath(os.path.expanduser(path))  # noqa: PTH100, PTH111 - resolve() would follow links
    return path


def identity(path: str) -> tuple[int, int] | None:
    """Return what tells a file or a folder from all others, whatever its names are; None where nothing is reached."""
    try:
        status = os.stat(path)  # noqa: PTH116 - a Path object costs as much as the call
    except OSError as error:
        pass_on_signal(error)
        return None
    return status.st_dev, status.st_ino
