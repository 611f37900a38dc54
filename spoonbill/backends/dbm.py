"""dbm: the standard library's databases, as shelve uses them."""

import dbm
import importlib
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from spoonbill.backends.shared.open_files import OpenFile, OpenFiles
from spoonbill.common.failures import UNSOUND, pass_on_signal, raise_alone, was_raised_by_signal
from spoonbill.common.paths import absolute
from spoonbill.common.sentinels import MISSING
from spoonbill.common.text import shortened
from spoonbill.common.traits import Guarantees
from spoonbill.errors import InvalidKeyError, KeyDecodeError, StoreError
from spoonbill.filesystems.disk.safely import is_own_link
from spoonbill.store import Store

_PREFERRED = ("dbm.sqlite3", "dbm.gnu", "dbm.dumb")
"""A fixed order, so that one program makes one kind of file. Never ndbm: it loses long values."""

_ENDINGS = ("", ".dat", ".pag", ".db")
_WITHOUT_LOCKS = (".dat", ".pag", ".db")
"""The files of dbms that let every process write at once: dbm.dumb and dbm.ndbm."""

_ERRORS = (*dbm.error, ValueError)  # their own classes and OSError; a damaged index also shows as a ValueError
_UNOPENED = (*_ERRORS, *UNSOUND, SyntaxError, MemoryError)
"""What opening raises of a damaged index, which dbm.dumb has Python's parser read."""


class Dbm(Store[str, bytes]):
    """A dbm file: str keys as UTF-8, values as bytes. The file that ``shelve`` opens.

    Parameters
    ----------
    path : str or Path
        The database, made where it is missing, with its folder; its files may carry endings of their own. One that
        exists is opened by the dbm that wrote it.
    dbm : str, optional
        Which dbm makes a new one, such as ``"dbm.dumb"``; by default the best that is present, in a fixed order.
    """

    guarantees = Guarantees(
        threads="safe",
        processes="one process that writes, or several that read; flush() lets others read",
        fork="the child gets a StoreError, and opens it anew when the parent has closed it",
        crash="as the dbm's (dbm.dumb loses finished writes); close() or flush() before you rely on the file",
        iteration="the keys of the moment when the loop began",
        atomic="between the threads of this process",
    )

    path_options = frozenset({"path"})

    def __init__(self, path: str | Path, *, dbm: str | None = None) -> None:
        self._hold = _FILES.open(_behind_links(absolute(path)), partial(_DbmFile, wanted=dbm))
        self._lock = self._opened().lock

    def _opened(self) -> "_DbmFile":
        file = self._hold.file
        if file is None:
            raise self._closed_error()
        if file.inherited:
            file.check_inherited()
        return file

    @property
    def client(self) -> Any:
        """The object that ``dbm.open`` returned, for what spoonbill does not wrap; it is closed with the store."""
        with self._lock:
            return self._opened().database()

    def _key(self, key: str) -> bytes:
        try:
            return key.encode()
        except (AttributeError, UnicodeEncodeError) as error:
            raise InvalidKeyError(
                f"{self!r}: a key is a str of valid text, not {type(key).__name__} {shortened(key)}"
            ) from error

    def _engine_error(self, operation: str, key: Any, error: BaseException) -> StoreError:
        if isinstance(error, StoreError):  # of the file, which says it all
            raise_alone(error)
        return self._failure(operation, key, error, "Check the disk, and that no other process writes the file.")

    def get(self, key: str, default: Any = None) -> Any:
        data = self._key(key)
        with self._lock:
            file = self._opened()
            try:
                return file.database()[data]
            except KeyError:
                return default
            except _ERRORS as error:
                raise self._engine_error("get", key, error) from error

    def set(self, key: str, value: bytes) -> None:
        data = self._key(key)
        with self._lock:
            file = self._opened()
            try:
                file.put(data, value)
            except _ERRORS as error:
                raise self._engine_error("set", key, error) from error

    def delete(self, key: str) -> bool:
        data = self._key(key)
        with self._lock:
            file = self._opened()
            try:
                return file.remove(data)
            except _ERRORS as error:
                raise self._engine_error("delete", key, error) from error

    def iter(self) -> Iterator[str]:
        with self._lock:
            file = self._opened()
            try:
                keys = list(file.database().keys())
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
            file = self._opened()
            try:
                return data in file.database()
            except _ERRORS as error:
                raise self._engine_error("has", key, error) from error

    def count(self) -> int:
        with self._lock:
            file = self._opened()
            try:
                return file.count()
            except _ERRORS as error:
                raise self._engine_error("count", MISSING, error) from error

    def check(self, key: str, value: bytes) -> None:  # noqa: ARG002 - any bytes fit
        self._opened()
        self._key(key)

    def flush(self) -> None:
        with self._lock:
            file = self._opened()
            try:
                file.flush()
            except _ERRORS as error:
                raise self._engine_error("flush", MISSING, error) from error

    def close(self) -> None:
        _FILES.close(self._hold)


