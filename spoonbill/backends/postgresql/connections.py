"""The connections to a PostgreSQL server: lent for a call, held for a transaction, tried before they are used."""

import select
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from spoonbill.backends.postgresql.errors import UnreachedError, is_lost, is_to_repeat
from spoonbill.backends.shared.backoff import attempts

__all__ = ["Connections", "numbered"]

_FIRST_PAUSE: Final = 0.02
_MOST: Final = 10
"""How often a read is sent again over another connection, and a write that others were in the way of."""


def numbered(sql: str, first: int = 1) -> str:
    """Return SQL with numbers in place of its question marks."""
    head, *rest = sql.split("?")
    return head + "".join(f"${number}{text}" for number, text in enumerate(rest, first))


class Connections:
    """Lends connections of a pool.

    A connection that was given back waits at hand for the next call: the pool itself is asked where there is none.
    One that the server closed meanwhile is noticed before anything is sent, so that a server that starts anew costs no
    call.

    Parameters
    ----------
    pool : psycopg_pool.ConnectionPool
        Opened.
    timeout : float
        Seconds to wait for a connection.
    binary : bool
        Whether values come as bytes.
    """

    def __init__(self, pool: Any, timeout: float, *, binary: bool) -> None:
        from psycopg import RawCursor
        from psycopg.rows import tuple_row
        from psycopg_pool import PoolTimeout

        self.pool = pool
        self._timeout, self._binary = timeout, binary
        self._cursor, self._row, self._no_connection = RawCursor, tuple_row, PoolTimeout
        self._ready: deque[Any] = deque()
        self._waiting = 0
        self._local = threading.local()

    # -- lending -----------------------------------------------------------------------------------------------

    def _take(self) -> Any:
        while (connection := self._ready_one()) is None:
            self._waiting += 1  # from here on what is given back goes to the pool, where this call waits
            try:
                connection = self._ready_one()
                if connection is None:
                    connection = self._of_pool()
            finally:
                self._waiting -= 1
            if _is_alive(connection):
                break
            self.pool.putconn(connection)
        if not connection.autocommit:
            connection.autocommit = True
        return connection

    def _of_pool(self) -> Any:
        try:
            return self.pool.getconn(self._timeout)
        except self._no_connection as error:
            raise UnreachedError(f"no connection to the server within {self._timeout:g} seconds: {error}") from error

    def _ready_one(self) -> Any:
        while self._ready:
            try:
                connection = self._ready.pop()
            except IndexError:
                return None
            if _is_alive(connection):
                return connection
            self.pool.putconn(connection)
        return None

    def _give(self, connection: Any) -> None:
        if connection.closed or connection.pgconn.transaction_status:  # broken, or cut off in the middle
            self.pool.putconn(connection)
            return
        self._ready.append(connection)
        if self._waiting:
            try:
                connection = self._ready.pop()
            except IndexError:
                return
            self.pool.putconn(connection)

    @contextmanager
    def lent(self) -> Iterator[Any]:
        """Lend a connection: that of this thread's transaction where it has one."""
        held = self.held
        if held is not None:
            yield held
            return
        connection = self._take()
        try:
            yield connection
        finally:
            self._give(connection)

    @property
    def held(self) -> Any:
        """The connection of this thread's transaction."""
        return getattr(self._local, "held", None)

    # -- statements --------------------------------------------------------------------------------------------

    def cursor(self, connection: Any) -> Any:
        """Return a cursor for statements with numbered operands."""
        return self._cursor(connection, row_factory=self._row)

    def ask(self, sql: str, operands: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a statement that only reads; asked again where the connection broke."""
        held = self.held
        if held is not None:
            return self._run(held, sql, operands).fetchall()  # type: ignore[no-any-return]
        for attempt in attempts(_FIRST_PAUSE, most=_MOST):
            connection = self._take()
            try:
                return self._run(connection, sql, operands).fetchall()  # type: ignore[no-any-return]
            except Exception as error:
                if not is_lost(error) or attempt == _MOST - 1:
                    raise
            finally:
                self._give(connection)
        raise AssertionError  # the last attempt returned or raised

    def change(self, sql: str, operands: tuple[Any, ...] = ()) -> Any:
        """Return the cursor of a statement that writes; sent again where the server undid it for another writer."""
        held = self.held
        if held is not None:
            return self._run(held, sql, operands)
        for attempt in attempts(_FIRST_PAUSE, most=_MOST):
            connection = self._take()
            try:
                return self._run(connection, sql, operands)
            except Exception as error:
                if not is_to_repeat(error) or attempt == _MOST - 1:
                    raise
            finally:
                self._give(connection)
        raise AssertionError

    def _run(self, connection: Any, sql: str, operands: tuple[Any, ...]) -> Any:
        return self._cursor(connection, row_factory=self._row).execute(sql, operands, binary=self._binary)

    # -- transactions ------------------------------------------------------------------------------------------

    @contextmanager
    def transaction(self, begin: Callable[[Any], object] | None = None) -> Iterator[Any]:
        """Hold a transaction of this thread, or a savepoint in the one that it has: all or nothing.

        Parameters
        ----------
        begin : callable, optional
            Is given the connection at the beginning of a transaction.
        """
        outer = self.held
        if outer is not None:
            with outer.transaction():
                yield outer
            return
        connection = self._take()
        self._local.held = connection
        try:
            with connection.transaction():
                if begin is not None:
                    begin(connection)
                yield connection
        finally:
            self._local.held = None
            self._give(connection)

    def close(self) -> None:
        """Close the connections at hand; the pool belongs to who opened it."""
        while self._ready:
            self.pool.putconn(self._ready.pop())


def _is_alive(connection: Any) -> bool:
    """Return whether a connection that nothing was asked of is still open: then there is nothing to read on it."""
    if connection.closed:
        return False
    poll = select.poll()
    poll.register(connection.pgconn.socket, select.POLLIN)
    try:
        while poll.poll(0):
            connection.pgconn.consume_input()
            if connection.pgconn.status:
                break
        else:
            return True
    except Exception:  # noqa: S110 - whatever it says, the connection is of no more use
        pass
    connection.close()
    return False
