"""What SQLite is asked for, by name."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from itertools import pairwise
from math import inf
from pathlib import Path
from time import time
from typing import Any, ClassVar, Final

from spoonbill.backends.shared import ErrorGuide
from spoonbill.backends.shared.documents import RESERVED, Filter, PushedQuery, TableEngine, is_sound, plain_json
from spoonbill.backends.sqlite.connections import Connections
from spoonbill.backends.sqlite.errors import GUIDE, is_closed
from spoonbill.backends.sqlite.pushdown import ROWS, SQLitePushdown, path_of
from spoonbill.backends.sqlite.scheme import Cell, SQLiteScheme, fields_in, value_in, written
from spoonbill.backends.sqlite.statements import Statements
from spoonbill.backends.sqlite.table import Table
from spoonbill.common.failures import raise_alone
from spoonbill.common.paths import MEMORY, absolute
from spoonbill.common.sentinels import MISSING
from spoonbill.common.text import shortened
from spoonbill.errors import KeyDecodeError, StoreError, UnsupportedError
from spoonbill.query import Part, Query
from spoonbill.store import Store
from spoonbill.store.numbers import check_ttl

__all__ = ["LARGEST", "SQLiteEngine"]

LARGEST: Final = 1_000_000_000
"""Bytes of the largest value; SQLite's own bound, which few builds change."""


