"""SQLite: documents in a table of a file."""

from pathlib import Path
from typing import Unpack

from spoonbill.backends.shared.documents import TableBackend
from spoonbill.backends.shared.handed_in import refused_option
from spoonbill.backends.sqlite.engine import LARGEST, SQLiteEngine
from spoonbill.backends.sqlite.options import SQLiteOptions
from spoonbill.common.traits import Guarantees, Limits

__all__ = ["SQLite"]


class SQLite(TableBackend):
    """The rows of a table with the columns ``key`` and ``value``: JSON text for documents, a BLOB for bytes.

    Parameters
    ----------
    path : str or Path
        The file; made where it is missing. ``":memory:"`` for a database that ends with the store.
    table : str, optional
        The table. Several stores can live in one file.
    **options : SQLiteOptions
        ``durability``, ``timeout``, ``create``, ``readonly``.

    Attributes
    ----------
    engine : SQLiteEngine
        What only SQLite has: transactions, indexes, copies of the file.
    """

    path_options = frozenset({"path"})
    limits = Limits(value_bytes=LARGEST)
    guarantees = Guarantees(
        threads="safe",
        processes="safe on a local disk; never on a network filesystem",
        fork="both sides go on, with connections of their own; not inside a transaction or a loop",
        crash='a finished write survives a power cut; with durability="process" only the end of the process',
        iteration="a snapshot of the moment when the loop began, in the order of the first writes; writing meanwhile "
        "works",
        atomic="between all processes",
    )

    def __init__(self, path: str | Path, table: str = "spoonbill", **options: Unpack[SQLiteOptions]) -> None:
        for name in options.keys() - SQLiteOptions.__annotations__.keys():
            raise refused_option(repr(self), name, SQLiteOptions.__annotations__)
        self.engine = SQLiteEngine(self, path, table, **options)
        super().__init__(self.engine)
