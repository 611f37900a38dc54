"""What the errors of modal's client mean to a user of a store."""

from modal import exception

__all__ = ["is_of_client", "is_too_large", "is_unanswered", "is_unreadable", "remedy_for"]

_ROOTS = frozenset({"modal", "modal_proto", "grpclib", "h2", "synchronicity"})
_CREDENTIALS = (
    "The service does not accept the credentials: run `modal token new`, or set MODAL_TOKEN_ID and MODAL_TOKEN_SECRET."
)
_NETWORK = "Check the network and MODAL_SERVER_URL, and call again."


def is_of_client(error: BaseException) -> bool:
    """Return whether an error comes from the client or the network."""
    return isinstance(error, OSError) or type(error).__module__.partition(".")[0] in _ROOTS


def is_too_large(error: BaseException) -> bool:
    """Return whether an error says that a request is larger than the service takes."""
    return isinstance(error, exception.RequestSizeError)


def is_unanswered(error: BaseException) -> bool:
    """Return whether the service may have done what it was sent.

    The client repeats a call up to three times, with one idempotency key by which the service knows it; which of the
    attempts reached the service is not told. So whatever is no refusal leaves it open.
    """
    return not isinstance(error, _REFUSALS)


def is_unreadable(error: BaseException) -> bool:
    """Return whether an error says that what the Dict holds cannot be unpickled here."""
    return isinstance(error, exception.DeserializationError)


def remedy_for(error: BaseException, timeout: float) -> str:
    """Return what the user can do about an error of the client."""
    if isinstance(error, TimeoutError):
        return (
            f"The service did not answer within {timeout:g} seconds: "
            "check the network and MODAL_SERVER_URL, or open the store with a longer timeout=."
        )
    return next((remedy for kind, remedy in _BY_KIND if isinstance(error, kind)), _OTHERWISE)


_REFUSALS = (
    exception.AuthError,
    exception.NotFoundError,
    exception.PermissionDeniedError,
    exception.ResourceExhaustedError,
    exception.InvalidError,
    exception.ClientClosed,
)
_BY_KIND: tuple[tuple[type[BaseException], str], ...] = (
    (exception.AuthError, _CREDENTIALS),
    (exception.NotFoundError, "There is no such Dict: check name and environment_name=, or open it with create=True."),
    (exception.PermissionDeniedError, "This token may not do that: use one of the Dict's workspace."),
    (exception.ResourceExhaustedError, "The service is throttling: call again later."),
    (exception.ClientClosed, "The client was closed: open the store again."),
    (exception.ConnectionError, _NETWORK),
    (exception.ServiceError, _NETWORK),
    (OSError, _NETWORK),
)
_OTHERWISE = "The service refused the call: the message says why."
