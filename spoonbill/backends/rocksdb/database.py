"""A RocksDB folder that a process has open once, however many stores are opened on it."""

import ctypes
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final
from weakref import WeakSet, WeakValueDictionary

from spoonbill.common.locks import engine_lock, new_lock
from spoonbill.errors import StoreError

__all__ = ["DEFAULT", "Database", "Opening", "opened"]

DEFAULT: Final = "default"
_PAGE: Final = 500
"""Entries that a loop reads at once."""
_TTL_NOTE: Final = "spoonbill-expire-after"
"""The file that tells how a folder was made: values of a database that expires have a time at their end."""

_open: WeakValueDictionary[tuple[str, str], "Database"] = WeakValueDictionary()
_lock = new_lock()


@dataclass(frozen=True)
class Opening:
    """How a folder is opened. Two stores of one process on one folder have to agree on all of it."""

    path: str
    compression: str | None
    expire_after: float | None
    secondary: str | None
    readonly: bool
    create: bool

    @property
    def writes(self) -> bool:
        """Whether this process is the one that writes there."""
        return not self.readonly and self.secondary is None


class Loop:
    """An iterator of RocksDB, which keeps the folder open as long as it is there.

    Parameters
    ----------
    found : iterator
        What the binding returned.
    """

    def __init__(self, found: Iterator[Any]) -> None:
        self._found: Iterator[Any] | None = found

    def page(self) -> list[Any]:
        """Return what comes next; nothing at the end, and after `stop`."""
        found = self._found
        return [] if found is None else list(islice(found, _PAGE))

    def stop(self) -> None:
        """Let go of the iterator."""
        self._found = None


class Database:
    """The open folder with its column families.

    Parameters
    ----------
    opening : Opening
        How.
    """

    def __init__(self, opening: Opening) -> None:
        self.opening = opening
        self.lock = engine_lock(("rocksdb", os.path.realpath(opening.path)))
        self.process = os.getpid()
        self.users = 0
        self.families: dict[str, Any] = {}
        self.stores = WeakValueDictionary[int, Any]()  # a mapping has no hash
        self._loops = WeakSet[Loop]()
        self.handle = self._opened()

    def _opened(self) -> Any:
        import rocksdict

        opening = self.opening
        if opening.writes and opening.create:
            Path(opening.path).mkdir(parents=True, exist_ok=True)
        exists = (Path(opening.path) / "CURRENT").exists()
        if not exists and not (opening.create and opening.writes):
            raise FileNotFoundError(f"there is no RocksDB database in {opening.path}")
        self._check_expiry(exists=exists)
        names = [name for name in rocksdict.Rdict.list_cf(opening.path) if name != DEFAULT] if exists else []
        access = rocksdict.AccessType
        way = access.read_write()
        if opening.secondary is not None:
            way = access.secondary(opening.secondary)
        elif opening.readonly:
            way = access.read_only()
        elif opening.expire_after is not None:
            way = access.with_ttl(max(1, round(opening.expire_after)))
        handle = rocksdict.Rdict(
            opening.path,
            options=self._options(),
            column_families={name: self._options() for name in names} or None,
            access_type=way,
        )
        self.families = {DEFAULT: handle, **{name: handle.get_column_family(name) for name in names}}
        return handle

    def _options(self) -> Any:
        import rocksdict

        options = rocksdict.Options(raw_mode=True)
        options.create_if_missing(self.opening.create and self.opening.writes)
        if self.opening.compression is not None:
            options.set_compression_type(getattr(rocksdict.DBCompressionType, self.opening.compression)())
        return options

    def _check_expiry(self, *, exists: bool) -> None:
        note = Path(self.opening.path) / _TTL_NOTE
        wanted = self.opening.expire_after
        if exists and note.exists() != (wanted is not None):
            how = "expire_after=" if wanted is None else "no expire_after="
            raise StoreError(
                f"the database in {self.opening.path} was made with {how}, which changes how values are held: open it "
                "so, or copy it to a new folder"
            )
        if wanted is not None and not exists:
            note.write_text(f"{wanted}\n")

    def family(self, name: str) -> Any:
        """Return a column family, made where it is missing."""
        with self.lock:
            if name not in self.families:
                if not (self.opening.writes and self.opening.create):
                    raise FileNotFoundError(f"the database in {self.opening.path} has no column family {name!r}")
                self.families[name] = self.handle.create_column_family(name, self._options())
            return self.families[name]

    @contextmanager
    def looping(self, found: Iterator[Any]) -> Iterator[Loop]:
        """Hold an iterator until the block ends, or the folder is closed."""
        loop = Loop(found)
        self._loops.add(loop)
        del found
        try:
            yield loop
        finally:
            loop.stop()

    def leave(self) -> None:
        """Close the folder with its last user."""
        with _lock:
            self.users -= 1
            if self.users or os.getpid() != self.process:
                return
            _open.pop(_key(self.opening), None)
            for loop in list(self._loops):
                loop.stop()
            for name, family in self.families.items():
                if name != DEFAULT:
                    family.close()
            self.handle.close()


def _key(opening: Opening) -> tuple[str, str]:
    return os.path.realpath(opening.path), os.path.realpath(opening.secondary) if opening.secondary else ""


def opened(opening: Opening) -> Database:
    """Return the open folder; opened where it is not.

    Raises
    ------
    StoreError
        If it is open in this process in another way.
    """
    with _lock:
        database = _open.get(_key(opening))
        if database is None or database.process != os.getpid():
            database = _open[_key(opening)] = Database(opening)
        elif database.opening != opening:
            raise StoreError(
                f"the database in {opening.path} is open in this process with other options: close that store, or give "
                "both the same"
            )
        database.users += 1
        return database


def _leave_to_the_parent() -> None:
    """Keep a forked child from closing what its parent has open: RocksDB's threads do not exist there."""
    for database in list(_open.values()):
        for each in (database, *database.families.values()):
            _keep_for_ever(ctypes.py_object(each))
        for store in list(database.stores.values()):
            store.left_to_the_parent()


_keep_for_ever: Final[Callable[[Any], None]] = ctypes.pythonapi.Py_IncRef

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_the_parent)
