"""The way to a file of a long name, folder by folder, without following a link."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from spoonbill.filesystems.disk.safely import AT, FOLDER

_STEP = FOLDER | getattr(os, "O_NOFOLLOW", 0)


@contextmanager
def descend(root: str, name: str, *, make: bool, sync: bool) -> Iterator[tuple[str, int | None]]:
    """Open the folder of a file below a root; give the file's own name and the folder's descriptor.

    On a system that cannot open relative to a folder the folders are looked at, and the whole path is given.

    Parameters
    ----------
    root : str
        The root, which may itself be a link.
    name : str
        The file's name below it.
    make : bool
        Whether folders that are missing are made.
    sync : bool
        Whether what is made is written through to the disk.

    Raises
    ------
    NotADirectoryError
        If a file or a link stands where a folder belongs.
    """
    *folders, last = name.split("/")
    if make:
        Path(root).mkdir(parents=True, exist_ok=True)
    if not AT:
        yield _looked_at(root, folders, make=make) + last, None
        return
    descriptor = os.open(root, FOLDER)
    try:
        for folder in folders:
            below = _step(descriptor, folder, make=make, sync=sync)
            os.close(descriptor)
            descriptor = below
        yield last, descriptor
    finally:
        os.close(descriptor)


def _step(above: int, folder: str, *, make: bool, sync: bool) -> int:
    try:
        return os.open(folder, _STEP, dir_fd=above)
    except FileNotFoundError:
        if not make:
            raise
    except OSError as error:
        if error.errno == errno.ELOOP:  # what some systems say of a link
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), folder) from error
        raise
    with suppress(FileExistsError):
        os.mkdir(folder, dir_fd=above)
    if sync:
        os.fsync(above)
    return os.open(folder, _STEP, dir_fd=above)


def _looked_at(root: str, folders: list[str], *, make: bool) -> str:
    path = f"{root}/"
    for folder in folders:
        path += f"{folder}/"
        if make:
            with suppress(FileExistsError):
                Path(path).mkdir()
        if not stat.S_ISDIR(Path(path[:-1]).lstat().st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
    return path
