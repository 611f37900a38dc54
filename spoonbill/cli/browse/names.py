"""Keys as the page names them."""

from collections.abc import Mapping
from typing import Any

from spoonbill.errors import KeyDecodeError, UnsupportedError
from spoonbill.keys import decode_key, encode_key

__all__ = ["key_of", "name_of"]


def name_of(key: Any) -> dict[str, Any]:
    """Return what the page shows for a key, and the name by which it asks for its value."""
    kind = type(key).__name__
    text = key.encode("utf-8", "backslashreplace").decode() if isinstance(key, str) else repr(key)
    try:
        name = encode_key(key)
    except (TypeError, ValueError):  # a kind of key that only a dict can hold
        name = None
    return {"name": name, "text": text, "type": kind}


def key_of(asked: Mapping[str, str]) -> Any:
    """Return the key that a request names: by its stored name, or as the text ``key``.

    Raises
    ------
    UnsupportedError
        If it names none.
    """
    if isinstance(key := asked.get("key"), str):
        return key
    name = asked.get("name")
    if not isinstance(name, str):
        raise UnsupportedError("which key? give its name")
    try:
        return decode_key(name)
    except KeyDecodeError as error:
        raise UnsupportedError(f"{name!r} names no key: {error}") from error
