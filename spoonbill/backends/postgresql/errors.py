"""What PostgreSQL's errors mean."""

from collections.abc import Iterable
from typing import Final

from spoonbill.common.error_guide import ErrorGuide

__all__ = [
    "ABORTED",
    "GUIDE",
    "AgainError",
    "UnreachedError",
    "is_duplicate",
    "is_lost",
    "is_made_already",
    "is_missing",
    "is_to_repeat",
]

_LOST: Final = "lost"
_MISSING: Final = "42P01"
_AGAIN: Final = frozenset({"40001", "40P01"})
ABORTED: Final = "25P02"


class UnreachedError(Exception):
    """There is no connection to the server, so that nothing was sent."""


class AgainError(Exception):
    """Other writers were faster too often."""


def _state_of(error: BaseException) -> str | None:
    return getattr(error, "sqlstate", None)


def _codes_of(error: BaseException) -> Iterable[str]:
    """Return the code of the server and the class of it, or a word of ours for a connection that broke."""
    state = _state_of(error)
    if state:
        return (state, state[:2])
    return (_LOST,) if is_lost(error) else ()


def is_lost(error: BaseException) -> bool:
    """Return whether a connection broke before the answer came."""
    return type(error).__name__ in {"OperationalError", "InterfaceError"} and _state_of(error) is None


def is_missing(error: BaseException) -> bool:
    """Return whether the table is not there."""
    return _state_of(error) == _MISSING


def is_duplicate(error: BaseException) -> bool:
    """Return whether a row of that key is there already."""
    return _state_of(error) == "23505"


def is_made_already(error: BaseException) -> bool:
    """Return whether a table that was to be made is there: another client made it at the same moment."""
    return _state_of(error) == "42P07"


def is_to_repeat(error: BaseException) -> bool:
    """Return whether the server undid a statement since another writer was in its way."""
    return _state_of(error) in _AGAIN


_CREDENTIALS: Final = "The server does not accept the user or the password: check them, and pg_hba.conf."

GUIDE: Final = ErrorGuide(
    packages=frozenset({"psycopg", "psycopg_pool"}),
    kinds=frozenset({"UnreachedError", "AgainError"}),
    codes_of=_codes_of,
    too_large=frozenset({"54000", "ProgramLimitExceeded"}),
    unanswered={_LOST: True, "08": True, "57P01": False},
    remedies={
        _LOST: "The connection broke before the answer came: check the server and the network.",
        "UnreachedError": "Check the address, that the server runs, and its max_connections and this store's.",
        "AgainError": "Other writers were faster each time: call again.",
        "28": _CREDENTIALS,
        "3D": "There is no such database: make it, or check the address.",
        "3F": "There is no such schema: make it, or check schema=.",
        "42501": "The user may not do this: grant it SELECT, INSERT, UPDATE and DELETE on the table, and CREATE on the "
        "schema where the store has to make it.",
        _MISSING: "Another program removed the table: call again, and the next write makes it.",
        "42": "The table is no store's: choose another table=.",
        "22P05": "PostgreSQL's jsonb cannot hold this text.",
        "22003": "A number is beyond the range of PostgreSQL's numeric.",
        "23": "The table has a constraint that refuses this: store another value, or drop the constraint.",
        ABORTED: "An error before this call ended the transaction: leave the block, or hold what may fail in a "
        "transaction() of its own inside.",
        "40": "Other writers were in the way: call again.",
        "53300": "The server has no connection left: raise its max_connections, or lower this store's.",
        "53": "The server has no memory or disk left.",
        "55P03": "Another transaction holds the row: call again.",
        "57014": "The server's time for one statement was over: narrow the search, make an index, or raise "
        "statement_timeout=.",
        "57": "The server is shutting down or starting: call again.",
        "25006": "The server or this block only reads: write elsewhere.",
    },
    otherwise="Check the options that the store was opened with.",
)
