"""Any filesystem that fsspec opens: one file a key."""

import os
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import fsspec

from spoonbill.backends.file_names import key_of, path_of
from spoonbill.errors import InvalidKeyError, StoreError
from spoonbill.query import Plan, Query, Step
from spoonbill.store import Guarantees, Store, engine_lock, shortened

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_TOKEN = uuid4().hex[:6]
_numbers = count()
_PART = "~part"
"""The ending of a file that is being written. No key's file ends so: a tilde is always escaped."""


class Filesystem(Store[str, bytes]):
    """One file a key below a root, with names that people can read and that never leave the root.

    Parameters
    ----------
    url : str or Path
        A local directory or any fsspec URL; made at the first write.
    sync : bool, optional
        True writes each file through to the disk (local only): slower, and survives a power cut.
    **storage_options
        For the fsspec filesystem.
    """

    guarantees = Guarantees(
        threads="safe",
        processes="safe: a reader sees the old value or the new one, whole",
        fork="safe on local disks",
        crash="local: the old value or the new one, whole; with sync=True the new one survives a power cut",
        iteration="the files of the moment when the loop began",
        atomic="between the threads of this process",
    )

    def __init__(self, url: str | Path, *, sync: bool = False, **storage_options: Any) -> None:
        self._fs, root = fsspec.core.url_to_fs(os.fspath(url), **storage_options)
        self._root = root.rstrip("/")
        self._local = "file" in ((self._fs.protocol,) if isinstance(self._fs.protocol, str) else self._fs.protocol)
        self._sync = sync
        self._lock = engine_lock(("filesystem", str(self._fs.protocol), self._root))
        if self._local and Path(self._root).exists() and not Path(self._root).is_dir():
            raise StoreError(f"{self._root} is a file: a FilesystemStore needs a directory; choose another path")

    def _path(self, key: str) -> str:
        try:
            return f"{self._root}/{path_of(key)}"
        except (AttributeError, TypeError, UnicodeEncodeError) as error:
            raise InvalidKeyError(
                f"{self!r}: a key is a str of valid text, not {type(key).__name__} {shortened(key)}; "
                "a Codec holds any key"
            ) from error

    def _failed(self, operation: str, key: Any, error: OSError) -> StoreError:
        return self.failure(operation, key, error, "Check the path, its permissions and the space that is left.")

    def get(self, key: str, default: Any = None) -> Any:
        path = self._path(key)
        try:
            return _read(path) if self._local else self._fs.cat_file(path)
        except (FileNotFoundError, NotADirectoryError):
            return default
        except OSError as error:
            raise self._failed("get", key, error) from error

    def has(self, key: str) -> bool:
        try:
            return bool(self._fs.isfile(self._path(key)))
        except OSError as error:
            raise self._failed("has", key, error) from error

    def set(self, key: str, value: bytes) -> None:
        path = self._path(key)
        with self._lock:
            try:
                if self._local:
                    _write(path, value, sync=self._sync)
                else:
                    self._fs.makedirs(path.rpartition("/")[0], exist_ok=True)
                    self._fs.pipe_file(path, value)
            except OSError as error:
                raise self._failed("set", key, error) from error

    def delete(self, key: str) -> bool:
        path = self._path(key)
        with self._lock:
            try:
                if self._local:
                    Path(path).unlink()
                elif self._fs.isfile(path):
                    self._fs.rm_file(path)
                else:
                    return False
            except (FileNotFoundError, NotADirectoryError):
                return False
            except OSError as error:
                raise self._failed("delete", key, error) from error
            return True

    def iter(self) -> Iterator[str]:
        return self._keys("")

    def _keys(self, start: str) -> Iterator[str]:
        try:
            self._fs.invalidate_cache(self._root)
            found = self._fs.find(self._root)
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._failed("iter", start, error) from error
        cut = len(self._root) + 1
        for path in found:
            name = path[cut:]
            if not name.endswith(_PART):
                yield key_of(name)

    def select(self, query: Query) -> Iterator[tuple[str, Any]]:
        for key in self.iter():
            if not query.matches_key(key):
                continue  # not read: a file that cannot match costs its name only
            if query.keys_only:
                yield key, None
            elif (value := self.get(key)) is not None:
                yield key, value

    def plan(self, query: Query) -> Plan:
        return Plan(
            steps=(Step(where=repr(self), runs=str(query)),),
            native="nothing; a key is tested by its file's name, and only files that match are read",
            finished_here=str(query),
            scanned=f"the listing of {self._root}",
        )

    def check(self, key: str, value: bytes) -> None:
        self._path(key)
        if not isinstance(value, bytes):
            raise InvalidKeyError(f"{self!r} holds bytes, not {type(value).__name__}: put a Codec on it")


def _read(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        data = os.read(descriptor, os.fstat(descriptor).st_size + 1)
        while more := os.read(descriptor, 1 << 20):
            data += more
        return data
    finally:
        os.close(descriptor)


def _write(path: str, value: bytes, *, sync: bool) -> None:
    """Write beside the file and move it into place, so that no reader and no crash sees a part of it."""
    beside = f"{path}.{_TOKEN}{os.getpid():x}-{next(_numbers):x}{_PART}"
    try:
        descriptor = os.open(beside, _NEW, 0o666)
    except FileNotFoundError:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(beside, _NEW, 0o666)
    try:
        try:
            written = os.write(descriptor, value)
            while written < len(value):
                written += os.write(descriptor, memoryview(value)[written:])
            if sync:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(beside, path)  # noqa: PTH105 - the hot path: a Path object costs as much as the call
    except BaseException:
        with suppress(OSError):
            Path(beside).unlink()
        raise
    if sync:
        _sync_directory(path)


def _sync_directory(path: str) -> None:
    """Write the folder's own entry through to the disk: without it a power cut could undo the move."""
    if os.name != "posix":
        return
    folder = os.open(path.rpartition("/")[0] or "/", os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
