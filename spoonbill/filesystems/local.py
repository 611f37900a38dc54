"""A local directory, by the calls of the operating system."""

import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import Any

from spoonbill.common.traits import Guarantees
from spoonbill.errors import StoreError
from spoonbill.filesystems import folder_lock
from spoonbill.filesystems.folder import NO_KEYS, Folder, Info, beside

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


class LocalFolder(Folder):
    """A local directory. A symbolic link to a file is read like a file; one to a folder is not entered."""

    atomic = frozenset({"add", "pop"})
    failures = (OSError,)
    guarantees = Guarantees(
        threads="safe",
        processes="safe: a reader sees the old value or the new one, whole",
        fork="safe",
        crash="the old value or the new one, whole; with sync=True the new one survives a power cut",
        iteration="the files of each folder at the moment when the loop came to it",
        atomic="add and pop: for everyone; replace: between the threads of this process, not between processes",
    )

    def __init__(self, url: str, options: dict[str, Any], *, sync: bool) -> None:
        super().__init__(url, options)
        self._sync = sync
        if Path(self.root).exists() and not Path(self.root).is_dir():
            raise StoreError(f"{self.root} is a file: a FilesystemStore needs a directory; choose another path")

    @property
    def identity(self) -> tuple[str, ...]:
        return ("file", os.path.realpath(self.root))

    def contains(self, other: Folder) -> bool:
        return isinstance(other, LocalFolder) and f"{other.identity[1]}/".startswith(f"{self.identity[1]}/")

    def read(self, path: str) -> bytes:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            data = os.read(descriptor, os.fstat(descriptor).st_size + 1)
            while more := os.read(descriptor, 1 << 20):
                data += more
            return data
        finally:
            os.close(descriptor)

    def read_part(self, path: str, start: int, stop: int) -> bytes:
        with Path(path).open("rb") as file:
            file.seek(start)
            return file.read(stop - start)

    def info(self, path: str) -> Info:
        found = Path(path).stat()
        if not Path(path).is_file():
            raise IsADirectoryError(f"{path} is a folder")
        return {"name": path, "size": found.st_size, "mtime": found.st_mtime_ns, "type": "file"}

    def exists(self, path: str) -> bool:
        return Path(path).is_file()

    def write(self, path: str, data: bytes) -> None:
        """Write beside the file and move it into place, so that no reader and no crash sees a part of it."""
        aside = beside(path)
        try:
            self._fill(aside, data)
            os.replace(aside, path)  # noqa: PTH105 - the hot path: a Path object costs as much as the call
        except BaseException:
            with suppress(OSError):
                Path(aside).unlink()
            raise
        if self._sync:
            _sync_directory(path)

    def _fill(self, path: str, data: bytes) -> None:
        try:
            descriptor = os.open(path, _NEW, 0o666)
        except FileNotFoundError:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, _NEW, 0o666)
        try:
            written = os.write(descriptor, data)
            while written < len(data):
                written += os.write(descriptor, memoryview(data)[written:])
            if self._sync:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def create(self, path: str, data: bytes) -> bool:
        aside = beside(path)
        try:
            self._fill(aside, data)
            _appear(aside, path)
        except FileExistsError:
            return False
        finally:
            with suppress(FileNotFoundError):
                Path(aside).unlink()
        if self._sync:
            _sync_directory(path)
        return True

    def take(self, path: str) -> bytes:
        """Move the file aside, which one taker alone can do, and read it there."""
        aside = beside(path)
        if Path(path).is_dir():
            raise IsADirectoryError(f"{path} is a folder")
        os.rename(path, aside)  # noqa: PTH104 - as above
        try:
            data = self.read(aside)
        except BaseException:
            with suppress(OSError):
                _appear(aside, path)  # unless it was set anew meanwhile
            raise
        Path(aside).unlink()
        return data

    def move(self, source: str, target: str) -> None:
        try:
            os.replace(source, target)  # noqa: PTH105 - as above
        except FileNotFoundError:
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            Path(source).replace(target)
        if self._sync:
            _sync_directory(target)

    def remove(self, path: str) -> bool:
        try:
            os.unlink(path)  # noqa: PTH108 - as above
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def alone(self, *, wait: bool) -> AbstractContextManager[bool]:
        return folder_lock(self.root, wait=wait) if Path(self.root).is_dir() else nullcontext(True)

    def keep_many(self, pairs: list[tuple[str, str]]) -> None:
        for path, second in pairs:
            with suppress(FileNotFoundError):  # removed meanwhile
                _keep(path, second)

    def copy_many(self, source: Folder, pairs: list[tuple[str, str]]) -> None:  # noqa: ARG002 - the paths are whole
        for origin, target in pairs:
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(origin, target)

    def pages(self, stem: str) -> Iterator[list[str]]:
        cut = len(self.start)
        for entries in self._folders(stem):
            yield [entry.path[cut:] for entry in entries if not entry.name.endswith(NO_KEYS)]

    def infos(self, stem: str) -> Iterator[list[Info]]:
        for entries in self._folders(stem):
            page = []
            for entry in entries:
                with suppress(FileNotFoundError):  # it went away since it was listed
                    page.append(self.info(entry.path))
            yield page

    def _folders(self, stem: str) -> Iterator[list[os.DirEntry[str]]]:
        """Yield the files of one folder after the other, those whose names begin with `stem`."""
        folder, _, start = self.path(stem).rpartition("/")
        folders = [(folder, start)]
        while folders:
            folder, start = folders.pop()
            try:
                with os.scandir(folder) as found:
                    # By name: a file that is replaced during the listing may be met twice.
                    entries = {entry.name: entry for entry in found if entry.name.startswith(start)}
            except FileNotFoundError:
                continue
            folders += [(entry.path, "") for entry in entries.values() if entry.is_dir(follow_symlinks=False)]
            yield [entry for entry in entries.values() if entry.is_file()]  # a link that leads nowhere is none


def _keep(path: str, second: str) -> None:
    """Give a file, or a link, a second name; where the disk has no such names, a copy."""
    if Path(path).is_symlink():
        Path(second).symlink_to(Path(path).readlink())
        return
    try:
        os.link(path, second)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copy2(path, second)


def _appear(aside: str, path: str) -> None:
    """Give a file its name, unless the name is taken: FileExistsError."""
    if os.name == "nt":
        os.rename(aside, path)  # noqa: PTH104 - there it refuses to overwrite
        return
    try:
        os.link(aside, path)
    except PermissionError:  # a filesystem without hard links, such as FAT
        with suppress(FileExistsError):
            os.close(os.open(path, _NEW, 0o666))
            os.replace(aside, path)  # noqa: PTH105 - as above
            return
        raise FileExistsError(path) from None
    os.unlink(aside)  # noqa: PTH108 - as above


def _sync_directory(path: str) -> None:
    """Write the folder's own entry through to the disk: without it a power cut could undo the move."""
    if os.name != "posix":
        return
    folder = os.open(path.rpartition("/")[0] or "/", os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
