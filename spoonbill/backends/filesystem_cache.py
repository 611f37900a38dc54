"""Values that were read, kept in a local directory, each with the mark that tells whether it is still the same."""

import hashlib
import json
import os
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from spoonbill.backends.filesystem_medium import Medium
from spoonbill.files.safely import NEW, PRIVATE, READ, read_regular
from spoonbill.store import MISSING

_AT_A_TIME = 16
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
    medium : Medium
        What is read.
    """

    def __init__(self, folder: str | Path, medium: Medium) -> None:
        self._folder = Path(folder)
        self._medium = medium
        self._swept = False

    def read(self, path: str) -> bytes:
        """Return what the file holds: the copy, where its mark is the file's."""
        medium = self._medium
        mark = medium.tag(medium.info(path))  # before the read: a copy is never marked as newer than it is
        copy = self._copy_of(path)
        with suppress(OSError, ValueError):
            head, data = read_regular(str(copy), READ).split(b"\n", 1)
            if head == _head(path, mark, data):
                return data
        data = medium.read(path)
        self._keep(copy, _head(path, mark, data) + b"\n" + data)
        return data

    def read_many(self, paths: list[str]) -> list[Any]:
        """Return for each path its bytes, MISSING or the error of its read."""
        with ThreadPoolExecutor(_AT_A_TIME) as pool:
            return list(pool.map(self._answer, paths))

    def _answer(self, path: str) -> Any:
        try:
            return self.read(path)
        except (FileNotFoundError, NotADirectoryError):
            return MISSING
        except self._medium.failures as error:
            return error

    def _copy_of(self, path: str) -> Path:
        name = hashlib.sha256("\0".join((*self._medium.identity, path)).encode()).hexdigest()
        return self._folder / name[:2] / name[2:]

    def _keep(self, copy: Path, data: bytes) -> None:
        with suppress(OSError):  # a cache that cannot be written is slow, not wrong
            aside = self._coming() / secrets.token_hex(16)
            try:
                with os.fdopen(os.open(aside, NEW, PRIVATE), "wb") as file:
                    file.write(data)
                copy.parent.mkdir(mode=0o700, exist_ok=True)
                aside.replace(copy)
            finally:
                aside.unlink(missing_ok=True)

    def _coming(self) -> Path:
        """Return the folder of copies that are being written; the first time without what killed processes left."""
        folder = self._folder / "coming"
        if not self._swept:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for left in folder.iterdir():
                with suppress(OSError):
                    if time.time() - left.lstat().st_mtime > _LONG:
                        left.unlink()
            self._swept = True
        return folder


def _head(path: str, mark: str, data: bytes) -> bytes:
    """Return the first line of a copy: of what it is one, in which state, and the hash of its bytes."""
    return json.dumps([path, mark, len(data), hashlib.blake2b(data, digest_size=16).hexdigest()]).encode()
