"""What MongoDB's errors mean to a user of a store."""

from bson.errors import BSONError
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    CursorNotFound,
    DocumentTooLarge,
    InvalidOperation,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WaitQueueTimeoutError,
    WriteConcernError,
)

__all__ = ["TOO_LARGE", "codes_of", "is_of_client", "remedy_for"]

TOO_LARGE = frozenset({10334, 17419, 17420})
DUPLICATE_KEY = 11000
NOT_ALLOWED = frozenset({13})

_REMEDIES = {
    13: "The user is not allowed to do this: grant it the readWrite role on the database.",
    18: "The server does not accept the credentials: check the user, the password and authSource in the URI.",
    8000: "The server does not accept the credentials: check the user, the password and authSource in the URI.",
    50: "The server's time for one command was over: narrow the search, or raise maxTimeMS.",
    112: "Another writer was faster: call again.",
    121: "The collection has a validator that refuses this document: store what it asks for.",
    16500: "The service is throttling: call again later, or give it more throughput.",
}


def codes_of(error: Exception) -> list[int]:
    """Return the server's codes in an error: one for each document of a batch."""
    if isinstance(error, BulkWriteError):
        return [int(failed["code"]) for failed in (error.details or {}).get("writeErrors", [])]
    code = getattr(error, "code", None)
    return [code] if isinstance(code, int) else []


def is_of_client(error: Exception) -> bool:
    """Return whether an error comes from the client."""
    return isinstance(error, PyMongoError | BSONError | OverflowError)


def is_unanswered(error: BaseException) -> bool:
    """Return whether the server may have done what it was sent.

    The client sends a write that is not safe to repeat again only with its number in the session, by which the servers
    of a replica set know their own effect; a server alone gets it once.
    """
    if isinstance(error, BulkWriteError):
        return bool((error.details or {}).get("writeConcernErrors"))
    never_sent = isinstance(error, ServerSelectionTimeoutError | WaitQueueTimeoutError)
    return isinstance(error, AutoReconnect | WriteConcernError) and not never_sent


def is_too_large(error: Exception) -> bool:
    """Return whether an error says that a document is larger than the server holds."""
    return isinstance(error, DocumentTooLarge) or bool(TOO_LARGE.intersection(codes_of(error)))


def remedy_for(error: Exception) -> str:
    """Return what the user can do about an error of the client."""
    for code in codes_of(error):
        if code in _REMEDIES:
            return _REMEDIES[code]
    return next((remedy for kind, remedy in _BY_KIND if isinstance(error, kind)), _OTHERWISE)


_BY_KIND: tuple[tuple[type[Exception], str], ...] = (
    (
        CursorNotFound,
        "The server dropped the loop's cursor, as it does after ten idle minutes: loop faster, or over list(store).",
    ),
    (
        ServerSelectionTimeoutError,
        "No server answers there: check that it runs, its address in the URI, and the network.",
    ),
    (AutoReconnect, "The connection broke before the answer came: check the network and the server."),
    (InvalidOperation, "The client that was handed in is closed, or cannot do this: hand in an open one."),
    (OperationFailure, "The server refused the call."),
)
_OTHERWISE = "Check the options that the store was opened with."
