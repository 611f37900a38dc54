"""Single files of a local directory, by the calls of the operating system."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_ISREG
from typing import IO, Any

from spoonbill.common.failures import suppress_failures
from spoonbill.common.traits import Guarantees
from spoonbill.errors import StoreError
from spoonbill.filesystems.disk.descent import descend
from spoonbill.filesystems.disk.safely import (
    NEW,
    PRIVATE,
    READ,
    UnsafeFileError,
    is_ours,
    mode_for,
    open_regular,
    refuse_irregular,
    set_mode,
    sync_folder,
    write_whole,
)
from spoonbill.filesystems.folder import Folder, Info, beside

_PIECE = 1 << 20


class LocalFiles(Folder):
    """A local directory. A link to a file of the directory is read like a file, any other link leads nowhere.

    What is written gets an unpredictable name, is made new and private, and takes its place by a rename; folders of
    long names are entered one by one, by their descriptors, and never through a link.
    """

    atomic = frozenset({"add", "pop"})
    failures = (OSError,)
    guarantees = Guarantees(
        threads="safe",
        processes="safe: a reader sees the old value or the new one, whole",
        fork="safe",
        crash="the old value or the new one, whole; with sync=True writes and deletes survive a power cut",
        iteration="the files of each folder at the moment when the loop came to it",
        atomic="add and pop: for everyone; replace: between the threads of this process, not between processes",
    )

    def __init__(self, url: str, options: dict[str, Any], *, sync: bool) -> None:
        super().__init__(url, options)
        self._sync = sync
        self._cut = len(self.start)
        if Path(self.root).exists() and not Path(self.root).is_dir():
            raise StoreError(f"{self.root} is a file: a FilesystemStore needs a directory; choose another path")

    @property
    def identity(self) -> tuple[str, ...]:
        return ("file", os.path.realpath(self.root))

    @property
    def marks(self) -> list[str]:
        with suppress_failures(OSError):
            return [os.path.realpath(self.root), str(Path(self.root).stat().st_ino)]
        return [os.path.realpath(self.root)]

    def contains(self, other: Folder) -> bool:
        return isinstance(other, LocalFiles) and f"{other.identity[1]}/".startswith(f"{self.identity[1]}/")

    # -- names -------------------------------------------------------------------------------------------------

    @contextmanager
    def _at(self, path: str, *, make: bool = False) -> Iterator[tuple[str, int | None]]:
        """Give the name by which the system's calls reach a file, and the open folder that it is relative to."""
        cut = self._cut
        if path.find("/", cut) < 0:
            yield path, None
            return
        with descend(self.root, path[cut:], make=make, sync=self._sync) as place:
            yield place

    def _open(self, path: str) -> int:
        with self._at(path) as (name, folder):
            try:
                return open_regular(name, READ, dir_fd=folder)
            except OSError as error:
                if error.errno != errno.ELOOP:
                    raise
        return open_regular(self._led_to(path))

    def _led_to(self, path: str) -> str:
        """Return where a link leads, which has to be a place in this directory."""
        target = os.path.realpath(path, strict=True)  # one that leads nowhere is no file
        if not target.startswith(f"{os.path.realpath(self.root)}/".replace("//", "/")):
            raise UnsafeFileError(path, "it is a link that leads out of the store's directory", "Remove the link.")
        return target

    # -- one file ----------------------------------------------------------------------------------------------

    def read(self, path: str) -> bytes:
        if path.find("/", self._cut) < 0:  # the hot path
            try:
                descriptor = os.open(path, READ)
            except OSError as error:
                if error.errno != errno.ELOOP:
                    raise
                descriptor = self._open(path)
        else:
            descriptor = self._open(path)
        try:
            status = os.fstat(descriptor)
            if status.st_mode & 0o170000 != 0o100000:
                refuse_irregular(status, path)
            data = os.read(descriptor, status.st_size + 1)
            while more := os.read(descriptor, _PIECE):
                data += more
            return data
        finally:
            os.close(descriptor)

    def open_file(self, path: str) -> IO[bytes]:
        return os.fdopen(self._open(path), "rb")

    def read_part(self, path: str, start: int, stop: int) -> bytes:
        with self.open_file(path) as file:
            file.seek(start)
            return file.read(stop - start)

    def read_own(self, path: str) -> bytes:
        descriptor = open_regular(path, READ)
        with os.fdopen(descriptor, "rb") as file:
            if not is_ours(os.fstat(descriptor)):
                raise UnsafeFileError(
                    path,
                    "it is of another user, or has a second name",
                    "Who owns it can write to the store, or remove it.",
                )
            return file.read()

    def owns(self, path: str) -> bool:
        try:
            return is_ours(os.lstat(path))
        except FileNotFoundError:
            return False

    def info(self, path: str) -> Info:
        with self._at(path) as (name, folder):
            found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if found.st_mode & 0o170000 == 0o120000:
            found = Path(self._led_to(path)).stat()
        refuse_irregular(found, path)
        return {
            "name": path,
            "size": found.st_size,
            "mtime": found.st_mtime_ns,
            "changed": found.st_ctime_ns,
            "inode": found.st_ino,
            "type": "file",
        }

    def exists(self, path: str) -> bool:
        try:
            if path.find("/", self._cut) < 0 and S_ISREG(os.lstat(path).st_mode):  # the hot path
                return True
            self.info(path)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return False
        return True

    def write(self, path: str, data: bytes) -> None:
        """Write beside the file and move it into place, so that no reader and no crash sees a part of it."""
        if path.find("/", self._cut) < 0:  # the hot path
            self._put(path, data, None)
            return
        with self._at(path, make=True) as (name, folder):
            self._put(name, data, folder)

    def _put(self, name: str, data: bytes, folder: int | None) -> None:
        aside = beside(name)
        try:
            self._fill(aside, data, folder, name)
            if folder is None:
                os.replace(aside, name)  # noqa: PTH105 - a Path object costs as much as the call
            else:
                os.replace(aside, name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            discard(aside, folder)
            raise
        if self._sync:
            self._sync_at(folder)

    def _fill(self, name: str, data: bytes, folder: int | None, target: str | None) -> None:
        """Make a file, private while it is written; with the mode of its target when it is whole."""
        descriptor = self._new_file(name, folder)
        try:
            write_whole(descriptor, data)
            if target is not None:
                mode = mode_for(target, dir_fd=folder)
                if mode != PRIVATE:
                    set_mode(descriptor, mode)
            if self._sync:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _new_file(self, name: str, folder: int | None) -> int:
        if folder is not None:
            return os.open(name, NEW, PRIVATE, dir_fd=folder)
        try:
            return os.open(name, NEW, PRIVATE)
        except FileNotFoundError:
            self._make_root()
            return os.open(name, NEW, PRIVATE)

    def _make_root(self) -> None:
        root = Path(self.root)
        missing = [folder for folder in (root, *root.parents) if not folder.exists()]
        root.mkdir(parents=True, exist_ok=True)
        if self._sync:
            for folder in missing:
                sync_folder(str(folder.parent))

    def _sync_at(self, folder: int | None) -> None:
        if self._sync:
            if folder is None:
                sync_folder(self.root)
            else:
                os.fsync(folder)

    def create(self, path: str, data: bytes) -> bool:
        with self._at(path, make=True) as (name, folder):
            aside = beside(name)
            try:
                self._fill(aside, data, folder, name)
                _appear(aside, name, folder)
            except FileExistsError:
                return False
            finally:
                discard(aside, folder)
            self._sync_at(folder)
        return True

    def take(self, path: str) -> bytes:
        """Move the file aside, which one taker alone can do, and read it there."""
        self.info(path)
        with self._at(path) as (name, folder):
            aside = beside(name)
            os.rename(name, aside, **both(folder))  # noqa: PTH104 - as above
            try:
                data = self.read(aside if folder is None else path[: -len(name)] + aside)
            except BaseException:
                with suppress_failures(OSError):
                    _appear(aside, name, folder)  # unless it was set anew meanwhile
                raise
            os.unlink(aside, dir_fd=folder)
            self._sync_at(folder)
        return data

    def move(self, source: str, target: str) -> None:
        with self._at(target, make=True) as (name, folder):
            os.replace(source, name, **both(folder))  # noqa: PTH105 - as above; a whole path counts as it is
            self._sync_at(folder)

    def remove(self, path: str) -> bool:
        try:
            with self._at(path) as (name, folder):
                if folder is None:
                    os.unlink(name)  # noqa: PTH108 - as above
                else:
                    os.unlink(name, dir_fd=folder)
                self._sync_at(folder)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True


def both(folder: int | None) -> dict[str, int]:
    """Return for a rename that both names are relative to a folder."""
    return {} if folder is None else {"src_dir_fd": folder, "dst_dir_fd": folder}


def discard(name: str, folder: int | None) -> None:
    """Remove a file that nobody needs, if that can be done."""
    with suppress_failures(OSError):
        os.unlink(name, dir_fd=folder)


def _appear(aside: str, name: str, folder: int | None) -> None:
    """Give a file its name, unless the name is taken: FileExistsError."""
    if os.name == "nt":
        os.rename(aside, name)  # noqa: PTH104 - there it refuses to overwrite
        return
    try:
        os.link(aside, name, src_dir_fd=folder, dst_dir_fd=folder)
    except PermissionError:  # a filesystem without hard links, such as FAT
        with suppress(FileExistsError):
            os.close(os.open(name, NEW, PRIVATE, dir_fd=folder))
            os.replace(aside, name, **both(folder))  # noqa: PTH105 - as above
            return
        raise FileExistsError(name) from None
    os.unlink(aside, dir_fd=folder)
