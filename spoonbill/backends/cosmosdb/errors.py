"""What Cosmos DB's errors mean to a user of a store."""

from typing import Any, Final

from spoonbill.common.error_guide import Code, ErrorGuide

__all__ = ["GUIDE", "has_changed", "is_absence", "is_conflict", "is_container_gone", "remedy_for_account"]

_UNREACHABLE: Final = "No service answers there: check endpoint=, that it runs, and the network."
_BY_STATUS: Final[dict[Code, str]] = {
    401: (
        "The service does not accept the credentials: check credential=, which is the account's key or a token of "
        "azure-identity, and this machine's clock."
    ),
    403: (
        "These credentials may not do this, or the firewall keeps this address out: give them a data plane role, and "
        "make the database and the container beforehand where they may not."
    ),
    404: "The database or the container is not there any more: the next write makes it anew, unless create=False.",
    408: "The service did not answer in time: call again later.",
    409: (
        "It is not the key that is taken: the container has a unique key policy, or a trigger, which refuses this "
        "value: change the value, or use a container without one."
    ),
    429: (
        "The service is throttling, and went on through the client's own attempts: call again later, give the "
        "container more throughput, or raise retry_throttle_total= and retry_throttle_backoff_max=."
    ),
    449: "Another writer was faster: call again.",
    503: "The service is not available just now: call again later.",
}
_BY_KIND: Final[dict[Code, str]] = {
    "ServiceRequestError": _UNREACHABLE,
    "ServiceRequestTimeoutError": _UNREACHABLE,
    "ServiceResponseError": "The connection broke before the answer came: check the network.",
    "ServiceResponseTimeoutError": "The service did not answer in time: check the network, or raise read_timeout=.",
    "CosmosClientTimeoutError": "The time that timeout= allows was over: raise it, or ask for less.",
    "ClientAuthenticationError": _BY_STATUS[401],
    "CredentialUnavailableError": _BY_STATUS[401],
}


def remedy_for_account(error: BaseException) -> str:
    """Return what the user can do about an error of opening the client, which reads the account."""
    if GUIDE.is_of_client(error) and _status(error) != 404:
        return GUIDE.remedy_for(error)
    return "Check the endpoint, the credential and the options."


def is_absence(error: BaseException) -> bool:
    """Return whether an error proves that a document is not there.

    404 also stands for a container that is not there, and for a replica that has not caught up; those have a substatus,
    or are the answer to another request.
    """
    return _status(error) == 404 and not _substatus(error) and "/docs/" in _address(error)


def is_container_gone(error: BaseException) -> bool:
    """Return whether an error says that there is no such container, or no such database."""
    return _status(error) == 404 and (_substatus(error) == 1003 or "/docs" not in _address(error))


def is_conflict(error: BaseException) -> bool:
    """Return whether an error says that what was to be made is there already."""
    return _status(error) == 409


def has_changed(error: BaseException) -> bool:
    """Return whether an error says that a document is not the one that was read any more."""
    return _status(error) == 412


def _status(error: BaseException) -> int:
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else 0


def _substatus(error: BaseException) -> int:
    return getattr(error, "sub_status", None) or 0


def _address(error: BaseException) -> str:
    request: Any = getattr(getattr(error, "response", None), "request", None)
    return str(getattr(request, "url", ""))


_SERVER_ERROR: Final = 500
_SERVER: Final = "server"


def _codes_of(error: BaseException) -> list[Code]:
    """Return the status of an answer, and a word for every one that is the server's own error."""
    status = _status(error)
    return [status, _SERVER] if status >= _SERVER_ERROR else [status] if status else []


GUIDE: Final = ErrorGuide(
    packages=frozenset({"azure"}),
    codes_of=_codes_of,
    too_large=frozenset({413}),
    unanswered={
        408: True,
        _SERVER: True,
        "ServiceResponseError": True,
        "CosmosClientTimeoutError": True,
        "IncompleteReadError": True,
    },
    remedies={**_BY_STATUS, **_BY_KIND},
    otherwise="The service refused the call: the message says why.",
)
