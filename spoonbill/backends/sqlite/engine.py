"""What SQLite is asked for, by name."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, Final

from spoonbill.backends.shared import ErrorGuide
from spoonbill.backends.shared.documents import DocumentEngine, PushedQuery, is_sound
from spoonbill.backends.sqlite.connections import Connections
from spoonbill.backends.sqlite.errors import GUIDE, is_closed
from spoonbill.backends.sqlite.pushdown import ROWS, Filter, SQLitePushdown, path_of
from spoonbill.backends.sqlite.scheme import Cell, SQLiteScheme, fields_in, written
from spoonbill.backends.sqlite.table import Table
from spoonbill.common.failures import raise_alone
from spoonbill.common.paths import MEMORY, absolute
from spoonbill.common.sentinels import MISSING
from spoonbill.common.text import shortened
from spoonbill.errors import CodecError, KeyDecodeError, StoreError, UnsupportedError
from spoonbill.query import Part, Query
from spoonbill.store import Store

__all__ = ["LARGEST", "SQLiteEngine"]

LARGEST: Final = 1_000_000_000
"""Bytes of the largest value; SQLite's own bound, which few builds change."""


class SQLiteEngine(DocumentEngine[Filter]):
    """The rows of a table.

    Parameters
    ----------
    store : Store
        The store that this is the engine of.
    path, table : str
        The file, or ``":memory:"``, and the table in it.
    durability, timeout, create, readonly
        As `SQLiteOptions` describes them.
    """

    largest: ClassVar[int] = LARGEST
    read_batch: ClassVar[int] = 500
    write_batch: ClassVar[int] = 10_000
    delete_batch: ClassVar[int] = 500

    def __init__(
        self,
        store: Store[Any, Any],
        path: str | Path,
        table: str,
        *,
        durability: str = "disk",
        timeout: float = 30,
        create: bool = True,
        readonly: bool = False,
    ) -> None:
        super().__init__(store)
        if durability not in {"disk", "process"}:
            raise ValueError(f'SQLite: durability is "disk" or "process", not {durability!r}')
        where = absolute(os.fspath(path))
        if where != MEMORY:
            if create and not readonly:
                Path(where).parent.mkdir(parents=True, exist_ok=True)
        elif readonly:
            raise UnsupportedError("SQLite: a database in memory begins empty, so that readonly=True is of no use")
        try:
            self._connections = Connections(
                where,
                durability=durability,
                timeout=timeout,
                create=create,
                readonly=readonly,
                closed_error=self.closed_error,
            )
            self._table = Table(self._connections, table)
            self._examine(create=create and not readonly)
        except sqlite3.Error as error:
            raise self.translated("open", MISSING, error) from error
        self.scheme = SQLiteScheme()
        self.pushdown = SQLitePushdown(self.scheme, self._table.field)
        self._word_statements(self._table.sql)

    def _word_statements(self, table: str) -> None:
        upsert = f"INSERT INTO {table} (key, value) VALUES (?, ?) ON CONFLICT (key) DO "
        self._write = f"{upsert}UPDATE SET value = excluded.value"
        self._insert = f"{upsert}NOTHING"
        self._find = f"SELECT value FROM {table} WHERE key = ?"
        self._knows = f"SELECT 1 FROM {table} WHERE key = ?"
        self._erase = f"DELETE FROM {table} WHERE key = ?"
        self._take = f"DELETE FROM {table} WHERE key = ? RETURNING value"
        self._update = f"UPDATE {table} SET value = ? WHERE key = ?"

    def _examine(self, *, create: bool) -> None:
        if not self._table.exists():
            if not create:
                raise StoreError(
                    f"{self!r}: the file has no table {self._table.name!r}, which create=False and readonly=True do "
                    "not make"
                )
            self._table.create()
        elif fault := self._table.fault():
            raise StoreError(f"{self!r}: the table {self._table.name!r} is no store: {fault}; choose another table=")

    @property
    def client(self) -> sqlite3.Connection:
        return self._connections.mine()

    def knock(self) -> None:
        self._connections.rows("SELECT 1")

    def close(self) -> None:
        self._connections.close()

    # -- one document ------------------------------------------------------------------------------------------

    def find(self, name: Any) -> dict[str, Any] | None:
        rows = self._connections.rows(self._find, (name,))
        return self._fields(name, rows[0][0]) if rows else None

    def knows(self, name: Any) -> bool:
        return bool(self._connections.rows(self._knows, (name,)))

    def write(self, name: Any, document: Any) -> None:
        self._connections.changed(self._write, (name, document))

    def insert(self, name: Any, document: Any) -> bool:
        return self._connections.changed(self._insert, (name, document)) > 0

    def erase(self, name: Any) -> bool:
        return self._connections.changed(self._erase, (name,)) > 0

    def take(self, name: Any) -> dict[str, Any] | None:
        def take(connection: sqlite3.Connection) -> dict[str, Any] | None:
            rows = connection.execute(self._take, (name,)).fetchall()
            return self._fields(name, rows[0][0]) if rows else None

        return self._connections.transact(take)

    def swap(self, name: Any, fits: Callable[[dict[str, Any]], bool], document: Any) -> bool:
        def swap(connection: sqlite3.Connection) -> bool:
            rows = connection.execute(self._find, (name,)).fetchall()
            if not rows or not fits(self._fields(name, rows[0][0])):
                return False
            connection.execute(self._update, (document, name))
            return True

        return self._connections.transact(swap)

    def _fields(self, name: Any, cell: Any) -> dict[str, Any]:
        try:
            return fields_in(cell)
        except CodecError as error:
            raise CodecError(f"get of key {shortened(name)} in {self!r}: {error}") from None

    # -- many documents ----------------------------------------------------------------------------------------

    def fetch(self, names: list[Any]) -> dict[Any, dict[str, Any]]:
        marks = ", ".join("?" * len(names))
        sql = f"SELECT key, value FROM {self._table.sql} WHERE key IN ({marks})"
        return {name: self._fields(name, cell) for name, cell in self._connections.rows(sql, tuple(names))}

    def put(self, documents: dict[Any, Any]) -> None:
        self._connections.transact(lambda connection: connection.executemany(self._write, documents.items()))

    def remove(self, names: list[Any]) -> int:
        marks = ", ".join("?" * len(names))
        return self._connections.changed(f"DELETE FROM {self._table.sql} WHERE key IN ({marks})", tuple(names))

    def empty(self) -> None:
        self._connections.changed(f"DELETE FROM {self._table.sql}")

    def size(self) -> int:
        return int(self._connections.rows(f"SELECT count(*) FROM {self._table.sql}")[0][0])

    # -- listing and searching ---------------------------------------------------------------------------------

    def listing(
        self,
        native: Filter | None,
        *,
        keys_only: bool = False,
        limit: int | None = None,
        page: int | None = None,  # noqa: ARG002 - rows come one by one
    ) -> Iterator[tuple[Any, dict[str, Any]]]:
        columns = "key" if keys_only else "key, value"
        where, operands = ("", ()) if native is None else (f" WHERE {native.sql}", native.operands)
        order = " ORDER BY rowid" if native is None else ""  # as a dict: in the order of the first writes
        sql = f"SELECT {columns} FROM {self._table.sql}{where}{order} LIMIT ?"
        for row in self._connections.listed(sql, (*operands, -1 if limit is None else limit)):
            yield row[0], {} if keys_only else self._fields(row[0], row[1])

    def split(self, count: int) -> list[Part]:
        ((low, high),) = self._connections.rows(f"SELECT min(rowid), max(rowid) FROM {self._table.sql}")
        if low is None:
            return []
        edges = sorted({low + (high + 1 - low) * index // count for index in range(1, count)} - {low})
        return [(ROWS, start, stop) for start, stop in pairwise([None, *edges, None])]

    def explain_scan(self, pushed: PushedQuery[Filter], query: Query) -> str:
        what = "keys" if query.keys_only else "documents"
        if pushed.filter is None:
            return f"all {what} of the table {self._table.name!r}" + (
                "" if query.limit is None else ", up to the limit"
            )
        return f"{what} that SQLite finds by: {self._table.search_plan(pushed.filter)}"

    # -- what only SQLite has ----------------------------------------------------------------------------------

    def transaction(self) -> AbstractContextManager[Any]:
        """Hold a transaction of this thread."""
        return self._connections.atomically()

    def index(self, field: str | tuple[str, ...], *, drop: bool = False) -> None:
        """Make or remove the index of a field."""
        where = (field,) if isinstance(field, str) else tuple(field)
        path = path_of(where) if where and all(map(self.scheme.stands_within, where)) else None
        if path is None:
            raise UnsupportedError(
                f"{self!r}: a field named {shortened(field)} can have no index: quotes, backslashes and control "
                "characters are not read alike by all versions of SQLite"
            )
        self.call("index", self._table.drop_index if drop else self._table.create_index, path)

    def indexes(self) -> list[str]:
        """Return the paths of the fields that have an index."""
        return list(self.call("indexes", self._table.indexed))

    def vacuum(self) -> None:
        """Give the space of what was deleted back to the disk."""
        self.call("vacuum", self._connections.changed, "VACUUM")

    def backup(self, path: str | Path, progress: Callable[[int, int, int], object] | None) -> None:
        """Copy the file while it is in use."""
        self.call("backup", self._connections.backup, os.fspath(path), progress)

    def call(self, operation: str, work: Callable[..., Any], *arguments: Any) -> Any:
        """Do a piece of work, and raise its errors as ours."""
        try:
            return work(*arguments)
        except Exception as error:
            raise_alone(self.translated(operation, MISSING, error), cause=error)

    # -- keys, sizes, errors -----------------------------------------------------------------------------------

    def name_of(self, key: Any) -> Any:
        if type(key) is str and (key.isascii() or is_sound(key)):
            return key
        if isinstance(key, str) and is_sound(key):
            return str.__str__(key)
        raise self.no_key(key, "a str of valid text")

    def key_of(self, name: Any) -> Any:
        if type(name) is str:
            return name
        raise self.no_name(name, f"a {type(name).__name__} is no key here")

    def fit(self, name: Any, key: Any, document: dict[str, Any]) -> Cell:  # noqa: ARG002
        cell = written(document)
        size = len(cell) if isinstance(cell, bytes) or cell.isascii() else len(cell.encode())
        if size > LARGEST:
            raise self.too_large(key, size)
        return cell

    @property
    def guide(self) -> ErrorGuide:
        return GUIDE

    def translated(self, operation: str, key: Any, error: Exception) -> Exception:
        if is_closed(error):
            return self.closed_error()
        if isinstance(error, sqlite3.OperationalError) and "decode to UTF-8" in str(error):
            return KeyDecodeError(
                f"{operation} in {self!r}: the table has a key or text that is no UTF-8, of another program: "
                f"{error}; read it with sqlite3 and CAST(key AS BLOB)",
                "",
            )
        return super().translated(operation, key, error)
