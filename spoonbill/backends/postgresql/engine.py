"""What PostgreSQL is asked for, by name."""

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ClassVar, Final
from weakref import WeakSet

from spoonbill.backends.postgresql.connections import Connections, numbered
from spoonbill.backends.postgresql.errors import GUIDE, AgainError, is_duplicate, is_missing
from spoonbill.backends.postgresql.link import Link
from spoonbill.backends.postgresql.listening import changes
from spoonbill.backends.postgresql.pushdown import BytesPushdown, PostgresPushdown
from spoonbill.backends.postgresql.reading import listed, quantiles, read_snapshot
from spoonbill.backends.postgresql.scheme import (
    BytesScheme,
    PostgresScheme,
    copy_lines,
    fields_in,
    has_controls,
    text_down,
    text_up,
    value_in,
    written,
)
from spoonbill.backends.postgresql.statements import ALIVE, Statements
from spoonbill.backends.shared import ErrorGuide, Heard, Watch
from spoonbill.backends.shared.documents import (
    RESERVED,
    Filter,
    PushedQuery,
    TableEngine,
    is_sound,
    plain_json,
    readable,
    writable,
)
from spoonbill.common.batching import batches
from spoonbill.common.sentinels import MISSING
from spoonbill.common.text import shortened
from spoonbill.errors import UnsupportedError
from spoonbill.query import Part, Query
from spoonbill.store import Store
from spoonbill.store.attempts import MOST
from spoonbill.store.numbers import check_ttl

__all__ = ["LARGEST", "LONGEST_KEY", "PostgresEngine"]

LARGEST: Final = (1 << 28) - 1
"""Bytes of the largest value: what an item of ``jsonb`` can take."""

LONGEST_KEY: Final = 2692
"""Bytes of the longest key: what an index holds of a text that cannot be compressed."""

_LONGEST_TTL: Final = 1e11
"""Seconds, some 3,000 years: what expires later stays."""

_COPIED: Final = 1000
"""From so many rows on a batch is sent by COPY."""


