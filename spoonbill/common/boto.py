"""What every client built on botocore needs: a request that is not safe to repeat is sent once."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

__all__ = ["may_be_done", "never_repeats", "once", "reads_whole_answers"]

_once: ContextVar[bool] = ContextVar("spoonbill_once", default=False)

_SURELY_NOT_DONE: Final = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledError",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
"""Codes by which the services say that they turned a request away before they began it."""

_NEVER_SENT: Final = frozenset({"ConnectTimeoutError", "ProxyConnectionError"})
_NO_CONNECTION: Final = frozenset({"NewConnectionError", "ClientConnectorError", "gaierror"})
_LOST: Final = frozenset(
    {
        "ChecksumError",
        "ConnectionClosedError",
        "ConnectionError",
        "HTTPClientError",
        "IncompleteReadError",
        "ReadTimeoutError",
        "ResponseParserError",
        "ResponseStreamingError",
    }
)
_SERVER_ERROR: Final = 500
_SUCCESSES: Final = 300


def never_repeats(client: Any) -> None:
    """Make a client, of boto3 or aiobotocore, ask before it repeats a request: within `once` it does not.

    A client that was handed in can be given, and again and again: outside `once` nothing changes for it.
    """
    service = client.meta.service_model.service_id.hyphenize()
    client.meta.events.register_first(f"needs-retry.{service}", _forbid, unique_id="spoonbill-once")


def reads_whole_answers(client: Any) -> None:
    """Make a client of boto3 refuse an answer whose headers end early: it would be taken for a whole one, and empty.

    Python's own reader of HTTP takes the end of a connection for the end of the headers, and with no length the body is
    whatever follows. The answer to a read is then that there is nothing.
    """
    service = client.meta.service_model.service_id.hyphenize()
    client.meta.events.register_first(f"after-call.{service}", _refuse_part, unique_id="spoonbill-whole")


def _refuse_part(http_response: Any, **_: Any) -> None:
    from botocore.exceptions import IncompleteReadError

    if http_response.raw is None or http_response.status_code >= _SUCCESSES:
        return  # it came from no server, or is a refusal
    headers = http_response.headers
    length = headers.get("content-length", "")
    if headers.get("transfer-encoding") != "chunked" and not (length.isdecimal() and int(length)):
        raise IncompleteReadError(actual_bytes=len(http_response.content), expected_bytes=length or "the length")


@contextmanager
def once() -> Iterator[None]:
    """Within this block a client repeats only what the service surely has not done."""
    token = _once.set(True)
    try:
        yield
    finally:
        _once.reset(token)


def _forbid(response: Any = None, caught_exception: BaseException | None = None, **_: Any) -> bool | None:
    """Answer False, which forbids a repetition, or None, which leaves it to the client."""
    if not _once.get():
        return None
    if caught_exception is not None:
        return None if _was_never_sent(caught_exception) else False
    return False if response is not None and _is_open(response[1]) else None


def may_be_done(error: BaseException) -> bool:
    """Return whether a request that ended in this error of the client may have been done."""
    response: Any = getattr(error, "response", None)
    if isinstance(response, dict):
        return _is_open(response)
    return not _LOST.isdisjoint(_kinds(error)) and not _was_never_sent(error)


def _was_never_sent(error: BaseException) -> bool:
    if type(error).__name__ == "EndpointConnectionError":  # so aiobotocore also calls a connection that broke later
        reason: Any = getattr(error, "kwargs", {}).get("error")
        return not _NO_CONNECTION.isdisjoint(_kinds(reason))
    return not _NEVER_SENT.isdisjoint(_kinds(error))


def _kinds(error: Any) -> set[str]:
    return {kind.__name__ for kind in type(error).__mro__}


def _is_open(response: dict[str, Any]) -> bool:
    """Return whether an answer leaves open if the request was done: of the server's errors, and unsound successes."""
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    code = response.get("Error", {}).get("Code", "")
    return (status < _SUCCESSES or status >= _SERVER_ERROR) and code not in _SURELY_NOT_DONE
