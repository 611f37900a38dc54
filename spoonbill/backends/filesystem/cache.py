"""Values that were read, kept in a local directory, each with the mark that tells whether it is still the same."""

import hashlib
import json
import os
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from spoonbill.common.failures import suppress_failures
from spoonbill.common.sentinels import MISSING
from spoonbill.filesystems.disk.safely import NEW, PRIVATE, READ, read_regular
from spoonbill.filesystems.folder import Folder

_CONCURRENCY = 16
_LONG = 3600
"""Seconds after which a copy that is still being written belongs to a process that was killed."""


class DiskCache:
    """A read that asks the filesystem for the file's mark (etag, generation, time and size) before it trusts its copy.

    A copy that is damaged, cut or cannot be read is as none. Copies are seen by this user alone.

    Several processes may share a directory. A value that another program changes without changing the mark (on FTP:
    in the same second and of the same length) is not seen.

    Parameters
    ----------
    folder : str or Path
        Where to keep copies; it may be deleted at any time.
    folder : Folder
        What is read.
    """

    def __init__(self, directory: str | Path, folder: Folder) -> None:
        self._directory = Path(directory)
        self._folder = folder
        self._swept = False

    def read(self, path: str) -> bytes:
        """Return what the file holds: the copy, where its mark is the file's."""
        folder = self._folder
        mark = folder.tag(folder.info(path))  # before the read: a copy is never marked as newer than it is
        copy = self._copy_of(path)
        with suppress_failures(OSError, ValueError):
            head, data = read_regular(str(copy), READ).split(b"\n", 1)
            if head == _head(path, mark, data):
                return data
        data = folder.read(path)
        self._keep(copy, _head(path, mark, data) + b"\n" + data)
        return data

    def read_many(self, paths: list[str]) -> list[Any]:
        """Return for each path its bytes, MISSING or the error of its read."""
        with ThreadPoolExecutor(_CONCURRENCY) as pool:
            return list(pool.map(self._answer, paths))

    def _answer(self, path: str) -> Any:
        try:
            return self.read(path)
        except (FileNotFoundError, NotADirectoryError):
            return MISSING
        except self._folder.failures as error:
            return error

    def _copy_of(self, path: str) -> Path:
        name = hashlib.sha256("\0".join((*self._folder.identity, path)).encode()).hexdigest()
        return self._directory / name[:2] / name[2:]

    def _keep(self, copy: Path, data: bytes) -> None:
        with suppress_failures(OSError):  # a cache that cannot be written is slow, not wrong
            aside = self._new_path() / secrets.token_hex(16)
            try:
                with os.fdopen(os.open(aside, NEW, PRIVATE), "wb") as file:
                    file.write(data)
                copy.parent.mkdir(mode=0o700, exist_ok=True)
                aside.replace(copy)
            finally:
                aside.unlink(missing_ok=True)

    def _new_path(self) -> Path:
        """Return the folder of copies that are being written; the first time without what killed processes left."""
        directory = self._directory / "coming"
        if not self._swept:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            for left in directory.iterdir():
                with suppress_failures(OSError):
                    if time.time() - left.lstat().st_mtime > _LONG:
                        left.unlink()
            self._swept = True
        return directory


def _head(path: str, mark: str, data: bytes) -> bytes:
    """Return the first line of a copy: of what it is one, in which state, and the hash of its bytes."""
    return json.dumps([path, mark, len(data), hashlib.blake2b(data, digest_size=16).hexdigest()]).encode()
