"""SQLiteStore: native documents in a table of a SQLite file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar, Unpack

from spoonbill.backends.sqlite.backend import SQLite
from spoonbill.backends.sqlite.options import SQLiteOptions
from spoonbill.datastores._base import DocumentStore

K = TypeVar("K")
V = TypeVar("V")


class SQLiteStore(DocumentStore[K, V]):
    """One file, many processes, safe from crashes, searched by SQLite; other tools read the JSON by ``json_extract``.

    Parameters
    ----------
    path : str or Path
        The file; made where it is missing. ``":memory:"`` for a database that ends with the store.
    table : str, optional
        The table. Several stores can live in one file.
    strict : bool, optional
        True: a value is a document, or a part of one, of None, bool, int, float, str, bytes, list, dict and datetime,
        and a key is a str. False: any value and key that pickle or cloudpickle can hold.
    codec : str or object, optional
        How values are written as bytes, if not as documents.
    **options : SQLiteOptions
        ``durability``, ``timeout``, ``create``, ``readonly``.

    Raises
    ------
    StoreError
        If the file is no SQLite database, or the table is no store.

    Examples
    --------
    >>> from spoonbill.datastores import SQLiteStore
    >>> store = SQLiteStore(":memory:")
    >>> store["ada"] = {"born": 1815, "country": "GB"}
    >>> with store.transaction():
    ...     store["grace"] = {"born": 1906, "country": "US"}
    ...     store["linus"] = {"born": 1969, "country": "FI"}
    >>> store.create_index("country")
    >>> list(store.items({"country": "US"}))
    [('grace', {'born': 1906, 'country': 'US'})]
    """

    path_options = frozenset({"path"})

    def __init__(
        self,
        path: str | Path,
        table: str = "spoonbill",
        *,
        strict: bool = True,
        codec: str | object | None = None,
        **options: Unpack[SQLiteOptions],
    ) -> None:
        backend = SQLite(path, table, **options)
        self._engine = backend.engine
        super().__init__(backend, strict=strict, codec=codec)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold a transaction: what this thread writes in the block is written together at its end, or not at all.

        Other threads and processes see nothing of it before, and wait with their writes. A block inside a block can
        fail alone. An error that leaves the block undoes what it wrote.
        """
        with self._engine.transaction():
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
        """Return the fields that have an index, as paths in JSON: ``'$."country"'``."""
        return self._engine.indexes()

    def sweep(self) -> int:
        """Delete what has expired, which no reader sees any more, and return how many entries it was."""
        return int(self._engine.call("sweep", self._engine.sweep))

    def vacuum(self) -> None:
        """Give the space of what was deleted back to the disk; meanwhile others wait."""
        self._engine.vacuum()

    def backup(self, path: str | Path, progress: Callable[[int, int, int], object] | None = None) -> None:
        """Copy the whole file, all its tables, to another SQLite file, while it is in use.

        Parameters
        ----------
        path : str or Path
            The new file.
        progress : callable, optional
            Called with SQLite's status, the pages left and all pages.
        """
        self._engine.backup(path, progress)
