"""Names of Dicts: any name becomes one that the service takes, and no two become one."""

import hashlib
import re

from spoonbill.errors import UnsupportedError

__all__ = ["index_name", "legal_name"]

_LEGAL = re.compile(r"[a-zA-Z0-9\-_.]{1,64}")
_OURS = re.compile(r".*\.[0-9a-f]{16}")
_APP = re.compile(r"ap-[a-zA-Z0-9]{22}")
_SLUG = 40


def legal_name(name: str) -> str:
    """Return `name` itself where the service takes it, else a slug of it, a dot, and 16 hex digits of its SHA-256.

    A legal name of just that shape is hashed too, so that it cannot meet what another name became.

    Raises
    ------
    UnsupportedError
        If it is no str.
    """
    if not isinstance(name, str):
        raise UnsupportedError(f"the name of a Dict is a str, not {type(name).__name__}")
    if _LEGAL.fullmatch(name) and not _OURS.fullmatch(name) and not _APP.fullmatch(name):
        return str.__str__(name)
    return f"{_slug(name)}.{_digest(name)}"


def index_name(name: str) -> str:
    """Return the name of the Dict that holds the index of the Dict `name`; no store's own name becomes that."""
    legal_name(name)
    return f"{_slug(name)}.index.{_digest(name)}"


def _slug(name: str) -> str:
    # Without dots: the second dot is the mark of an index.
    return re.sub(r"[^a-zA-Z0-9_-]+", "-", name)[:_SLUG] or "dict"


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