class SQLiteEngine(TableEngine[Filter]):
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
        self._say = Statements(self._table.sql, expires=self._table.expires())

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

    # Each call takes the statements once: they change when a table of another program gets its column `expires`.

    def find(self, name: Any) -> Any:
        say = self._say
        rows = self._connections.rows(say.find, (name, *say.now()))
        return _cell(rows[0][0]) if rows else None

    def knows(self, name: Any) -> bool:
        say = self._say
        return bool(self._connections.rows(say.knows, (name, *say.now())))

    def write(self, name: Any, document: Any) -> None:
        say = self._say
        self._connections.changed(say.write, say.row(name, document))

    def insert(self, name: Any, document: Any) -> bool:
        say = self._say
        return self._connections.changed(say.insert, (*say.row(name, document), *say.now())) > 0

    def erase(self, name: Any) -> bool:
        say = self._say
        return self._connections.changed(say.erase, (name, *say.now())) > 0

    def take(self, name: Any) -> Any:
        say = self._say

        def take(connection: sqlite3.Connection) -> Any:
            rows = connection.execute(say.take, (name, *say.now())).fetchall()
            if not rows:
                return None
            self.load(rows[0][0])  # where it cannot be read it stays
            return _cell(rows[0][0])

        return self._connections.transact(take)

    def swap(self, name: Any, fits: Callable[[Any], bool], document: Any) -> bool:
        say = self._say
        return self._if_fits(say, name, fits, say.update, (*say.row(name, document)[1:], name))

    def drop(self, name: Any, fits: Callable[[Any], bool]) -> bool:
        say = self._say
        return self._if_fits(say, name, fits, say.erase, (name, *say.now()))

    def _if_fits(
        self, say: Statements, name: Any, fits: Callable[[Any], bool], change: str, operands: tuple[Any, ...]
    ) -> bool:
        def change_it(connection: sqlite3.Connection) -> bool:
            rows = connection.execute(say.find, (name, *say.now())).fetchall()
            if not rows or not fits(rows[0][0]):
                return False
            connection.execute(change, operands)
            return True

        return self._connections.transact(change_it)

    def expires_in(self, name: Any) -> float | None:
        say = self._say
        rows = self._connections.rows(say.expires_in, (name, *say.now()))
        if not rows:
            raise KeyError(name)
        return None if rows[0][0] is None else max(0.0, rows[0][0] - time())

    def prolong(self, name: Any, ttl: float | None) -> bool:
        if ttl is None and not self._say.expires:
            return self.knows(name)
        say = self._expiring()
        end = None if ttl is None else time() + ttl
        return self._connections.changed(say.prolong, (end, name, *say.now())) > 0

    def _expiring(self) -> Statements:
        """Return the statements for a table whose rows can expire, which gets the column where it has none."""
        if not self._say.expires:
            self._table.let_expire()
            self._say = Statements(self._table.sql, expires=True)
        return self._say

    def count_up(self, name: Any, by: int, document: Any, *, renew: bool) -> int | None:
        say = self._say
        now = say.now()
        operands = (*say.row(name, document), *now, by, *now, *((renew,) if now else ()), *now, by)
        with self._connections.guard():
            rows = self._connections.mine().execute(say.count_up, operands).fetchall()
        return int(rows[0][0]) if rows else None

    def sweep(self) -> int:
        return self._connections.changed(self._say.sweep, self._say.now())

    def load(self, found: Any) -> Any:
        if type(found) is not str:
            return found  # a BLOB, or a number of another program
        if RESERVED in found or "\\u00" in found:
            return self.scheme.load(fields_in(found))
        return value_in(found)

    # -- many documents ----------------------------------------------------------------------------------------

    def fetch(self, names: list[Any]) -> dict[Any, Any]:
        say, marks = self._say, ", ".join("?" * len(names))
        sql = f"SELECT key, value FROM {self._table.sql} WHERE key IN ({marks}) AND {say.alive}"
        return dict(self._connections.rows(sql, (*names, *say.now())))

    def put(self, documents: dict[Any, Any]) -> None:
        say = self._say
        rows = say.rows(documents)
        self._connections.transact(lambda connection: connection.executemany(say.write, rows))

    def remove(self, names: list[Any]) -> int:
        say, marks = self._say, ", ".join("?" * len(names))
        sql = f"DELETE FROM {self._table.sql} WHERE key IN ({marks}) AND {say.alive}"
        return self._connections.changed(sql, (*names, *say.now()))

    def empty(self) -> None:
        self._connections.changed(f"DELETE FROM {self._table.sql}")

    def size(self) -> int:
        return int(self._connections.rows(self._say.size, self._say.now())[0][0])

    # -- listing and searching ---------------------------------------------------------------------------------

    def listing(
        self,
        native: Filter | None,
        *,
        keys_only: bool = False,
        limit: int | None = None,
        page: int | None = None,  # noqa: ARG002 - rows come one by one
    ) -> Iterator[tuple[Any, Any]]:
        say, columns = self._say, "key, NULL" if keys_only else "key, value"
        where = say.alive if native is None else f"{native.sql} AND {say.alive}"
        operands = () if native is None else native.operands
        order = " ORDER BY rowid" if native is None else ""  # as a dict: in the order of the first writes
        sql = f"SELECT {columns} FROM {self._table.sql} WHERE {where}{order} LIMIT ?"
        return self._connections.listed(sql, (*operands, *say.now(), -1 if limit is None else limit))

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

    def document_of(self, name: Any, key: Any, value: Any) -> tuple[Cell, float | None]:
        text = plain_json(value, levels=self.scheme.max_depth)
        return super().document_of(name, key, value) if text is None else self._fitted(key, text)

    def fit(self, name: Any, key: Any, document: dict[str, Any]) -> tuple[Cell, float | None]:  # noqa: ARG002
        return self._fitted(key, written(document))

    def _fitted(self, key: Any, cell: Cell) -> tuple[Cell, float | None]:
        if len(cell) > LARGEST // 4:
            size = len(cell) if isinstance(cell, bytes) or cell.isascii() else len(cell.encode())
            if size > LARGEST:
                raise self.too_large(key, size)
        return cell, None

    def expiring(self, document: Any, ttl: float) -> Any:
        seconds = check_ttl(ttl, self.store)
        if seconds == inf:
            return document
        self.call("expire", self._expiring)
        return document[0], time() + seconds

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


def _cell(cell: Any) -> Any:
    """Return what stands in a column; NULL, which another program wrote, as JSON has it."""
    return "null" if cell is None else cell
