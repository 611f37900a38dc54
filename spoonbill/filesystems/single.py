"""One file that is read as it was when it was opened, or that appears only when all of it is written."""

import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from spoonbill.common.failures import came_from_outside, pass_on, suppress_failures
from spoonbill.common.masking import masked, scrub, secrets_in, without
from spoonbill.common.paths import absolute, is_local
from spoonbill.errors import SpoonbillError, StoreError
from spoonbill.filesystems.disk.flock import folder_lock
from spoonbill.filesystems.disk.safely import (
    NEW,
    PRIVATE,
    is_ours,
    is_own_link,
    mode_for,
    open_regular,
    set_mode,
    sync_folder,
)
from spoonbill.filesystems.errors import remedy
from spoonbill.filesystems.fsspec_url import open_filesystem

_PIECE = 8 << 20
"""Bytes of one part of an upload, and of one read ahead."""
_MOST_LINKS = 40
_PARTS_AT_FIRST = 1000
"""Parts of one size; S3 takes 10,000, so later ones are larger."""


@contextmanager
def open_for_reading(url: str | Path, storage_options: dict[str, Any]) -> Iterator[IO[bytes]]:
    """Open a file to read it. Seeking to its beginning reads the same file again, or fails where it was replaced."""
    if is_local(url):
        with _here("load", url), os.fdopen(open_regular(absolute(url)), "rb") as file:
            yield file
        return
    with translate_errors("load", url, storage_options):
        filesystem, path = open_filesystem(str(url), storage_options)
        with filesystem.open(path, "rb", block_size=_PIECE) as file:
            yield file


@contextmanager
def write_atomically(
    url: str | Path, storage_options: dict[str, Any], check: Callable[[Path], object] | None = None
) -> Iterator[IO[bytes]]:
    """Open a file to write that takes its place only when the block ends well, and a local one passes `check`."""
    if is_local(url):
        with _here("save", url), _appearing_here(Path(absolute(url)), check) as file:
            yield file
        return
    with translate_errors("save", url, storage_options):
        filesystem, path = open_filesystem(str(url), storage_options)
        way = _as_one_upload if "s3" in _protocols(filesystem) else _beside
        with way(filesystem, path) as file:
            yield file


@contextmanager
def translate_errors(operation: str, url: str | Path, storage_options: dict[str, Any]) -> Iterator[None]:
    """Raise what a filesystem fails with as an error of our tree, which holds no secret."""
    secrets = secrets_in(str(url), storage_options)
    try:
        yield
    except Exception as error:
        scrub(error, secrets)
        if isinstance(error, (SpoonbillError, FileNotFoundError, TypeError, ValueError)) or came_from_outside(error):
            raise
        reason = without(secrets, f"{type(error).__name__}: {error}")
        raise StoreError(f"{operation} failed at {masked(str(url))}: {reason}. {remedy(error)}") from error


@contextmanager
def _here(operation: str, url: str | Path) -> Iterator[None]:
    """Raise what the disk fails with as an error of our tree; that a file is not there stays what it is."""
    try:
        yield
    except (SpoonbillError, FileNotFoundError):
        raise
    except OSError as error:
        pass_on(error)
        raise StoreError(f"{operation} failed at {url}: {type(error).__name__}: {error}. {remedy(error)}") from error


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
        with suppress_failures():
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
    aside = f"{path}.{secrets.token_hex(8)}~part"
    with suppress_failures():  # where there are no folders, or it is there; if not, the write itself will say so
        filesystem.makedirs(path.rpartition("/")[0], exist_ok=True)
    try:
        with filesystem.open(aside, "wb", block_size=_PIECE) as file:
            yield file
        rename(filesystem, aside, path)
    except BaseException:
        with suppress_failures():
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
    path = _behind_own_links(path)
    mode = mode_for(os.fspath(path))
    _sweep(path)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    descriptor = os.open(beside, NEW, PRIVATE)
    try:
        with os.fdopen(descriptor, "wb") as file, folder_lock(str(beside), wait=False):
            yield file
            file.flush()
            set_mode(file.fileno(), mode)
            os.fsync(file.fileno())
        if check is not None:
            check(beside)
        beside.replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            beside.unlink()
        raise
    sync_folder(os.fspath(path.parent))


def _behind_own_links(path: Path) -> Path:
    """Return the file that a link of this user stands for; a link that another user planted is replaced by the file."""
    for _ in range(_MOST_LINKS):
        if not is_own_link(path):
            break
        path = path.parent / path.readlink()
    return path


def _sweep(path: Path) -> None:
    """Remove what saves to this path left that were killed: what is of this user and held by nobody."""
    left = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{16}}\.part\Z")
    with suppress_failures(OSError):
        for entry in os.scandir(path.parent):
            if left.match(entry.name) and is_ours(entry.stat(follow_symlinks=False)):
                _remove_dead(entry.path)


def _remove_dead(path: str) -> None:
    with suppress_failures(OSError), folder_lock(path, wait=False) as free:
        if free and os.name == "posix":
            Path(path).unlink()