class _DbmFile(OpenFile):
    """What the stores of one process on one database share. All of its methods are called with `lock` held."""

    kind = "a shelf"
    endings = (*_ENDINGS, ".dir", ".bak", "-wal", "-journal")

    def __init__(self, path: str, *, wanted: str | None) -> None:
        super().__init__(path)
        self._db: Any = self._open_file(wanted)
        self._count: int | None = None

    def _open_file(self, wanted: str | None) -> Any:
        path = self.path
        if os.path.exists(_main_file(path)):  # noqa: PTH110
            self.guard()
        database = _open_database(path, wanted)
        if self.writer is None:
            self.guard()
        return database

    def main_file(self, path: str) -> str:
        return _main_file(path)

    def guard(self) -> None:
        if _main_file(self.path).endswith(_WITHOUT_LOCKS):  # other dbms see to that themselves
            super().guard()
            self.share()

    def database(self) -> Any:
        """Return the database, which is where it was opened."""
        if self.place is not None and not self.place.is_kept():
            self.check_place()
        return self._db

    def put(self, key: bytes, value: bytes) -> None:
        """Set a key."""
        database = self.database()
        if self.writer is not None and not self.writer.owned:
            self.own()
        new = self._count is not None and key not in database
        try:
            database[key] = value
        except BaseException as error:
            if isinstance(error, _ERRORS) and not was_raised_by_signal(error):
                raise
            # It came in the middle of dbm.dumb's code, where the bytes may be without their index.
            self._count = None
            database[key] = value
            raise
        if new:
            self._count = (self._count or 0) + 1

    def remove(self, key: bytes) -> bool:
        """Remove a key, and return whether it was there."""
        database = self.database()
        if key not in database:
            return False
        self.own()
        count, self._count = self._count, None
        del database[key]
        self._count = None if count is None else count - 1
        return True

    def count(self) -> int:
        """Return the number of keys."""
        if self._count is None or self.writer is None:  # other processes may write
            self._count = len(self.database())  # some dbms count by listing: once is enough
        return self._count

    def flush(self) -> None:
        """Write through to the file, and let other processes read."""
        database = self.database()
        if hasattr(database, "sync") and (self.writer is None or self.writer.owned):
            database.sync()
        self.share()

    def close(self) -> None:
        self._db.close()
        if self.writer is not None:
            self.writer.close()

    def move(self, path: str) -> None:
        super().move(path)
        for name in ("_datfile", "_dirfile", "_bakfile"):  # dbm.dumb opens its files by their names each time
            if hasattr(self._db, name):
                setattr(self._db, name, os.fsencode(f"{path}.{name[1:4]}"))

    def forsake(self) -> None:
        super().forsake()
        if hasattr(self._db, "_modified"):
            self._db._modified = False  # noqa: SLF001 - the end of the child must not write the parent's index


def _main_file(path: str) -> str:
    """Return the file that holds a database's values, which a dbm never replaces by another."""
    return next((path + end for end in _ENDINGS if os.path.isfile(path + end)), path)  # noqa: PTH113


def _behind_links(path: str) -> str:
    """Return the name of the database whose files this user's links stand for: dbm.dumb replaces its files."""
    main = _main_file(path)
    ending = main[len(path) :]
    real = os.path.realpath(main)
    if ending and real.endswith(ending) and is_own_link(Path(main)):
        return real[: -len(ending)]
    return path


_FILES: OpenFiles[_DbmFile] = OpenFiles(_main_file)


def _open_database(path: str, wanted: str | None) -> Any:
    present = dbm.whichdb(path)
    if present == "":
        raise StoreError(f"{path} is a file that no dbm of this Python can read: check the path, or move the file away")
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
        database = _for_any_thread(_module(present or wanted).open(path, "c"), path)
        _keep_mode(database)
        _check_index(database)
    except ImportError as error:
        raise StoreError(
            f"{path} needs the module {present or wanted}, which this Python lacks: use a Python that has it, or save "
            "the data there and load it here"
        ) from error
    except _UNOPENED as error:
        pass_on_signal(error)
        raise StoreError(f"{path} cannot be opened: {error}. Check the path, its folder and its permissions") from error
    return database


def _keep_mode(database: Any) -> None:
    """Let dbm.dumb give the index that it writes anew the mode that the file has."""
    index = getattr(database, "_dirfile", None)
    if index is not None and os.path.isfile(index):  # noqa: PTH113 - its path is bytes
        database._mode = os.stat(index).st_mode & 0o777  # noqa: SLF001, PTH116


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
