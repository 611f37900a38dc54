"""What filesystems raise, as the errors of our tree: the reason and the remedy, and no secret."""

import errno
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from spoonbill.common.masking import is_secret
from spoonbill.errors import causes

_SHORTEST = 4
"""Shorter texts are not masked: they would be found in every word."""

_BY_ERRNO = {
    errno.ENOSPC: "The disk is full: free some space.",
    errno.EDQUOT: "Your quota is used up: free some space.",
    errno.EROFS: "The disk is mounted read-only: mount it for writing, or choose another place.",
    errno.EISDIR: "A folder stands where the file of this key belongs: move it away.",
    errno.ENOTDIR: "A file stands where a folder belongs: move it away.",
    errno.EBUSY: "The server asks for patience: call again later, or with fewer at a time.",
}
_BY_TEXT = (
    ("NoSuchBucket", "There is no such bucket: make it, or check its name."),
    ("ContainerNotFound", "There is no such container: make it, or check its name."),
    ("bucket does not exist", "There is no such bucket: make it, or check its name."),
    ("no such bucket", "There is no such bucket: make it, or check its name."),
    ("container does not exist", "There is no such container: make it, or check its name."),
    ("redentials", "Give the credentials of the service, as options or in its usual variables and files."),
)


def remedy(error: BaseException) -> str:
    """Return what to do about an error of a filesystem."""
    texts = " ".join(f"{type(one).__name__} {one} {code_of(one)}" for one in causes(error))
    for mark, advice in _BY_TEXT:
        if mark in texts:
            return advice
    if isinstance(error, PermissionError) or status_of(error) in {401, 403} or "Forbidden" in texts:
        return "Check the credentials and what they may do here."
    if isinstance(error, TimeoutError):
        return "The server did not answer in time: call again, or raise the timeout."
    if isinstance(error, OSError) and error.errno in _BY_ERRNO:
        return _BY_ERRNO[error.errno]
    return "Check the path, its permissions, the space that is left, and that the server runs."


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


def secrets_of(url: str, options: Mapping[str, Any]) -> frozenset[str]:
    """Return the texts in a URL and in options that no message may hold."""
    found = set(_secret_options(options))
    for part in url.split("::"):
        try:
            split = urlsplit(part)
            found.update({split.password or "", unquote(split.password or "")})
        except ValueError:
            continue
        found.update(value for name, value in parse_qsl(split.query) if is_secret(name))
    return frozenset(text for text in found if len(text) >= _SHORTEST)


def _secret_options(options: Mapping[str, Any]) -> Iterator[str]:
    for name, value in options.items():
        if isinstance(value, Mapping):
            yield from _secret_options(value)
        elif isinstance(value, str) and is_secret(str(name)):
            yield value
            yield from re.findall(r"(?:Key|Signature|sig|Password)=([^;&]+)", value)
