"""How a table is read in pieces: by a cursor on the server, in parts that share out the keys, as of one snapshot."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final

from spoonbill.backends.postgresql.connections import Connections
from spoonbill.backends.postgresql.pushdown import KEYS
from spoonbill.query import Part

__all__ = ["listed", "quantiles", "read_snapshot"]

_PAGE: Final = 1000
"""Rows that a cursor sends at once."""

_SAMPLED: Final = 100_000
"""Rows of a table from which on the bounds of its parts are told by a sample of about so many."""

_BEGIN: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


def listed(
    connections: Connections,
    sql: str,
    operands: tuple[Any, ...],
    *,
    first: int | None,
    snapshot: str | None,
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a SELECT as they are now, in pages.

    Parameters
    ----------
    connections : Connections
        The way to the server.
    sql, operands
        The statement.
    first : int or None
        So many rows would do at first.
    snapshot : str or None
        A state of the database that another transaction holds, to be read in place of the newest one.
    """
    if connections.held is not None:
        yield from connections.ask(sql, operands)
        return
    with connections.lent() as connection:
        rows = connections.cursor(connection)
        page = _PAGE if first is None else max(1, min(first, _PAGE))
        try:
            with connection.pipeline():
                connection.execute(_BEGIN)
                if snapshot is not None:
                    connection.execute(f"SET TRANSACTION SNAPSHOT '{_checked(snapshot)}'")
                connections.cursor(connection).execute(f"DECLARE spoonbill NO SCROLL CURSOR FOR {sql}", operands)
                rows.execute(f"FETCH {page} FROM spoonbill", binary=connections.binary)
            while found := rows.fetchall():
                if len(found) < page:
                    connection.rollback()  # nothing more comes: the loop below holds no transaction
                    yield from found
                    return
                yield from found
                page = _PAGE
                rows.execute(f"FETCH {page} FROM spoonbill", binary=connections.binary)
        finally:
            if not connection.closed and connection.pgconn.transaction_status:
                connection.rollback()


def _checked(snapshot: str) -> str:
    """Return the name of a snapshot, which SQL takes as a text alone: hexadecimal digits and hyphens."""
    if not set(snapshot) <= set("0123456789ABCDEF-"):
        raise ValueError(f"{snapshot!r} is no snapshot of PostgreSQL")
    return snapshot


def read_snapshot(connection: Any) -> None:
    """Begin a transaction of one state of the database."""
    connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")


def quantiles(connections: Connections, table: str, count: int) -> list[Part]:
    """Return parts between the keys that share out the table about evenly."""
    snapshot = _exported(connections)
    if count == 1:
        return [(KEYS, None, None, snapshot)]
    ((rows,),) = connections.ask("SELECT reltuples FROM pg_class WHERE oid = to_regclass($1)", (table,))
    percent = min(100.0, 100.0 * _SAMPLED / rows) if rows > _SAMPLED else 100.0
    source = table if percent == 100.0 else f"{table} TABLESAMPLE SYSTEM ({percent:f})"
    edges = [number / count for number in range(1, count)]
    sql = f"SELECT percentile_disc($1::float8[]) WITHIN GROUP (ORDER BY key) FROM {source}"
    ((found,),) = connections.ask(sql, (edges,))
    bounds = sorted(set(found or ()))
    return [(KEYS, low, high, snapshot) for low, high in pairwise([None, *bounds, None])]


def _exported(connections: Connections) -> str | None:
    """Return the name of the snapshot that this thread reads, by which others read it as long as its block lasts."""
    if connections.held is None:
        return None
    ((level,),) = connections.ask("SELECT current_setting('transaction_isolation')")
    if level != "repeatable read":
        return None
    ((name,),) = connections.ask("SELECT pg_export_snapshot()")
    return str(name)