class PostgresEngine(TableEngine[Filter]):
    """The rows of a table.

    Parameters
    ----------
    store : Store
        The store that this is the engine of.
    link : Link
        The way to the server and to the table.
    """

    largest: ClassVar[int] = LARGEST
    read_batch: ClassVar[int] = 1000
    write_batch: ClassVar[int] = 10_000
    delete_batch: ClassVar[int] = 10_000

    def __init__(self, store: Store[Any, Any], link: Link) -> None:
        super().__init__(store)
        self._link = link
        self._documents = link.kind == "jsonb"
        self.scheme = PostgresScheme() if self._documents else BytesScheme()
        self.pushdown = PostgresPushdown(self.scheme) if self._documents else BytesPushdown(self.scheme)
        self._say = Statements(link.sql, link.kind)
        self.loops = link.connection.loops
        self._watches = WeakSet[Watch]()

    # -- the way to the server ---------------------------------------------------------------------------------

    def _reading(self) -> Connections | None:
        table = readable(self._link.connection)
        return None if table is None else table.connections

    def _writing(self) -> Connections:
        return writable(self._link.connection).connections

    def _ask(self, sql: str, *operands: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a statement; none where the table is not made yet."""
        connections = self._reading()
        return [] if connections is None else connections.ask(sql, operands)

    def _change(self, sql: str, *operands: Any) -> int:
        """Return how many rows a statement changed in a table that has to be there."""
        connections = self._reading()
        return 0 if connections is None else connections.change(sql, operands)

    @property
    def client(self) -> Any:
        return self._link.connection().connections.pool

    def knock(self) -> None:
        self._link.connection().connections.ask("SELECT 1")

    def close(self) -> None:
        for watch in list(self._watches):
            watch.close()
        self._link.connection.close()

    # -- one document ------------------------------------------------------------------------------------------

    def find(self, name: Any) -> Any:
        rows = self._ask(self._say.find, name)
        return rows[0][0] if rows else None

    def knows(self, name: Any) -> bool:
        return bool(self._ask(self._say.knows, name))

    def write(self, name: Any, document: Any) -> None:
        self._writing().change(self._say.write, (name, *document))

    def insert(self, name: Any, document: Any) -> bool:
        return self._writing().change(self._say.insert, (name, *document)) > 0

    def erase(self, name: Any) -> bool:
        connections = self._reading()
        return connections is not None and (True,) in connections.change_and_ask(self._say.erase, (name,))

    def take(self, name: Any) -> Any:
        connections = self._reading()
        if connections is None:
            return None
        with connections.transaction():
            rows = connections.change_and_ask(self._say.take, (name,))
            if not rows:
                return None
            self.load(rows[0][0])  # where it cannot be read it stays
            return rows[0][0]

    def swap(self, name: Any, fits: Callable[[Any], bool], document: Any) -> bool:
        return self._if_fits(name, fits, lambda version: self._change(self._say.swap, name, version, *document))

    def drop(self, name: Any, fits: Callable[[Any], bool]) -> bool:
        return self._if_fits(name, fits, lambda version: self._change(self._say.drop, name, version))

    def _if_fits(self, name: Any, fits: Callable[[Any], bool], change: Callable[[str], int]) -> bool:
        """Change a row that fits, of the version that was looked at; look again where another writer was faster."""
        for _ in range(MOST):
            rows = self._ask(self._say.look, name)
            if not rows or not fits(rows[0][0]):
                return False
            version = rows[0][1]
            if change(version if isinstance(version, str) else version.decode()):
                return True
        raise AgainError(f"tried {MOST:,} times")

    def expires_in(self, name: Any) -> float | None:
        rows = self._ask(self._say.expires_in, name)
        if not rows:
            raise KeyError(name)
        return None if rows[0][0] is None else max(0.0, rows[0][0])

    def prolong(self, name: Any, ttl: float | None) -> bool:
        return self._change(self._say.prolong, name, None if ttl is None or ttl > _LONGEST_TTL else ttl) > 0

    def count_up(self, name: Any, by: int, document: Any, *, renew: bool) -> int | None:
        rows = self._writing().change_and_ask(self._say.count_up, (name, *document, by, renew))
        return int(rows[0][0]) if rows else None

    def load(self, found: Any) -> Any:
        if not self._documents:
            return found
        if RESERVED in found or "\\u00" in found:
            return self.scheme.load(fields_in(found))
        return value_in(found)

    # -- many documents ----------------------------------------------------------------------------------------

    def fetch(self, names: list[Any]) -> dict[Any, Any]:
        return dict(self._ask(self._say.fetch, names))

    def put(self, documents: dict[Any, Any]) -> None:
        if not documents:
            return
        connections = self._writing()
        names = sorted(documents)  # in one order, so that two writers of the same rows do not wait for each other
        if len(documents) < _COPIED:
            cells, seconds = zip(*(documents[name] for name in names), strict=True)
            connections.change(self._say.put, (names, list(cells), list(seconds)))
            return
        if not self._copied(connections, names, documents):
            self._staged(connections, names, documents)

    def _copied(self, connections: Connections, names: list[str], documents: dict[Any, Any]) -> bool:
        """Copy rows into the table, where there is none between the first and the last of them."""
        if any(documents[name][1] is not None for name in names) or connections.ask(
            self._say.between, (names[0], names[-1])
        ):
            return False
        try:
            with connections.transaction() as connection, connection.cursor().copy(self._say.copy) as copy:
                if self._documents:
                    for some in batches(names, _COPIED):
                        copy.write(copy_lines((name, documents[name][0]) for name in some))
                else:
                    for name in names:
                        copy.write_row((name, documents[name][0]))
        except Exception as error:
            if not is_duplicate(error):  # another writer came between
                raise
            return False
        return True

    def _staged(self, connections: Connections, names: list[str], documents: dict[Any, Any]) -> None:
        """Copy rows into a table of this connection, and upsert them from there."""
        with connections.transaction() as connection:
            connection.execute(self._say.stage)
            with connection.cursor().copy(self._say.fill) as copy:
                for name in names:
                    copy.write_row((name, *documents[name]))
            connection.execute(self._say.load)
            connection.execute(self._say.unstage)

    def remove(self, names: list[Any]) -> int:
        connections = self._reading()
        if connections is None:
            return 0
        return int(connections.change_and_ask(self._say.remove, (sorted(names),))[0][0])

    def empty(self) -> None:
        self._change(f"DELETE FROM {self._link.sql}")

    def sweep(self) -> int:
        return self._change(self._say.sweep)

    def size(self) -> int:
        rows = self._ask(self._say.size)
        return int(rows[0][0]) if rows else 0

    # -- listing and searching ---------------------------------------------------------------------------------

    def listing(
        self,
        native: Filter | None,
        *,
        keys_only: bool = False,
        limit: int | None = None,
        page: int | None = None,
    ) -> Iterator[tuple[Any, Any]]:
        connections = self._reading()
        if connections is None:
            return iter(())
        columns = "key" if keys_only else f"key, {self._say.value}"
        where, operands = ("true", ()) if native is None else (numbered(native.sql), native.operands)
        sql = f"SELECT {columns} FROM {self._link.sql} WHERE {where} AND {ALIVE}"
        if limit is not None:
            sql += f" LIMIT ${len(operands) + 1}"
            operands = (*operands, limit)
        snapshot = getattr(native, "snapshot", None)
        rows = listed(connections, sql, operands, first=page, snapshot=snapshot)
        return ((key, None) for (key,) in rows) if keys_only else rows

    def split(self, count: int) -> list[Part]:
        connections = self._reading()
        return [] if connections is None else quantiles(connections, self._link.sql, count)

    def explain_scan(self, pushed: PushedQuery[Filter], query: Query) -> str:
        what = "keys" if query.keys_only else "documents"
        table = readable(self._link.connection)
        if pushed.filter is None or table is None:
            return f"all {what} of the table {self._link.table!r}" + (
                "" if query.limit is None else ", up to the limit"
            )
        plan = table.search_plan(numbered(pushed.filter.sql), pushed.filter.operands)
        return f"{what} that PostgreSQL finds by: {plan}"

    # -- what only PostgreSQL has ------------------------------------------------------------------------------

    @contextmanager
    def transaction(self, begin: Callable[[Any], object] | None = None) -> Iterator[None]:
        try:
            with self._writing().transaction(begin):
                yield
        except Exception as error:
            ours = self.translated("transaction", MISSING, error)
            if ours is error:
                raise
            raise ours from error

    def snapshot(self) -> AbstractContextManager[None]:
        """Hold a transaction of this thread that reads one state, by which its shares are read elsewhere too."""
        return self.transaction(read_snapshot)

    def watch(self, heard: Heard) -> Watch:
        """Tell of every change of the table, whoever makes it, until the store is closed."""
        self.call("watch", lambda: next(changes(self._link)))  # so that what forbids it is told here
        watch = Watch(lambda: changes(self._link), heard)
        self._watches.add(watch)
        return watch

    def index(self, field: tuple[str, ...], *, drop: bool = False) -> None:
        """Make or remove the index of a field."""
        if not self._documents or not field or not all(map(self.scheme.stands_within, field)):
            raise UnsupportedError(f"{self!r}: {shortened(field)} can have no index: it is no field of a document here")
        table = writable(self._link.connection)
        self.call("index", table.drop_index if drop else table.create_index, field)

    def indexes(self) -> list[str]:
        """Return the fields that have an index, each as a JSON list of names."""
        table = readable(self._link.connection)
        return [] if table is None else list(self.call("indexes", table.indexed))

    def call(self, operation: str, work: Callable[..., Any], *arguments: Any) -> Any:
        """Do a piece of work, and raise its errors as ours."""
        try:
            return work(*arguments)
        except Exception as error:
            raise self.translated(operation, MISSING, error) from error

    # -- keys, sizes, errors -----------------------------------------------------------------------------------

    def name_of(self, key: Any) -> Any:
        if type(key) is str and key.isascii() and key.isprintable() and len(key) <= LONGEST_KEY:
            return key
        if not isinstance(key, str) or not (key.isascii() or is_sound(key)):
            raise self.no_key(key, "a str of valid text")
        name = text_down(str.__str__(key))
        if len(name) > LONGEST_KEY // 4 and (size := len(name.encode())) > LONGEST_KEY:
            raise self.too_long(key, size, LONGEST_KEY)
        return name

    def key_of(self, name: Any) -> Any:
        key = text_up(name)
        if text_down(key) != name:
            raise self.no_name(name, "its control characters are not this store's")
        return key

    def document_of(self, name: Any, key: Any, value: Any) -> Any:
        text = plain_json(value, levels=self.scheme.max_depth, floats=False) if self._documents else None
        if text is None or has_controls(text):
            return super().document_of(name, key, value)
        return self._fitted(key, text)

    def fit(self, name: Any, key: Any, document: dict[str, Any]) -> tuple[Any, float | None]:  # noqa: ARG002
        return self._fitted(key, written(document) if self._documents else document[RESERVED]["value"])

    def _fitted(self, key: Any, cell: Any) -> tuple[Any, float | None]:
        if len(cell) > LARGEST // 4:
            size = len(cell) if isinstance(cell, bytes) or cell.isascii() else len(cell.encode())
            if size > LARGEST:
                raise self.too_large(key, size)
        return cell, None

    def expiring(self, document: Any, ttl: float) -> Any:
        seconds = check_ttl(ttl, self.store)
        return document[0], None if seconds == math.inf or seconds > _LONGEST_TTL else float(seconds)

    @property
    def guide(self) -> ErrorGuide:
        return GUIDE

    def note(self, error: Exception) -> None:
        if is_missing(error):
            self._link.connection().invalidate()
