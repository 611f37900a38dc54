"""From what the user gives to a pool, and to the table of a store."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from spoonbill.backends.postgresql.awaited import AwaitedPool
from spoonbill.backends.postgresql.connections import Connections
from spoonbill.backends.postgresql.errors import UnreachedError
from spoonbill.backends.postgresql.options import PostgresOptions
from spoonbill.backends.postgresql.table import LONGEST_NAME, Table, quoted
from spoonbill.backends.shared import Connection, check_client, client_module, unknown_option
from spoonbill.common.bridging.loop_handles import LoopHandles
from spoonbill.errors import StoreError, UnsupportedError
from spoonbill.store import Store

__all__ = ["Link"]


class Link:
    """Opens the pool when it is first needed, anew in a forked child.

    Parameters
    ----------
    store : Store
        Whose errors name it.
    dsn, table : str
        Where the table is.
    kind : str
        The type of its values: ``"jsonb"`` or ``"bytea"``.
    schema, create, client, max_connections, timeout, statement_timeout
        As `PostgresOptions` describes them.
    **options
        For ``psycopg.connect``.
    """

    def __init__(
        self,
        store: Store[Any, Any],
        dsn: str,
        table: str,
        kind: str,
        *,
        schema: str | None = None,
        create: bool = True,
        client: Any = None,
        max_connections: int = 20,
        timeout: float = 30,
        statement_timeout: float | None = None,
        **options: Any,
    ) -> None:
        client_module("postgresql")
        from psycopg_pool import ConnectionPool

        check_client(
            repr(store), client, fits=isinstance(client, ConnectionPool), wanted="a psycopg_pool.ConnectionPool"
        )
        for name in (table, *(() if schema is None else (schema,))):
            if not name or "\0" in name or len(name.encode()) > LONGEST_NAME:
                raise UnsupportedError(
                    f"{store!r}: PostgreSQL has no table or schema named {name!r}: a name is 1 to {LONGEST_NAME} bytes"
                )
        self.table, self.kind = table, kind
        self.prefix = "" if schema is None else f"{quoted(schema)}."
        self.sql = self.prefix + quoted(table)
        self._store, self._dsn, self._schema, self._create = store, dsn, schema, create
        self._client, self._most, self._timeout = client, max_connections, timeout
        self._statement_timeout, self._options = statement_timeout, options
        self.connection: Connection[Table] = Connection(
            self._connect,
            _disconnect if client is None else _give_back,
            store._closed_error,  # noqa: SLF001
            LoopHandles(self._connect_async, _disconnect) if client is None else None,
        )

    def _connect(self) -> Table:
        pool = self._client if self._client is not None else self._opened()
        return self._table(Connections(pool, self._timeout, binary=self.kind == "bytea"))

    def _connect_async(self) -> Table:
        pool = AwaitedPool(self._dsn, self._options, self._most, self._configured)
        with self._explaining():
            pool.open(self._timeout)
        return self._table(Connections(pool, self._timeout, binary=self.kind == "bytea", cursor=pool.cursor))

    def _table(self, connections: Connections) -> Table:
        return Table(connections, repr(self._store), self.table, self._schema, self.kind, create=self._create)

    def _opened(self) -> Any:
        """Return a pool, after one connection was made by hand: the pool itself would not tell why it cannot."""
        import psycopg
        from psycopg_pool import ConnectionPool

        logging.getLogger("psycopg.pool").addFilter(_is_no_retry)
        with self._explaining():
            psycopg.connect(self._dsn, **self._options).close()
        return ConnectionPool(
            self._dsn,
            kwargs={"autocommit": True, **self._options},
            min_size=0,
            max_size=self._most,
            timeout=self._timeout,
            configure=self._configured,
            open=True,
            name="spoonbill",
        )

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        """Tell what is wrong with a first connection."""
        import psycopg

        try:
            yield
        except psycopg.ProgrammingError as error:
            misspelled = unknown_option(
                repr(self._store), _as_option(error), PostgresOptions.__annotations__, self._options
            )
            if misspelled is not None:
                raise misspelled from None
            raise StoreError(f"open of {self._store!r}: {error}. Check the address and the options.") from error
        except psycopg.OperationalError as error:
            raise UnreachedError(str(error)) from error

    def listener(self) -> Any:
        """Return a connection beside the pool, with its settings, to be used as a context manager."""
        import psycopg

        if self._client is None:
            return psycopg.connect(self._dsn, autocommit=True, **self._options)
        return psycopg.connect(self._client.conninfo, **{**(self._client.kwargs or {}), "autocommit": True})

    def _configured(self, connection: Any) -> None:
        if self._statement_timeout is not None:
            milliseconds = str(max(1, round(self._statement_timeout * 1000)))
            connection.execute("SELECT set_config('statement_timeout', %s, false)", (milliseconds,))


def _as_option(error: Exception) -> Exception:
    text = str(error)
    prefix = "invalid connection option "
    return TypeError(f"unexpected keyword argument '{text.split(chr(34))[1]}'") if prefix in text else error


def _is_no_retry(record: logging.LogRecord) -> bool:
    """Return whether a message of the pool is worth a word: that it tries again is not, each call that waits tells."""
    return "error connecting in" not in record.getMessage()


def _give_back(table: Table) -> None:
    table.connections.close()


def _disconnect(table: Table) -> None:
    table.connections.close()
    table.connections.pool.close(timeout=1)
