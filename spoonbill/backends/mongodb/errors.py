"""What MongoDB's errors mean to a user of a store."""

import re
from collections.abc import Mapping
from typing import Any, Final

from spoonbill.common.error_guide import Code, ErrorGuide

__all__ = ["DUPLICATE_KEY", "GUIDE", "NOT_ALLOWED", "codes_of", "is_of_the_key"]

DUPLICATE_KEY: Final = 11000
NOT_ALLOWED: Final = 13

_CREDENTIALS = "The server does not accept the credentials: check the user, the password and authSource in the URI."
_INDEX = re.compile(r"index: (?:\S*\$)?(\S+)")
_UNCONFIRMED = "writeConcernErrors"


def is_of_the_key(failure: Mapping[str, Any]) -> bool:
    """Return whether a write failed since a document has its ``_id``, and not for another unique index.

    Parameters
    ----------
    failure : mapping
        What the server tells of one failed write.
    """
    if failure.get("code") != DUPLICATE_KEY:
        return False
    index = failure.get("keyPattern")
    if index is not None:
        return list(index) == ["_id"]
    named = _INDEX.search(str(failure.get("errmsg", "")))  # a server before 4.2 tells the index by its name alone
    return named is not None and named[1] == "_id_"


def codes_of(error: BaseException) -> list[Code]:
    """Return the server's codes in an error: one for each document of a batch."""
    details: dict[str, Any] = getattr(error, "details", None) or {}
    if "writeErrors" in details:
        unconfirmed = [_UNCONFIRMED] if details.get(_UNCONFIRMED) else []
        return [*(int(failed["code"]) for failed in details["writeErrors"]), *unconfirmed]
    code = getattr(error, "code", None)
    return [code] if isinstance(code, int) else []


GUIDE: Final = ErrorGuide(
    packages=frozenset({"pymongo", "bson"}),
    kinds=frozenset({"OverflowError"}),
    codes_of=codes_of,
    too_large=frozenset({10334, 17419, 17420, "DocumentTooLarge"}),
    # The client sends a write that is not safe to repeat again only with its number in the session, by which the
    # servers of a replica set know their own effect; a server alone gets it once.
    unanswered={
        _UNCONFIRMED: True,
        "WriteConcernError": True,
        "ServerSelectionTimeoutError": False,
        "WaitQueueTimeoutError": False,
        "AutoReconnect": True,
    },
    remedies={
        NOT_ALLOWED: "The user is not allowed to do this: grant it the readWrite role on the database.",
        18: _CREDENTIALS,
        8000: _CREDENTIALS,
        50: "The server's time for one command was over: narrow the search, or raise maxTimeMS.",
        DUPLICATE_KEY: (
            "A unique index of the collection holds this value already: store another value, or drop the index."
        ),
        112: "Another writer was faster: call again.",
        121: "The collection has a validator that refuses this document: store what it asks for.",
        16500: "The service is throttling: call again later, or give it more throughput.",
        "CursorNotFound": (
            "The server dropped the loop's cursor, as it does after ten idle minutes: loop faster, or over list(store)."
        ),
        "ServerSelectionTimeoutError": (
            "No server answers there: check that it runs, its address in the URI, and the network."
        ),
        "AutoReconnect": "The connection broke before the answer came: check the network and the server.",
        "InvalidOperation": "The client that was handed in is closed, or cannot do this: hand in an open one.",
        "OperationFailure": "The server refused the call.",
    },
    otherwise="Check the options that the store was opened with.",
)
