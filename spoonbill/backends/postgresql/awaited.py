"""Connections to a PostgreSQL server that an event loop waits for, used as those of the synchronous pool are."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from spoonbill.backends.postgresql.errors import UnreachedError
from spoonbill.backends.shared.backoff import attempts
from spoonbill.backends.shared.loop_pool import LoopPool
from spoonbill.common.bridging.twin import Twin, untwinned

__all__ = ["AwaitedPool"]

_MODULES: Final = (
    "psycopg.connection_async",
    "psycopg.cursor_async",
    "psycopg.raw_cursor",
    "psycopg._pipeline_async",
    "psycopg._copy_async",
)
"""Where the client's asynchronous classes are."""

_FIRST_PAUSE: Final = 0.05


class AwaitedPool:
    """A pool of one event loop, which runs nothing in the background.

    Parameters
    ----------
    dsn : str
        Where the server is.
    options : mapping
        For ``psycopg.AsyncConnection.connect``.
    most : int
        How many connections there are at once.
    configure : callable
        Is given each new connection.
    """

    def __init__(self, dsn: str, options: Mapping[str, Any], most: int, configure: Callable[[Any], None]) -> None:
        self._dsn, self._options, self._configure = dsn, options, configure
        self._patience = 0.0  # seconds for a new connection, while the server starts anew
        self._pool: LoopPool[Twin] = LoopPool(self._connect, most)

    def open(self, timeout: float) -> None:
        """Make a first connection, and raise at once where that fails."""
        self.putconn(self.getconn(timeout))
        self._patience = timeout

    def _connect(self) -> Twin:
        from psycopg import AsyncConnection, OperationalError

        failure: OperationalError | None = None
        for _ in attempts(_FIRST_PAUSE, seconds=self._patience):
            try:
                connection: Twin = Twin(AsyncConnection, *_MODULES).connect(self._dsn, autocommit=True, **self._options)
            except OperationalError as error:
                failure = error
            else:
                self._configured(connection)
                return connection
        assert failure is not None  # noqa: S101 - for type checkers: no attempt succeeded
        raise UnreachedError(str(failure)) from failure

    def _configured(self, connection: Twin) -> None:
        try:
            self._configure(connection)
        except BaseException:
            connection.pgconn.finish()
            raise

    def getconn(self, timeout: float) -> Twin:
        """Lend a connection.

        Raises
        ------
        PoolTimeout
            If none was free in time.
        """
        from psycopg_pool import PoolTimeout

        try:
            return self._pool.take(timeout)
        except TimeoutError as error:
            raise PoolTimeout(f"couldn't get a connection after {timeout:.2f} sec") from error

    def putconn(self, connection: Twin) -> None:
        """Take one back. One that was cut off in the middle of something is closed."""
        usable = not connection.closed and not connection.pgconn.transaction_status
        if not usable:
            connection.pgconn.finish()
        self._pool.give(connection, usable=usable)

    def cursor(self, connection: Twin, row_factory: Any) -> Twin:
        """Return a cursor for statements with numbered operands."""
        from psycopg import AsyncRawCursor

        return Twin(AsyncRawCursor(untwinned(connection), row_factory=row_factory), *_MODULES)

    def close(self, timeout: float) -> None:  # noqa: ARG002 - as that of the synchronous pool
        """Close all connections, in a bridge of the loop."""
        for connection in list(self._pool.connections):
            connection.close()
