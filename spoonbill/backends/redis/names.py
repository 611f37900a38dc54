"""Keys as a Redis server has them: the prefix and the key, as bytes; and what fits."""

import math
from typing import Any

from spoonbill.backends.redis.patterns import literal, server_pattern
from spoonbill.common.text import shortened
from spoonbill.common.traits import Limits
from spoonbill.errors import InvalidKeyError, KeyTooLongError, ValueTooLargeError
from spoonbill.query import Pattern
from spoonbill.store import Store
from spoonbill.store.numbers import check_ttl

MOST = 512 * 1024 * 1024
"""The longest key and the largest value, in bytes."""

_BINARY = "surrogateescape"


class Names:
    """The names of a store's keys on the server.

    Bytes of another program that are no UTF-8 are lone surrogates in the key, so every name has a key of its own.

    Parameters
    ----------
    store : Store
        Whose keys they are, for messages.
    prefix : str
        What all of them begin with.

    Attributes
    ----------
    head : bytes
        The prefix, as the server has it.
    limits : Limits
        What the server holds, less the prefix.
    """

    def __init__(self, store: Store[Any, Any], prefix: str) -> None:
        self._store = store
        self.head = b""
        self.head = self.name(prefix)
        self.limits = Limits(key_bytes=MOST - len(self.head), value_bytes=MOST)

    def name(self, key: str) -> bytes:
        """Return the name of a key."""
        try:
            return self.head + key.encode()
        except UnicodeEncodeError as error:
            try:
                return self.head + key.encode("utf-8", _BINARY)
            except UnicodeEncodeError:
                raise self._no_key(key) from error
        except AttributeError as error:
            raise self._no_key(key) from error

    def key(self, name: bytes) -> str:
        """Return the key of a name."""
        return name[len(self.head) :].decode("utf-8", _BINARY)

    def keys(self, names: list[bytes]) -> list[str]:
        """Return the keys of names."""
        if not self.head:
            try:
                return [name.decode() for name in names]
            except UnicodeDecodeError:
                pass
        return list(map(self.key, names))

    def match(self, pattern: Pattern | None) -> bytes:
        """Return the glob for the names of the keys that match a pattern, and perhaps of more."""
        return literal(self.head) + server_pattern(pattern)

    def fit(self, key: str, value: bytes) -> bytes:
        """Return the name of a key, where the server can hold it and the value."""
        name = self.name(key)
        if type(value) is bytes and len(value) <= MOST and len(name) <= MOST:
            return name
        if not isinstance(value, bytes):
            raise InvalidKeyError(
                f"{self._store!r} holds bytes: the value of key {shortened(key)} is {type(value).__name__}; put a "
                "Codec on it"
            )
        if len(name) > MOST:
            raise KeyTooLongError(
                f"{self._store!r} holds keys of {MOST - len(self.head)} bytes at most beside its prefix, and key "
                f"{shortened(key)} is longer: shorten it, or use a hash of it"
            )
        if len(value) > MOST:
            raise ValueTooLargeError(
                f"{self._store!r} holds values of {MOST} bytes at most, and that of key {shortened(key)} has "
                f"{len(value)}: share it out over several keys, or keep it in files"
            )
        return name

    def _no_key(self, key: Any) -> InvalidKeyError:
        return InvalidKeyError(
            f"{self._store!r}: a key is a str of valid text, not {type(key).__name__} {shortened(key)}; a Codec holds "
            "any key"
        )


def encode_ttl(store: Store[Any, Any], ttl: float) -> tuple[bytes, ...]:
    """Return the words of a SET for a time to live in seconds.

    Raises
    ------
    UnsupportedError
        If it is no number above 0.
    """
    return () if check_ttl(ttl, store) == math.inf else (b"PX", b"%d" % max(1, round(ttl * 1000)))
