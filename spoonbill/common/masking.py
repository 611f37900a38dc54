"""What no message and no ``repr`` may show: how secrets are known, and what stands in their place."""

import re

from spoonbill.errors import causes

_NAME = re.compile(
    r"passw|secret|token|credential|account_key|connection_string|api_key|sas|signature|^sig$", re.IGNORECASE
)
# Up to the last @: a password with a / or @ that nobody encoded is a secret too.
_IN_URL = re.compile(r"(://[^/@\s:]*):[^\s?]*@")
_IN_QUERY = re.compile(
    r"([?&,=][^=:&,\s]*(?:passw|secret|token|key)[^=:&,\s]*[=:])[^&,\s'\"]*",  # also NAME:value pairs in a parameter
    re.IGNORECASE,
)

MASK = "***"


def is_secret(name: str) -> bool:
    """Return whether an option or a parameter of this name holds a secret."""
    return _NAME.search(name) is not None


def masked(text: str) -> str:
    """Return a text without the passwords of URLs and the secret parameters of queries in it."""
    return _IN_QUERY.sub(rf"\1{MASK}", _IN_URL.sub(rf"\1:{MASK}@", text))


def scrub(error: BaseException, secrets: frozenset[str]) -> None:
    """Take the secrets out of an error, and out of all that it came from: a server may quote what it was sent."""
    for one in causes(error) if secrets else ():
        one.args = tuple(without(secrets, part) if isinstance(part, str) else part for part in one.args)
        if isinstance(one, OSError):
            for name in ("strerror", "filename", "filename2"):
                text = getattr(one, name)
                if isinstance(text, str) and any(secret in text for secret in secrets):
                    setattr(one, name, without(secrets, text))


def without(secrets: frozenset[str], text: str) -> str:
    """Return a text with a mask in the place of each secret, the longest first: one may be a part of another."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text
