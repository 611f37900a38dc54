"""One file that is read as it was when it was opened, or that appears only when all of it is written."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from spoonbill.common.masking import scrub, without
from spoonbill.errors import SpoonbillError, StoreError
from spoonbill.filesystems.errors import remedy, secrets_of

_PIECE = 8 << 20
"""Bytes of one part of an upload, and of one read ahead."""
_PARTS_AT_FIRST = 1000
"""Parts of one size; S3 takes 10,000, so later ones are larger."""


def is_local(url: str | Path) -> bool:
    """Return whether a path is the operating system's own."""
    return isinstance(url, Path) or ("://" not in url and "::" not in url)


@contextmanager
def open_for_reading(url: str | Path, storage_options: dict[str, Any]) -> Iterator[IO[bytes]]:
    """Open a file to read it. Seeking to its beginning reads the same file again, or fails where it was replaced."""
    if is_local(url):
        with Path(url).open("rb") as file:
            yield file
        return
    with _named("load", url, storage_options):
        filesystem, path = _opened(url, storage_options)
        with filesystem.open(path, "rb", block_size=_PIECE) as file:
            yield file


@contextmanager
def write_atomically(
    url: str | Path, storage_options: dict[str, Any], check: Callable[[Path], object] | None = None
) -> Iterator[IO[bytes]]:
    """Open a file to write that takes its place only when the block ends well, and a local one passes `check`."""
    if is_local(url):
        with _appearing_here(Path(url), check) as file:
            yield file
        return
    with _named("save", url, storage_options):
        filesystem, path = _opened(url, storage_options)
        way = _as_one_upload if "s3" in _protocols(filesystem) else _beside
        with way(filesystem, path) as file:
            yield file


@contextmanager
def _named(operation: str, url: str | Path, storage_options: dict[str, Any]) -> Iterator[None]:
    """Raise what a filesystem fails with as an error of our tree, which holds no secret."""
    secrets = secrets_of(str(url), storage_options)
    try:
        yield
    except (SpoonbillError, FileNotFoundError, TypeError, ValueError):
        raise
    except Exception as error:
        scrub(error, secrets)
        shown = without(secrets, str(url))
        raise StoreError(f"{operation} failed at {shown}: {type(error).__name__}: {error}. {remedy(error)}") from error


def _opened(url: str | Path, storage_options: dict[str, Any]) -> tuple[Any, str]:
    import fsspec

    filesystem, path = fsspec.core.url_to_fs(str(url), **storage_options)
    return filesystem, path


def _protocols(filesystem: Any) -> tuple[str, ...]:
    return (filesystem.protocol,) if isinstance(filesystem.protocol, str) else tuple(filesystem.protocol)


@contextmanager
def _as_one_upload(filesystem: Any, path: str) -> Iterator[IO[bytes]]:
    """Write a multi-part upload, which the service shows when it is completed."""
    file = filesystem.open(path, "wb", block_size=_PIECE, autocommit=False)
    try:
        yield _Parts(file)  # type: ignore[misc] # the one method of a file that its writer needs
        file.close()
        file.commit()
    except BaseException:
        file.closed = True  # or its end would upload what is left in it
        with suppress(Exception):
            file.discard()
        raise


class _Parts:
    """A file that takes larger parts the longer it grows."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def write(self, data: bytes) -> int:
        file = self._file
        file.blocksize = _PIECE * (1 + file.loc // (_PIECE * _PARTS_AT_FIRST))
        return int(file.write(data))


@contextmanager
def _beside(filesystem: Any, path: str) -> Iterator[IO[bytes]]:
    """Write under another name and rename."""
    aside = f"{path}.{uuid4().hex[:8]}~part"
    with suppress(Exception):  # where there are no folders, or it is there; if not, the write itself will say so
        filesystem.makedirs(path.rpartition("/")[0], exist_ok=True)
    try:
        with filesystem.open(aside, "wb", block_size=_PIECE) as file:
            yield file
        rename(filesystem, aside, path)
    except BaseException:
        with suppress(Exception):
            filesystem.rm_file(aside)
        raise


def renames(filesystem: Any) -> bool:
    """Return whether a filesystem of fsspec has a rename of its own; the general one takes names for patterns."""
    import fsspec

    return type(filesystem).mv is not fsspec.AbstractFileSystem.mv


def copies(filesystem: Any) -> bool:
    """Return whether a filesystem of fsspec can copy a file inside itself."""
    import fsspec

    return type(filesystem).cp_file is not fsspec.AbstractFileSystem.cp_file


def rename(filesystem: Any, source: str, target: str) -> None:
    """Give a file another name: where the filesystem has no rename, by a copy inside it."""
    if renames(filesystem):
        filesystem.mv(source, target)
    else:
        filesystem.cp_file(source, target)
        filesystem.rm_file(source)


@contextmanager
def _appearing_here(path: Path, check: Callable[[Path], object] | None) -> Iterator[IO[bytes]]:
    beside = path.with_name(f".{path.name}.{uuid4().hex[:12]}.part")
    # As any new file: with the permissions that the user's mask leaves.
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if check is not None:
            check(beside)
        beside.replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            beside.unlink()
        raise
