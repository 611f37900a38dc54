"""The connections to a PostgreSQL server: lent for a call, held for a transaction, tried before they are used."""

import select
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from spoonbill.backends.postgresql.errors import UnreachedError, is_lost, is_to_repeat
from spoonbill.backends.shared.backoff import attempts
from spoonbill.common.bridging.local import Local

__all__ = ["Connections", "numbered"]

_FIRST_PAUSE: Final = 0.02
_MOST: Final = 10
"""How often a read is sent again over another connection, and a write that others were in the way of."""


def numbered(sql: str, first: int = 1) -> str:
    """Return SQL with numbers in place of its question marks."""
    head, *rest = sql.split("?")
    return head + "".join(f"${number}{text}" for number, text in enumerate(rest, first))


class Lent:
    """A connection with a cursor that all of its statements share, and what tells whether it is still open."""

    __slots__ = ("connection", "cursor", "poll")

    def __init__(self, connection: Any, cursor: Any) -> None:
        self.connection, self.cursor = connection, cursor
        self.poll = select.poll()
        self.poll.register(connection.pgconn.socket, select.POLLIN)

    def is_alive(self) -> bool:
        """Return whether it is open: nothing was asked of it, so that there is nothing to read on it."""
        if self.connection.closed:
            return False
        try:
            while self.poll.poll(0):
                self.connection.pgconn.consume_input()
                if self.connection.pgconn.status:
                    break
            else:
                return True
        except Exception:  # noqa: S110 - whatever it says, the connection is of no more use
            pass
        self.connection.close()
        return False


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
    cursor : callable, optional
        Makes the cursors, where they are not those of psycopg's own connections.
    """

    def __init__(self, pool: Any, timeout: float, *, binary: bool, cursor: Callable[..., Any] | None = None) -> None:
        from psycopg import RawCursor
        from psycopg.rows import tuple_row
        from psycopg_pool import PoolTimeout

        self.pool = pool
        self.binary = binary
        self._timeout = timeout
        self._cursor, self._row, self._no_connection = cursor or RawCursor, tuple_row, PoolTimeout
        self._ready: deque[Lent] = deque()
        self._waiting = 0
        self._held: Local[Lent | None] = Local(None)

    # -- lending -----------------------------------------------------------------------------------------------

    def _take(self) -> Lent:
        lent = self._at_hand()
        while lent is None:
            self._waiting += 1  # from here on what is given back goes to the pool, where this call waits
            try:
                lent = self._at_hand() or self._of_pool()
            finally:
                self._waiting -= 1
        return lent

    def _at_hand(self) -> Lent | None:
        while self._ready:
            try:
                lent = self._ready.pop()
            except IndexError:
                return None
            if lent.is_alive():
                return lent
            self.pool.putconn(lent.connection)
        return None

    def _of_pool(self) -> Lent | None:
        try:
            connection = self.pool.getconn(self._timeout)
        except self._no_connection as error:
            raise UnreachedError(f"no connection to the server within {self._timeout:g} seconds: {error}") from error
        lent = Lent(connection, self.cursor(connection))
        if not lent.is_alive():
            self.pool.putconn(connection)
            return None
        if not connection.autocommit:
            connection.autocommit = True
        return lent

    def _give(self, lent: Lent) -> None:
        if lent.connection.closed or lent.connection.pgconn.transaction_status:  # broken, or cut off in the middle
            self.pool.putconn(lent.connection)
            return
        self._ready.append(lent)
        if self._waiting:
            try:
                lent = self._ready.pop()
            except IndexError:
                return
            self.pool.putconn(lent.connection)

    @contextmanager
    def lent(self) -> Iterator[Any]:
        """Lend a connection."""
        lent = self._take()
        try:
            yield lent.connection
        finally:
            self._give(lent)

    @property
    def held(self) -> Lent | None:
        """The connection of the transaction of this thread, or of this call in a bridge."""
        return self._held.value

    # -- statements --------------------------------------------------------------------------------------------

    def cursor(self, connection: Any) -> Any:
        """Return a cursor for statements with numbered operands."""
        return self._cursor(connection, row_factory=self._row)

    def ask(self, sql: str, operands: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a statement that only reads; asked again where the connection broke."""
        try:
            return self._once(sql, operands, returns=True)  # type: ignore[no-any-return]
        except Exception as error:
            if not is_lost(error) or self.held is not None:
                raise
        return self._again(sql, operands, is_lost, returns=True)  # type: ignore[no-any-return]

    def change(self, sql: str, operands: tuple[Any, ...] = ()) -> int:
        """Return how many rows a statement changed; it is sent again where the server undid it for another writer."""
        return self._changed(sql, operands, returns=False)  # type: ignore[no-any-return]

    def change_and_ask(self, sql: str, operands: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Return the rows that a statement gives which writes, as `change` sends it."""
        return self._changed(sql, operands, returns=True)  # type: ignore[no-any-return]

    def _changed(self, sql: str, operands: tuple[Any, ...], *, returns: bool) -> Any:
        try:
            return self._once(sql, operands, returns=returns)
        except Exception as error:
            if not is_to_repeat(error) or self.held is not None:
                raise
        return self._again(sql, operands, is_to_repeat, returns=returns)

    def _once(self, sql: str, operands: tuple[Any, ...], *, returns: bool) -> Any:
        held = self.held
        lent = self._take() if held is None else held
        try:
            cursor = lent.cursor.execute(sql, operands, binary=self.binary)
            return cursor.fetchall() if returns else cursor.rowcount
        finally:
            if held is None:
                self._give(lent)

    def _again(
        self, sql: str, operands: tuple[Any, ...], may: Callable[[BaseException], bool], *, returns: bool
    ) -> Any:
        """Send a statement once more and more."""
        for attempt in attempts(_FIRST_PAUSE):
            try:
                return self._once(sql, operands, returns=returns)
            except Exception as error:
                if not may(error) or attempt == _MOST:
                    raise
        raise AssertionError  # the last attempt returned or raised

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
            with outer.connection.transaction():
                yield outer.connection
            return
        lent = self._take()
        self._held.value = lent
        try:
            with lent.connection.transaction():
                if begin is not None:
                    begin(lent.connection)
                yield lent.connection
        finally:
            self._held.value = None
            self._give(lent)

    def close(self) -> None:
        """Close the connections at hand; the pool belongs to who opened it."""
        while self._ready:
            self.pool.putconn(self._ready.pop().connection)
