"""Opening a filesystem of fsspec."""

from typing import Any
from urllib.parse import unquote

__all__ = ["open_filesystem"]

_WITH_LOGIN = frozenset({"ftp", "sftp", "ssh", "smb"})
"""Filesystems of fsspec that take ``username`` and ``password``, and that decode neither in a URL."""


def open_filesystem(url: str, options: dict[str, Any]) -> tuple[Any, str]:
    """Return the filesystem of a URL, and the path in it; a user and a password in the URL are decoded."""
    import fsspec

    url, login = _split_login(_decode_file_url(url))
    filesystem, path = fsspec.core.url_to_fs(url, **{**login, **options})
    return filesystem, path


def _decode_file_url(url: str) -> str:
    """Return a ``file://`` URL with its path as the system has it: ``Path.as_uri`` writes a space as ``%20``."""
    if not url.startswith("file://"):
        return url
    return f"file://{unquote(url.removeprefix('file://').removeprefix('localhost'))}"


def _split_login(url: str) -> tuple[str, dict[str, str]]:
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    login, at, host = authority.rpartition("@")
    if scheme not in _WITH_LOGIN or not at:
        return url, {}
    user, colon, password = login.partition(":")
    found = {"username": unquote(user)} | ({"password": unquote(password)} if colon else {})
    return f"{scheme}://{host}{slash}{path}", found
