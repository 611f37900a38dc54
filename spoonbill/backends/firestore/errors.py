"""What Firestore's errors mean to a user of a store."""

from typing import Any, Final

from spoonbill.common.error_guide import Code, ErrorGuide, kinds_of

__all__ = ["GUIDE"]

_CREDENTIALS: Final = (
    "Google does not accept the credentials, or they have expired: get new ones, name their file in "
    "GOOGLE_APPLICATION_CREDENTIALS or hand them in by credentials=, and open the store again."
)
_GONE: Final = (
    "No service answered within the store's timeout: check the network, FIRESTORE_EMULATOR_HOST and the api_endpoint "
    "in client_options=; timeout= says how many seconds a call may take."
)
_CLOSED: Final = "the client is closed"
_TOO_LARGE: Final = "the document is too large"
_TOO_MANY_ENTRIES: Final = "too many index entries"


def _codes_of(error: BaseException) -> list[Code]:
    """Return a word for an error that its text alone tells apart."""
    kind, text = type(error).__name__, str(error)
    if kind == "InvalidArgument":
        if "maximum allowed size" in text:
            return [_TOO_LARGE]
        return [_TOO_MANY_ENTRIES] if "index entries" in text else []
    return [_CLOSED] if isinstance(error, ValueError) and "Cannot invoke RPC" in text else []


def _cause_of(error: BaseException) -> BaseException:
    """Return what the service said, where the client gave up asking again."""
    cause: Any = getattr(error, "cause", None)
    return cause if "RetryError" in kinds_of(error) and isinstance(cause, BaseException) else error


GUIDE: Final = ErrorGuide(
    packages=frozenset(),
    kinds=frozenset({"GoogleAPIError", "GoogleAuthError", _CLOSED}),
    codes_of=_codes_of,
    cause_of=_cause_of,
    too_large=frozenset({_TOO_LARGE}),
    unanswered={
        "ResourceExhausted": False,
        "Aborted": False,
        "BadGateway": True,
        "Cancelled": True,
        "DeadlineExceeded": True,
        "GatewayTimeout": True,
        "InternalServerError": True,
        "ServiceUnavailable": True,
        "Unknown": True,
        "RetryError": True,
    },
    remedies={
        _CLOSED: "The client that was handed in is closed: hand in an open one.",
        _TOO_MANY_ENTRIES: (
            "A document has 40,000 index entries at most: exempt large fields from indexing, or keep a part of it as a "
            "str or bytes."
        ),
        "DefaultCredentialsError": (
            "No credentials were found: name the file of a service account in GOOGLE_APPLICATION_CREDENTIALS, or hand "
            "them in by credentials=."
        ),
        "GoogleAuthError": _CREDENTIALS,
        "Unauthenticated": _CREDENTIALS,
        "PermissionDenied": (
            "These credentials may not do this: grant them the role Cloud Datastore User (roles/datastore.user) in the "
            "project, and see that the Firestore API is enabled there."
        ),
        "ResourceExhausted": (
            "The service is throttling, or a quota of the project is used up: call again later, spread the writes over "
            "time, or raise the quota."
        ),
        "NotFound": (
            "There is no such database: make one in Firestore's Native mode, or check project= and database=."
        ),
        "FailedPrecondition": (
            "The database cannot do this as it is: a search needs the automatic index of its field, which an exemption "
            "takes away, and the database has to be in Native mode. The message says what is missing."
        ),
        "Aborted": "Too many writers wanted the document at once: call again.",
        "RetryError": _GONE,
        "DeadlineExceeded": _GONE,
        "ServiceUnavailable": _GONE,
    },
    otherwise="The service refused the call: the message says why.",
)
