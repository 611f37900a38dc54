"""PostgreSQL: documents, or bytes, in a table."""

from typing import Any, Literal

from spoonbill.backends.postgresql.engine import LARGEST, LONGEST_KEY, PostgresEngine
from spoonbill.backends.postgresql.link import Link
from spoonbill.backends.shared import Heard, Watch
from spoonbill.backends.shared.documents import TableBackend
from spoonbill.common.traits import Guarantees, Limits

__all__ = ["Postgres"]


class Postgres(TableBackend):
    """The rows of a table with the columns ``key``, ``value`` and ``expires``.

    Parameters
    ----------
    dsn : str, optional
        The server and the database, as an address or as libpq's settings; by default those of the environment
        (``PGHOST`` and so on). Connecting waits for the first call.
    table : str, optional
        The table, created by the first write.
    values : {"jsonb", "bytea"}, optional
        ``"jsonb"``: documents. ``"bytea"``: bytes.
    **options : PostgresOptions
        ``schema``, ``create``, ``client``, ``max_connections``, ``timeout``, ``statement_timeout``, and options for
        ``psycopg.connect``.

    Attributes
    ----------
    engine : PostgresEngine
        What only PostgreSQL has: transactions, snapshots, indexes.
    """

    awaits = True
    limits = Limits(key_bytes=LONGEST_KEY, value_bytes=LARGEST)
    guarantees = Guarantees(
        threads="safe; each call takes a connection, a transaction keeps one",
        processes="safe, on any number of machines",
        fork="both sides go on, the child with connections of its own; not inside a transaction or a loop",
        crash="a finished write survives a power cut of the server, unless its synchronous_commit is off",
        iteration="a snapshot of the moment when the loop began; writing meanwhile works",
        atomic="between all clients; a batch of 10,000 is one step",
    )

    def __init__(
        self,
        dsn: str = "",
        table: str = "spoonbill",
        *,
        values: Literal["jsonb", "bytea"] = "jsonb",
        **options: Any,
    ) -> None:
        if values not in {"jsonb", "bytea"}:
            raise ValueError(f'Postgres: values is "jsonb" or "bytea", not {values!r}')
        self.engine = PostgresEngine(self, Link(self, dsn, table, values, **options))
        super().__init__(self.engine)
        self.loop_handles = self.engine.loops
        self.awaits = self.loop_handles is not None

    def watch(self, heard: Heard) -> Watch:
        """Tell of every change of the table, whoever makes it: what ``Cached(store, invalidate="engine")`` asks for.

        Parameters
        ----------
        heard : callable
            Is given the keys that changed, None for any, and whether it will be told of more. It returns whether it
            still listens.
        """
        return self.engine.watch(heard)
