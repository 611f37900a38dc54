"""A local directory, by the calls of the operating system."""

import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import IO

from spoonbill.common.failures import pass_on_signal
from spoonbill.filesystems import folder_lock
from spoonbill.filesystems.disk.files import LocalFiles, discard
from spoonbill.filesystems.disk.safely import (
    READ,
    UnsafeFileError,
    is_ours,
    mode_for,
    open_regular,
    refuse_irregular,
    set_mode,
    umask,
)
from spoonbill.filesystems.folder import PART, Folder, Info, names_of_keys

_PIECE = 1 << 20


class LocalFolder(LocalFiles):
    """A local directory: its files, its listings, and what a save or load does in it."""

    # -- saves and loads ---------------------------------------------------------------------------------------

    def alone(self, *, wait: bool) -> AbstractContextManager[bool]:
        return folder_lock(self.root, wait=wait) if Path(self.root).is_dir() else nullcontext(True)

    def claim(self, path: str) -> AbstractContextManager[bool] | None:
        return folder_lock(path, wait=False) if os.name == "posix" else None

    def stage_many(self, files: dict[str, bytes]) -> None:
        for path, data in files.items():
            discard(path, None)
            try:
                self._fill(path, data, None, None)
            except BaseException:
                discard(path, None)
                raise

    def write_by(self, aside: str, path: str, data: bytes) -> None:
        discard(aside, None)
        self._fill(aside, data, None, path)
        self.move(aside, path)

    def stage_file(self, path: str) -> IO[bytes]:
        discard(path, None)
        return os.fdopen(self._new_file(path, None), "wb")

    def prepare_many(self, pairs: list[tuple[str, str]]) -> None:
        for path, target in pairs:
            descriptor = open_regular(path, READ)
            try:
                if not is_ours(os.fstat(descriptor)):
                    raise UnsafeFileError(path, "it is not the file that was written there", "Save or load again.")
                with suppress(FileNotFoundError), self._at(target) as (name, folder):
                    set_mode(descriptor, mode_for(name, dir_fd=folder))
                    continue
                set_mode(descriptor, 0o666 & ~umask())  # the folder of a long name is not there yet
            finally:
                os.close(descriptor)

    def keep_many(self, pairs: list[tuple[str, str]]) -> None:
        for path, second in pairs:
            with suppress(FileNotFoundError), self._at(path) as (name, folder):  # unless it was removed meanwhile
                self._keep(path, name, second, folder)
        self._sync_at(None) if pairs else None

    def _keep(self, path: str, name: str, second: str, folder: int | None) -> None:
        """Give a file, or a link, a second name; where the disk has no such names, a copy."""
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if status.st_mode & 0o170000 == 0o120000:
            Path(second).symlink_to(os.readlink(name, dir_fd=folder))
            return
        refuse_irregular(status, path)
        try:
            os.link(name, second, src_dir_fd=folder, follow_symlinks=os.name == "nt")
        except FileNotFoundError:
            raise
        except OSError as error:
            pass_on_signal(error)
            self.copy_many(self, [(path, second)])
            os.utime(second, ns=(status.st_atime_ns, status.st_mtime_ns))
            Path(second).chmod(status.st_mode & 0o777)

    def copy_many(self, source: Folder, pairs: list[tuple[str, str]]) -> None:
        for origin, target in pairs:
            with source.open_file(origin) as inlet, self.stage_file(target) as outlet:
                shutil.copyfileobj(inlet, outlet, _PIECE)
                if self._sync:
                    outlet.flush()
                    os.fsync(outlet.fileno())

    # -- listings ----------------------------------------------------------------------------------------------

    def pages(self, stem: str) -> Iterator[list[str]]:
        cut = self._cut
        for entries in self._folders(stem):
            yield names_of_keys(entry.path[cut:] for entry in entries)

    def infos(self, stem: str) -> Iterator[list[Info]]:
        for entries in self._folders(stem):
            page = []
            for entry in entries:
                # It may have gone since it was listed. What is being written is never a link.
                with suppress(FileNotFoundError):
                    if not (entry.is_symlink() and entry.name.endswith(PART)):
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
