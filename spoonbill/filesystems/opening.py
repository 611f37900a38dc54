"""Which folder a URL is."""

from importlib import import_module
from typing import Any

import fsspec

from spoonbill.errors import MissingExtraError, StoreError, UnsupportedError
from spoonbill.filesystems.archive import ArchiveFolder
from spoonbill.filesystems.concurrent import ConcurrentFolder
from spoonbill.filesystems.folder import Folder
from spoonbill.filesystems.local import LocalFolder
from spoonbill.filesystems.read_only import ReadOnlyFolder

_ARCHIVES = {"zip", "tar", "libarchive"}
_READ_ONLY = {"reference", "github", "git", "jsdelivr", "data"}
_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs", "az": "azure", "abfs": "azure", "abfss": "azure"}
_MEDIA = {
    "s3": ("objects.s3", "S3Folder"),
    "gcs": ("objects.gcs", "GcsFolder"),
    "azure": ("objects.azure", "AzureFolder"),
}
_OWN = {protocol: _MEDIA[extra] for protocol, extra in _EXTRAS.items()} | {"ftp": ("web.ftp", "FtpFolder")}


def open_folder(url: str, options: dict[str, Any], *, sync: bool, manifest: str | None) -> Folder:
    """Return the folder for a URL.

    Raises
    ------
    MissingExtraError
        If the filesystem's client is not installed.
    StoreError
        If there is no such filesystem, or it cannot be opened.
    UnsupportedError
        If an option means nothing there.
    """
    scheme = url.partition("://")[0].rpartition("::")[2] if "://" in url else "file"
    protocol = url.partition("::")[0].partition("://")[0] if "://" in url or "::" in url else "file"
    if sync and protocol not in {"file", "local"}:
        raise UnsupportedError(f"sync=True is for local directories, not for {protocol}: leave it out")
    if manifest is not None and protocol not in {"http", "https"}:
        raise UnsupportedError(f"manifest= is for web servers, which cannot list; {protocol} can: leave it out")
    try:
        return _open(url, protocol, options, sync=sync, manifest=manifest)
    except ImportError as error:
        extra = _EXTRAS.get(protocol) or _EXTRAS.get(scheme)
        how = f"pip install 'spoonbill-framework[{extra}]'" if extra else f"install what it asks for ({error})"
        raise MissingExtraError(f"FilesystemStore needs the client of {protocol}: {how}") from error


def _open(url: str, protocol: str, options: dict[str, Any], *, sync: bool, manifest: str | None) -> Folder:
    if protocol in {"file", "local"}:
        return LocalFolder(url, options, sync=sync)
    if protocol in {"http", "https"}:
        from spoonbill.filesystems.web.http import HttpFolder

        return HttpFolder(url, options, manifest=manifest)
    if protocol in _ARCHIVES:
        return ArchiveFolder(url, options)
    if protocol in _READ_ONLY:
        return ReadOnlyFolder(url, options)
    if protocol in _OWN:
        module, name = _OWN[protocol]
        folder: Folder = getattr(import_module(f"spoonbill.filesystems.{module}"), name)(url, options)
        return folder
    return _generic(url, protocol, options)


def _generic(url: str, protocol: str, options: dict[str, Any]) -> Folder:
    try:
        kind = fsspec.get_filesystem_class(protocol)
    except ValueError as error:
        raise StoreError(f"fsspec knows no filesystem {protocol!r}: check the URL's beginning") from error
    return ConcurrentFolder(url, options) if getattr(kind, "async_impl", False) is True else Folder(url, options)
