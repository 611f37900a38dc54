"""The connections to a SQLite file: one a thread for its verbs, some for loops, none that a forked child shares."""

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, Final, TypeVar
from weakref import WeakSet

from spoonbill.backends.shared.turns import Turns
from spoonbill.common.locks import new_lock
from spoonbill.common.open_places import forget_place, note_place
from spoonbill.common.paths import MEMORY, Place
from spoonbill.common.weak import weakly
from spoonbill.errors import StoreError

__all__ = ["Connections"]

T = TypeVar("T")

_WAIT: Final = 0.02
_inherited: list[object] = []
"""What a forked child got from its parent: SQLite forbids to use it there, and also to close it."""


class _Owned:
    """A connection that is closed with its last user, in the process that opened it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self._process = os.getpid()
        self.depth = 0

    def begin(self) -> int:
        """Begin a transaction that writes, or a savepoint in the one that there is; return how deep it lies."""
        if self.depth and not self.connection.in_transaction:
            self.depth = 0  # its end was cut off
        level = self.depth
        try:
            self.connection.execute(f"SAVEPOINT {_name(level)}" if level else "BEGIN IMMEDIATE")
            self.depth = level + 1
        except BaseException:
            self.undo(level)
            raise
        return level

    def commit(self, level: int) -> None:
        """Make what was written at a depth last, or a part of what is around it."""
        self.connection.execute(f"RELEASE {_name(level)}" if level else "COMMIT")
        self.depth = level

    def undo(self, level: int) -> None:
        """Undo what was written at a depth, also where an exception arrives in the middle of that."""
        try:
            self._undo(level)
        except BaseException:
            self._undo(level)
            raise

    def _undo(self, level: int) -> None:
        self.depth = level
        if not self.connection.in_transaction:
            return
        if not level:
            self.connection.execute("ROLLBACK")
            return
        with suppress(sqlite3.OperationalError):  # there is no such savepoint (any more)
            self.connection.execute(f"ROLLBACK TO {_name(level)}")
            self.connection.execute(f"RELEASE {_name(level)}")

    def __del__(self) -> None:
        if os.getpid() == self._process:
            self.connection.close()


def _name(level: int) -> str:
    return f"spoonbill_{level}"


class Connections:
    """Opens and closes connections to one file, or holds the only one to a database in memory.

    Parameters
    ----------
    path : str
        The absolute path of the file, or ``":memory:"``.
    durability, timeout, create, readonly
        As `SQLiteOptions` describes them.
    closed_error : callable
        Returns the error of a call after the store was closed.
    """

    def __init__(
        self,
        path: str,
        *,
        durability: str,
        timeout: float,
        create: bool,
        readonly: bool,
        closed_error: Callable[[], Exception],
    ) -> None:
        self.path = path
        self.in_memory = path == MEMORY
        self._durability, self._timeout, self._readonly = durability, timeout, readonly
        self._mode = "ro" if readonly else "rwc" if create else "rw"
        self._closed_error = weakly(closed_error)
        self._closed = False
        self._lock = new_lock()
        self._begin()
        self._place: Place | None = None
        self._turns = Turns(always=durability == "disk")
        self._only = _Owned(self._open()) if self.in_memory else None
        if not self.in_memory:
            note_place(self, "a SQLite database", lambda: (path, f"{path}-wal", f"{path}-shm"))

    def _begin(self) -> None:
        self._process = os.getpid()
        self._local = threading.local()
        self._all = WeakSet[_Owned]()
        self._idle: list[_Owned] = []

    def _own(self) -> _Owned:
        """Return the connection of this thread."""
        if self._closed:
            raise self._closed_error()
        if self._only is not None:
            return self._only
        if os.getpid() != self._process:
            _inherited.extend((self._local, list(self._all), self._idle))
            self._begin()
        owned: _Owned | None = getattr(self._local, "owned", None)
        if owned is None:
            owned = self._local.owned = self._opened()
        return owned

    def _opened(self) -> _Owned:
        self.check_place()
        owned = _Owned(self._open())
        with self._lock:
            self._place = self._place or Place(self.path)
            self._all.add(owned)
        return owned

    def check_place(self) -> None:
        """Raise where the path does not name any more what was opened.

        Raises
        ------
        StoreError
            If the file was removed, moved or replaced: what is written here would be lost with the old one.
        """
        if self._place is not None and not self._place.is_kept():
            raise StoreError(
                f"{self.path} was removed, moved or replaced while it was open, so nothing more is written to it: "
                "close the store and open it again"
            )

    def _open(self) -> sqlite3.Connection:
        where = self.path if self.in_memory else f"{Path(self.path).as_uri()}?mode={self._mode}"
        connection = sqlite3.connect(
            where, timeout=self._timeout, isolation_level=None, check_same_thread=False, uri=not self.in_memory
        )
        try:
            connection.execute(f"PRAGMA synchronous={'FULL' if self._durability == 'disk' else 'NORMAL'}")
            if not self._readonly:
                self._to_wal(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _to_wal(self, connection: sqlite3.Connection) -> None:
        """Turn to write-ahead logging, again while another process has the file: here SQLite does not wait itself."""
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                connection.execute("PRAGMA journal_mode=WAL")
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(_WAIT)
            else:
                return

    def mine(self) -> sqlite3.Connection:
        """Return the connection of this thread."""
        return self._own().connection

    def guard(self) -> Any:
        """Return what holds other threads off: nothing, but for the only connection to a database in memory."""
        return self._lock if self.in_memory else nullcontext()

    def rows(self, sql: str, operands: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a statement."""
        connection = self.mine()
        if self.in_memory:
            with self._lock:
                return connection.execute(sql, operands).fetchall()
        return connection.execute(sql, operands).fetchall()

    def changed(self, sql: str, operands: tuple[Any, ...] = ()) -> int:
        """Return how many rows a statement changed."""
        connection = self._own().connection
        if self._turns.is_due():
            self.check_place()
        if self.in_memory:
            with self._lock:
                return connection.execute(sql, operands).rowcount
        return connection.execute(sql, operands).rowcount

    def transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what `work` does in a transaction of this thread that writes: all of it, or nothing."""
        with self.guard():
            owned = self._own()
            self.check_place()
            level = owned.begin()
            try:
                result = work(owned.connection)
                owned.commit(level)
            except BaseException:
                owned.undo(level)
                raise
            return result

    @contextmanager
    def atomically(self) -> Iterator[None]:
        """Hold a transaction of this thread that writes, or a savepoint in the one that it has: all or nothing."""
        with self.guard():
            owned = self._own()
            self.check_place()
            level = owned.begin()
            try:
                yield
                self.check_place()
                owned.commit(level)
            except BaseException:
                owned.undo(level)
                raise

    def listed(self, sql: str, operands: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a statement as they are now, whatever is written meanwhile, also by this thread."""
        if self.in_memory or self._own().depth:
            yield from self.rows(sql, operands)
            return
        with self._lock:
            owned = self._idle.pop() if self._idle else None
        owned = self._opened() if owned is None else owned
        process = os.getpid()
        cursor = owned.connection.execute(sql, operands)
        try:
            yield from cursor
        finally:
            if os.getpid() == process:
                cursor.close()
                with self._lock:
                    if not self._closed:
                        self._idle.append(owned)
            else:
                _inherited.extend((owned, cursor))

    def backup(self, path: str, progress: Callable[[int, int, int], object] | None) -> None:
        """Copy the whole file to another while it is in use."""
        with sqlite3.connect(path) as target, self.guard():
            self._own().connection.backup(target, pages=1000, progress=progress)
        target.close()

    def close(self) -> None:
        """Close every connection of this process."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            forget_place(self)
            if os.getpid() != self._process:
                return
            for owned in [*self._all, *([self._only] if self._only else [])]:
                owned.connection.close()
            self._idle.clear()
