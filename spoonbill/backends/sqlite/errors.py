"""What SQLite's errors mean."""

from collections.abc import Iterable
from typing import Final

from spoonbill.backends.shared import ErrorGuide

__all__ = ["GUIDE", "is_closed"]


def _codes_of(error: BaseException) -> Iterable[str]:
    """Return the extended code and the plain one: ``SQLITE_IOERR_WRITE``, ``SQLITE_IOERR``."""
    name: str = getattr(error, "sqlite_errorname", None) or ""
    return (name, "_".join(name.split("_")[:2]))


def is_closed(error: BaseException) -> bool:
    """Return whether an error says that the connection was closed."""
    return type(error).__name__ == "ProgrammingError" and "closed" in str(error)


GUIDE: Final = ErrorGuide(
    packages=frozenset({"sqlite3"}),
    codes_of=_codes_of,
    too_large=frozenset({"SQLITE_TOOBIG"}),
    remedies={
        "SQLITE_BUSY": "Another process is writing and did not finish in time: give a longer timeout=, or write less "
        "at a time.",
        "SQLITE_LOCKED": "Another statement of this process holds the table: finish the loops over it.",
        "SQLITE_FULL": "The disk is full; nothing of this call was written.",
        "SQLITE_NOTADB": "The file is no SQLite database: check the path.",
        "SQLITE_CORRUPT": "The file is damaged: restore a copy, or save what can be read with sqlite3's .recover.",
        "SQLITE_READONLY": "The file or the store is open for reading only.",
        "SQLITE_CANTOPEN": "Check the path, its permissions, and create=; SQLite also needs to write in the "
        "folder of the file.",
        "SQLITE_IOERR": "Check the disk; SQLite's WAL needs a local one, not a network filesystem.",
        "SQLITE_SCHEMA": "Another program changed the table: open the store again.",
    },
    otherwise="Check the file with sqlite3's PRAGMA integrity_check.",
)
