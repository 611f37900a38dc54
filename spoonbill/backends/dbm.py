"""dbm: the standard library's databases, as shelve uses them."""

import dbm
import importlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from spoonbill.common.locks import engine_lock
from spoonbill.common.sentinels import MISSING
from spoonbill.common.text import shortened
from spoonbill.common.traits import Guarantees
from spoonbill.errors import InvalidKeyError, KeyDecodeError, StoreError
from spoonbill.store import Store

_PREFERRED = ("dbm.sqlite3", "dbm.gnu", "dbm.dumb")
"""A fixed order, so that one program makes one kind of file. Never ndbm: it loses long values."""

_ERRORS = (*dbm.error, ValueError)  # their own classes and OSError; a damaged index also shows as a ValueError


class Dbm(Store[str, bytes]):
    """A dbm file: str keys as UTF-8, values as bytes. The file that ``shelve`` opens.

    Parameters
    ----------
    path : str or Path
        The database; its files may carry endings of their own. One that exists is opened by the dbm that wrote it.
    dbm : str, optional
        Which dbm makes a new one, such as ``"dbm.dumb"``; by default the best that is present, in a fixed order.
    """

    guarantees = Guarantees(
        threads="safe",
        processes="one writer at a time",
        fork="the child must open it anew",
        crash="as the dbm's (dbm.dumb loses finished writes); close() or flush() before you rely on the file",
        iteration="the keys of the moment when the loop began",
        atomic="between the threads of this process",
    )

    path_options = frozenset({"path"})

    def __init__(self, path: str | Path, *, dbm: str | None = None) -> None:
        self._lock = engine_lock(("dbm", os.path.realpath(path)))
        self._db: Any = _open_file(os.fspath(path), dbm)
        self._count: int | None = None

    def _key(self, key: str) -> bytes:
        if self._db is None:
            raise self._closed_error()
        try:
            return key.encode()
        except (AttributeError, UnicodeEncodeError) as error:
            raise InvalidKeyError(
                f"{self!r}: a key is a str of valid text, not {type(key).__name__} {shortened(key)}"
            ) from error

    def _engine_error(self, operation: str, key: Any, error: BaseException) -> StoreError:
        return self._failure(operation, key, error, "Check the disk, and that no other process writes the file.")

    def get(self, key: str, default: Any = None) -> Any:
        data = self._key(key)
        with self._lock:
            try:
                return self._db[data]
            except KeyError:
                return default
            except _ERRORS as error:
                raise self._engine_error("get", key, error) from error

    def set(self, key: str, value: bytes) -> None:
        data = self._key(key)
        with self._lock:
            try:
                new = self._count is not None and data not in self._db
                self._db[data] = value
            except _ERRORS as error:
                raise self._engine_error("set", key, error) from error
            if new:
                self._count = (self._count or 0) + 1

    def delete(self, key: str) -> bool:
        data = self._key(key)
        with self._lock:
            try:
                del self._db[data]
            except KeyError:
                return False
            except _ERRORS as error:
                raise self._engine_error("delete", key, error) from error
            if self._count is not None:
                self._count -= 1
            return True

    def iter(self) -> Iterator[str]:
        self._key("")
        with self._lock:
            try:
                keys = list(self._db.keys())
            except _ERRORS as error:
                raise self._engine_error("iter", MISSING, error) from error
        return map(self._decode, keys)

    def _decode(self, key: bytes) -> str:
        try:
            return key.decode()
        except UnicodeDecodeError as error:
            raise KeyDecodeError(
                f"{self!r} holds the key {shortened(key)}, which is no UTF-8 text: another program wrote it; read it "
                "with the dbm module itself",
                key.decode("utf-8", "surrogateescape"),
            ) from error

    def has(self, key: str) -> bool:
        data = self._key(key)
        with self._lock:
            try:
                return data in self._db
            except _ERRORS as error:
                raise self._engine_error("has", key, error) from error

    def count(self) -> int:
        self._key("")
        with self._lock:
            if self._count is None:
                try:
                    self._count = len(self._db)  # some dbms count by listing: once is enough
                except _ERRORS as error:
                    raise self._engine_error("count", MISSING, error) from error
            return self._count

    def check(self, key: str, value: bytes) -> None:  # noqa: ARG002 - any bytes fit
        self._key(key)

    def flush(self) -> None:
        self._key("")
        with self._lock:
            if hasattr(self._db, "sync"):
                try:
                    self._db.sync()
                except _ERRORS as error:
                    raise self._engine_error("flush", MISSING, error) from error

    def close(self) -> None:
        with self._lock:
            if self._db is not None:
                self._db.close()
                self._db = None


def _open_file(path: str, wanted: str | None) -> Any:
    present = dbm.whichdb(path)
    if present == "":
        raise StoreError(f"{path} is a file that no dbm of this Python can read: check the path, or move the file away")
    try:
        database = _for_any_thread(_module(present or wanted).open(path, "c"), path)
        _check_index(database)
    except ImportError as error:
        raise StoreError(
            f"{path} needs the module {present or wanted}, which this Python lacks: use a Python that has it, or save "
            "the data there and load it here"
        ) from error
    except Exception as error:
        raise StoreError(f"{path} cannot be opened: {error}. Check the path, its folder and its permissions") from error
    return database


def _check_index(database: Any) -> None:
    """Refuse an index of dbm.dumb that claims values beyond its data: it takes memory for what is claimed."""
    index = getattr(database, "_index", None)
    if type(index) is not dict:
        return
    size = os.path.getsize(database._datfile)  # noqa: SLF001, PTH202 - its path is bytes
    for key, place in index.items():
        if type(place) is not tuple or [type(part) for part in place] != [int, int]:
            raise ValueError(f"its index has {shortened(place)} as the place of the key {shortened(key)}")
        start, length = place
        if start < 0 or length < 0 or start + length > size:
            raise ValueError(f"its index has the key {shortened(key)} at {place} in a file of {size} bytes")


def _for_any_thread(database: Any, path: str) -> Any:
    """Give a database of dbm.sqlite3 a connection that any thread may use: the store's lock lets in one at a time."""
    if type(database).__module__ == "dbm.sqlite3":
        import sqlite3

        database.close()
        database._cx = sqlite3.connect(  # noqa: SLF001 - its own is bound to the thread that opened it
            os.path.abspath(path),  # noqa: PTH100 - a path that is no URI and no special name
            isolation_level=None,
            check_same_thread=False,
        )
    return database


def _module(name: str | None) -> Any:
    if name is not None:
        return importlib.import_module(name)
    for candidate in _PREFERRED:
        try:
            return importlib.import_module(candidate)
        except ImportError:
            continue
    raise ImportError("no dbm is present")
