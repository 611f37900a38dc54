"""Local files opened and made so that nothing that others planted leads elsewhere or makes us wait."""

import errno
import os
import stat
from functools import cache
from pathlib import Path

_BINARY = getattr(os, "O_BINARY", 0)
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
READ = os.O_RDONLY | _NO_FOLLOW | getattr(os, "O_NONBLOCK", 0) | _BINARY
"""A link is refused (ELOOP), and a FIFO is opened without waiting for its writer."""
READ_LINKED = READ & ~_NO_FOLLOW
"""As READ, for a path that was checked, or that the user named."""
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW | _BINARY
"""A file that must not be there, nor a link of its name."""
FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)
PRIVATE = 0o600
AT = os.open in os.supports_dir_fd
"""Whether this system opens names relative to an open folder."""


class UnsafeFileError(OSError):
    """What stands under a name is nothing that we read or write; it tells the remedy."""

    def __init__(self, path: str, what: str, remedy: str) -> None:
        super().__init__(errno.EINVAL, what, path)
        self.what = what
        self.remedy = remedy

    def __reduce__(self) -> tuple[type["UnsafeFileError"], tuple[str, str, str]]:
        return type(self), (str(self.filename), self.what, self.remedy)


def refuse_irregular(status: os.stat_result, path: str) -> None:
    """Raise where a status is not that of a regular file: what else there is can wait for ever, or act when read."""
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if not stat.S_ISREG(status.st_mode):
        raise UnsafeFileError(path, "it is no regular file but a pipe, a socket or a device", "Move it away.")


def open_regular(path: str, flags: int = READ_LINKED, *, dir_fd: int | None = None) -> int:
    """Open a file to read it and return its descriptor; refuse what is no regular file, without waiting for it."""
    descriptor = os.open(path, flags, dir_fd=dir_fd)
    try:
        refuse_irregular(os.fstat(descriptor), path)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def read_regular(path: str, flags: int = READ_LINKED) -> bytes:
    """Return the bytes of a regular file."""
    with os.fdopen(open_regular(path, flags), "rb") as file:
        return file.read()


def is_ours(status: os.stat_result) -> bool:
    """Return whether a file is a regular one of this user that has no second name."""
    return stat.S_ISREG(status.st_mode) and status.st_nlink == 1 and status.st_uid == _user()


def is_own_link(path: Path) -> bool:
    """Return whether a path is a link that this user, or the system's administrator, has made."""
    return path.is_symlink() and path.lstat().st_uid in _own_users()


def _own_users() -> set[int]:
    return {_user(), 0}


def _user() -> int:
    return os.geteuid() if hasattr(os, "geteuid") else 0  # without users every file says 0


def mode_for(path: str, *, dir_fd: int | None = None) -> int:
    """Return the mode of the file that takes this place: that of the file which is there, else a new file's.

    Raises
    ------
    UnsafeFileError
        If a pipe, a socket or a device is there.
    """
    try:
        found = os.lstat(path) if dir_fd is None else os.stat(path, dir_fd=dir_fd, follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return 0o666 & ~umask()
    kind = found.st_mode & 0o170000
    if kind == stat.S_IFREG:
        return found.st_mode & 0o777
    if kind != stat.S_IFLNK:
        refuse_irregular(found, path)
    return 0o666 & ~umask()


@cache
def umask() -> int:
    """Return the permissions that new files of this process do not have."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("Umask:"):
                return int(line.split()[1], 8)
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def write_whole(descriptor: int, data: bytes) -> None:
    """Write all of it, however many calls it takes."""
    written = os.write(descriptor, data)
    while written < len(data):
        written += os.write(descriptor, memoryview(data)[written:])


def set_mode(descriptor: int, mode: int) -> None:
    """Give an open private file its mode, where the system has modes."""
    if mode != PRIVATE and hasattr(os, "fchmod"):
        os.fchmod(descriptor, mode)


def sync_folder(folder: str, *, dir_fd: int | None = None) -> None:
    """Write a folder's own entries through to the disk: without it a power cut could undo a rename or a removal."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, FOLDER, dir_fd=dir_fd)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
