"""Values that were read, kept in a local directory, each with the mark that tells whether it is still the same."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from spoonbill.common.sentinels import MISSING
from spoonbill.filesystems.folder import Folder

_AT_A_TIME = 16


class DiskCache:
    """A read that asks the filesystem for the file's mark (etag, generation, time and size) before it trusts its copy.

    Several processes may share a directory. A value that another program changes without changing the mark (on FTP:
    in the same second and of the same length) is not seen.

    Parameters
    ----------
    folder : str or Path
        Where to keep copies; it may be deleted at any time.
    medium : Folder
        What is read.
    """

    def __init__(self, directory: str | Path, folder: Folder) -> None:
        self._directory = Path(directory)
        self._folder = folder

    def read(self, path: str) -> bytes:
        """Return what the file holds: the copy, where its mark is the file's."""
        folder = self._folder
        mark = folder.tag(folder.info(path))  # before the read: a copy is never marked as newer than it is
        copy = self._copy_of(path)
        with suppress(FileNotFoundError):
            head, data = copy.read_bytes().split(b"\n", 1)
            if json.loads(head) == [path, mark]:
                return data
        data = folder.read(path)
        self._keep(copy, json.dumps([path, mark]).encode() + b"\n" + data)
        return data

    def read_many(self, paths: list[str]) -> list[Any]:
        """Return for each path its bytes, MISSING or the error of its read."""
        with ThreadPoolExecutor(_AT_A_TIME) as pool:
            return list(pool.map(self._answer, paths))

    def _answer(self, path: str) -> Any:
        try:
            return self.read(path)
        except FileNotFoundError:
            return MISSING
        except self._folder.failures as error:
            return error

    def _copy_of(self, path: str) -> Path:
        name = hashlib.sha256("\0".join((*self._folder.identity, path)).encode()).hexdigest()
        return self._directory / name[:2] / name[2:]

    def _keep(self, copy: Path, data: bytes) -> None:
        aside = copy.with_name(f"{copy.name}.{uuid4().hex[:8]}")
        with suppress(OSError):  # a cache that cannot be written is slow, not wrong
            copy.parent.mkdir(parents=True, exist_ok=True)
            try:
                aside.write_bytes(data)
                aside.replace(copy)
            finally:
                aside.unlink(missing_ok=True)
