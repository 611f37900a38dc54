"""PostgresStore: native documents in a table of PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, TypeVar, Unpack

from spoonbill.backends.postgresql.backend import Postgres
from spoonbill.backends.postgresql.options import PostgresOptions
from spoonbill.datastores._base import DocumentStore, holds_documents

K = TypeVar("K")
V = TypeVar("V")


class PostgresStore(DocumentStore[K, V]):
    """Documents as ``jsonb`` that every other tool reads, searched by the server, with transactions and expiry.

    Parameters
    ----------
    dsn : str, optional
        The server and the database, as an address or as libpq's settings; by default those of the environment
        (``PGHOST`` and so on). Connecting waits for the first call.
    table : str, optional
        The table, created by the first write.
    strict : bool, optional
        True: a value is a document, or a part of one, of None, bool, int, float, str, bytes, list, dict and datetime,
        and a key is a str. False: any value and key that pickle or cloudpickle can hold, as ``bytea``.
    codec : str or object, optional
        How values are written as bytes, if not as documents.
    **options : PostgresOptions
        ``schema``, ``create``, ``client``, ``max_connections``, ``timeout``, ``statement_timeout``, and options for
        ``psycopg.connect``.

    Raises
    ------
    MissingExtraError
        If psycopg is not installed.

    Examples
    --------
    >>> from spoonbill.datastores import PostgresStore
    >>> store = PostgresStore("postgresql://localhost/shop", "articles")  # nothing connects yet
    >>> store.limits.key_bytes
    2692
    """

    def __init__(
        self,
        dsn: str = "",
        table: str = "spoonbill",
        *,
        strict: bool = True,
        codec: str | object | None = None,
        **options: Unpack[PostgresOptions],
    ) -> None:
        values: Literal["jsonb", "bytea"] = "jsonb" if holds_documents(strict, codec) else "bytea"
        backend = Postgres(dsn, table, values=values, **options)
        self._engine = backend.engine
        super().__init__(backend, strict=strict, codec=codec)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold a transaction: what this thread writes in the block is written together at its end, or not at all.

        Others see nothing of it before. A block inside a block can fail alone. An error that leaves the block undoes
        what it wrote.
        """
        with self._engine.transaction():
            yield

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Hold one state of the database, which this thread reads in the block whatever others write.

        Shares that are made in the block are read from the same state, by other processes too, as long as it lasts.
        """
        with self._engine.snapshot():
            yield

    def create_index(self, *field: str) -> None:
        """Let searches by a field use an index; `explain` then names it.

        Parameters
        ----------
        *field : str
            The name of the field; of a field in a field the names of both.
        """
        self._engine.index(field)

    def drop_index(self, *field: str) -> None:
        """Remove the index of a field."""
        self._engine.index(field, drop=True)

    def indexes(self) -> list[str]:
        """Return the fields that have an index, each as a JSON list of names: ``'["country"]'``."""
        return self._engine.indexes()

    def sweep(self) -> int:
        """Delete what has expired, which no reader sees any more, and return how many entries it was."""
        return int(self._engine.call("sweep", self._engine.sweep))
