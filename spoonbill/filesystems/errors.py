"""What filesystems raise, as the errors of our tree: the reason and the remedy."""

import errno
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from spoonbill.common.boto import may_be_done
from spoonbill.common.error_guide import Code, ErrorGuide
from spoonbill.errors import causes
from spoonbill.filesystems.disk.safely import UnsafeFileError

_NO_BUCKET: Final = "There is no such bucket or container: make it, or check its name."
_FORBIDDEN: Final = "Check the credentials and what they may do here."
_MARKS: Final = (
    "NoSuchBucket",
    "ContainerNotFound",
    "bucket does not exist",
    "no such bucket",
    "container does not exist",
    "redentials",
    "Forbidden",
)
"""Words in an error, or in what it came from, that its class does not tell."""


def _codes_of(error: BaseException) -> list[Code]:
    """Return the words of an error and of all that it came from, its HTTP status, and the system's name of it."""
    texts = " ".join(f"{type(one).__name__} {one} {code_of(one)}" for one in causes(error))
    number = getattr(error, "errno", None)
    name = errno.errorcode.get(number, "") if isinstance(number, int) else ""
    return [*(mark for mark in _MARKS if mark in texts), status_of(error), name]


GUIDE: Final = ErrorGuide(
    packages=frozenset(),
    kinds=frozenset({"OSError"}),
    codes_of=_codes_of,
    remedies={
        **dict.fromkeys(_MARKS, _NO_BUCKET),
        "redentials": "Give the credentials of the service, as options or in its usual variables and files.",
        "Forbidden": _FORBIDDEN,
        401: _FORBIDDEN,
        403: _FORBIDDEN,
        "PermissionError": _FORBIDDEN,
        "TimeoutError": "The server did not answer in time: call again, or raise the timeout.",
        "ENOSPC": "The disk is full: free some space.",
        "EDQUOT": "Your quota is used up: free some space.",
        "EROFS": "The disk is mounted read-only: mount it for writing, or choose another place.",
        "EISDIR": "A folder stands where the file of this key belongs: move it away.",
        "ENOTDIR": "A file stands where a folder belongs: move it away.",
        "EBUSY": "The server asks for patience: call again later, or with fewer at a time.",
        "error_perm": "The FTP server refused it: check the path, and what this user may do and list there.",
    },
    otherwise="Check the path, its permissions, the space that is left, and that the server runs.",
)


def remedy(error: BaseException) -> str:
    """Return what to do about an error of a filesystem."""
    return error.remedy if isinstance(error, UnsafeFileError) else GUIDE.remedy_for(error)


_NEVER_SENT = frozenset({"ClientConnectorError", "ConnectionRefusedError", "gaierror"})
_TURNED_AWAY = frozenset({"ServerBusy", "SlowDown", "TooManyRequests"})
_LOST = frozenset(
    {
        "ClientOSError",
        "ClientPayloadError",
        "ConnectionError",
        "EOFError",
        "IncompleteRead",
        "ServerDisconnectedError",
        "ServiceResponseError",
        "TimeoutError",
    }
)


def is_not_done(error: BaseException) -> bool:
    """Return whether an error proves that a service did nothing, and that it may do so later."""
    if status_of(error) == HTTPStatus.TOO_MANY_REQUESTS or not codes_of(error).isdisjoint(_TURNED_AWAY):
        return True
    return any(not _NEVER_SENT.isdisjoint(_kinds(one)) for one in causes(error))


def is_unanswered(error: BaseException) -> bool:
    """Return whether a service may have done what it was sent though this error came of it."""
    if is_not_done(error):
        return False
    lost = any(may_be_done(one) or not _LOST.isdisjoint(_kinds(one)) for one in causes(error))
    return lost or status_of(error) >= HTTPStatus.INTERNAL_SERVER_ERROR


def _kinds(error: BaseException) -> set[str]:
    return {kind.__name__ for kind in type(error).__mro__}


def code_of(error: BaseException) -> str:
    """Return the service's own word for an error, such as ``NoSuchBucket``; empty where there is none."""
    response = getattr(error, "response", None)
    if isinstance(response, Mapping):
        return str(response.get("Error", {}).get("Code", ""))
    return str(getattr(error, "error_code", None) or "")


def codes_of(error: BaseException) -> frozenset[str]:
    """Return the services' words in an error and in all that it came from."""
    return frozenset(code_of(one) for one in causes(error)) - {""}


def status_of(error: BaseException) -> int:
    """Return the HTTP status in an error or in what it came from, 0 where there is none."""
    for one in causes(error):
        response = getattr(one, "response", None)
        if isinstance(response, Mapping):
            return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        status = getattr(one, "status_code", None) or getattr(one, "status", None) or getattr(one, "code", None)
        if isinstance(status, int):
            return status
    return 0
