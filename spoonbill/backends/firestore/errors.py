"""What Firestore's errors mean to a user of a store."""

from typing import Any, Final

from google.api_core import exceptions
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError

__all__ = ["cause_of", "is_of_client", "is_too_large", "is_unanswered", "remedy_for"]

_CREDENTIALS: Final = (
    "Google does not accept the credentials, or they have expired: get new ones, name their file in "
    "GOOGLE_APPLICATION_CREDENTIALS or hand them in by credentials=, and open the store again."
)
_GONE: Final = (
    "No service answered within the store's timeout: check the network, FIRESTORE_EMULATOR_HOST and the api_endpoint "
    "in client_options=; timeout= says how many seconds a call may take."
)
_BY_KIND: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (
        DefaultCredentialsError,
        (
            "No credentials were found: name the file of a service account in GOOGLE_APPLICATION_CREDENTIALS, or hand "
            "them in by credentials=."
        ),
    ),
    (GoogleAuthError, _CREDENTIALS),
    (exceptions.Unauthenticated, _CREDENTIALS),
    (
        exceptions.PermissionDenied,
        (
            "These credentials may not do this: grant them the role Cloud Datastore User (roles/datastore.user) in the "
            "project, and see that the Firestore API is enabled there."
        ),
    ),
    (
        exceptions.ResourceExhausted,
        (
            "The service is throttling, or a quota of the project is used up: call again later, spread the writes over "
            "time, or raise the quota."
        ),
    ),
    (
        exceptions.NotFound,
        "There is no such database: make one in Firestore's Native mode, or check project= and database=.",
    ),
    (
        exceptions.FailedPrecondition,
        (
            "The database cannot do this as it is: a search needs the automatic index of its field, which an exemption "
            "takes away, and the database has to be in Native mode. The message says what is missing."
        ),
    ),
    (exceptions.Aborted, "Too many writers wanted the document at once: call again."),
    (exceptions.RetryError, _GONE),
    (exceptions.DeadlineExceeded, _GONE),
    (exceptions.ServiceUnavailable, _GONE),
)
_TURNED_AWAY: Final = (exceptions.ResourceExhausted, exceptions.Aborted)
_LOST: Final = (
    exceptions.BadGateway,
    exceptions.Cancelled,
    exceptions.DeadlineExceeded,
    exceptions.GatewayTimeout,
    exceptions.InternalServerError,
    exceptions.ServiceUnavailable,
    exceptions.Unknown,
)
_TOO_MANY_ENTRIES: Final = (
    "A document has 40,000 index entries at most: exempt large fields from indexing, or keep a part of it as a str or "
    "bytes."
)
_CLOSED: Final = "The client that was handed in is closed: hand in an open one."
_OTHERWISE: Final = "The service refused the call: the message says why."


def cause_of(error: BaseException) -> BaseException:
    """Return what the service said, where the client gave up asking again."""
    cause: Any = getattr(error, "cause", None)
    return cause if isinstance(error, exceptions.RetryError) and isinstance(cause, BaseException) else error


def is_of_client(error: BaseException) -> bool:
    """Return whether an error comes from the client."""
    return isinstance(error, exceptions.GoogleAPIError | GoogleAuthError) or _is_closed(error)


def _is_closed(error: BaseException) -> bool:
    return isinstance(error, ValueError) and "Cannot invoke RPC" in str(error)


def is_unanswered(error: BaseException) -> bool:
    """Return whether the service may have done what it was sent: what it turned away, it has not."""
    cause = cause_of(error)
    return isinstance(cause, _LOST) or (
        isinstance(error, exceptions.RetryError) and not isinstance(cause, _TURNED_AWAY)
    )


def is_too_large(error: BaseException) -> bool:
    """Return whether an error says that a document is larger than the service holds."""
    return isinstance(error, exceptions.InvalidArgument) and "maximum allowed size" in str(error)


def remedy_for(error: BaseException) -> str:
    """Return what the user can do about an error of the client."""
    if isinstance(error, exceptions.InvalidArgument) and "index entries" in str(error):
        return _TOO_MANY_ENTRIES
    if _is_closed(error):
        return _CLOSED
    return next((remedy for kind, remedy in _BY_KIND if isinstance(error, kind)), _OTHERWISE)
