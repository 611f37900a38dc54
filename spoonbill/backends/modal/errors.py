"""What the errors of modal's client mean to a user of a store."""

from spoonbill.common.error_guide import ErrorGuide, kinds_of

__all__ = ["is_unreadable", "new_guide"]

_CREDENTIALS = (
    "The service does not accept the credentials: run `modal token new`, or set MODAL_TOKEN_ID and MODAL_TOKEN_SECRET."
)
_NETWORK = "Check the network and MODAL_SERVER_URL, and call again."
_REFUSALS = (
    "AuthError",
    "NotFoundError",
    "PermissionDeniedError",
    "ResourceExhaustedError",
    "InvalidError",
    "ClientClosed",
)


def is_unreadable(error: BaseException) -> bool:
    """Return whether an error says that what the Dict holds cannot be unpickled here."""
    return "DeserializationError" in kinds_of(error)


def new_guide(timeout: float) -> ErrorGuide:
    """Return what the client's errors mean in a store whose calls may take `timeout` seconds."""
    return ErrorGuide(
        packages=frozenset({"modal", "modal_proto", "grpclib", "h2", "synchronicity"}),
        kinds=frozenset({"OSError"}),
        too_large=frozenset({"RequestSizeError"}),
        # The client repeats a call up to three times, with one idempotency key by which the service knows it; which of
        # the attempts reached the service is not told. So whatever is no refusal leaves it open.
        unanswered={**dict.fromkeys(_REFUSALS, False), "Exception": True},
        remedies={
            "TimeoutError": (
                f"The service did not answer within {timeout:g} seconds: "
                "check the network and MODAL_SERVER_URL, or open the store with a longer timeout=."
            ),
            "AuthError": _CREDENTIALS,
            "NotFoundError": ("There is no such Dict: check name and environment_name=, or open it with create=True."),
            "PermissionDeniedError": "This token may not do that: use one of the Dict's workspace.",
            "ResourceExhaustedError": "The service is throttling: call again later.",
            "ClientClosed": "The client was closed: open the store again.",
            "ConnectionError": _NETWORK,
            "ServiceError": _NETWORK,
            "OSError": _NETWORK,
        },
        otherwise="The service refused the call: the message says why.",
    )
