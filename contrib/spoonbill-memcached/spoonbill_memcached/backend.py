"""The verbs that memcached has."""

import math
import os
import time
from collections.abc import Iterable
from typing import Any, Final, NoReturn
from urllib.parse import quote_from_bytes

from pymemcache.client.base import PooledClient
from pymemcache.exceptions import MemcacheClientError, MemcacheError, MemcacheServerError

from spoonbill import Store
from spoonbill.errors import (
    InvalidKeyError,
    KeyTooLongError,
    StoreError,
    UnansweredError,
    UnsupportedError,
    ValueTooLargeError,
)
from spoonbill.store import MISSING, RAISE, Guarantees, Limits, absent

__all__ = ["Memcached"]

LONGEST: Final = 250
LARGEST: Final = 1_000_000
_SAFE: Final = "!\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~"
_AT_ONCE: Final = -1
"""The expiry of an entry that is gone when it is written."""
_BATCH: Final = 500


class Memcached(Store[str, bytes]):
    """Bytes in a memcached server, under their keys with what memcached forbids in them as ``%XX``.

    Parameters
    ----------
    server : str, optional
        ``"host:port"``, or the path of a socket.
    prefix : str, optional
        What all keys on the server begin with, so that several stores can share it.
    ttl : float, optional
        Seconds after which an entry expires, where a write gives none. Memcached counts whole seconds.
    **client_options
        For ``pymemcache.client.base.PooledClient``.
    """

    limits = Limits(key_bytes=LONGEST - 1, value_bytes=LARGEST)
    guarantees = Guarantees(
        threads="safe; each call takes a connection of its own",
        processes="safe, on any number of machines",
        fork="both sides go on, the child with connections of its own",
        crash="nothing: it is a cache in memory, and may drop any entry at any time",
        iteration="memcached cannot list its keys: put MetadataIndex around the store",
        atomic="between all clients",
    )
    lists_keys = False
    features = frozenset({"ttl"})

    def __init__(
        self, server: str = "localhost:11211", *, prefix: str = "", ttl: float | None = None, **client_options: Any
    ) -> None:
        self._server, self._options = server, {"connect_timeout": 5, "timeout": 10, **client_options}
        self._prefix = _escaped(prefix)
        self._default = None if ttl is None else self._expiry(ttl)
        self._made: tuple[int, PooledClient] | None = None

    @property
    def client(self) -> PooledClient:
        """The client of pymemcache, made when it is first needed, and anew in a forked child."""
        if self.closed:
            raise self._closed_error()
        made = self._made
        if made is None or made[0] != os.getpid():
            with self._lock:
                made = self._made  # another thread may have been faster
                if made is None or made[0] != os.getpid():
                    client = PooledClient(self._server, default_noreply=False, **self._options)
                    made = self._made = (os.getpid(), client)
        return made[1]

    # -- one key -----------------------------------------------------------------------------------------------

    def get(self, key: str, default: Any = None) -> Any:
        name = self._name(key)
        try:
            return default if name is None else self.client.get(name, default)
        except (MemcacheError, OSError) as error:
            self._fail("get", key, error)

    def set(self, key: str, value: bytes, *, ttl: float | None = None) -> None:
        name = self._fit(key, value)
        try:
            self.client.set(name, value, expire=self._ends(ttl))
        except (MemcacheError, OSError) as error:
            self._fail("set", key, error)

    def delete(self, key: str) -> bool:
        name = self._name(key)
        try:
            return name is not None and self.client.delete(name)
        except (MemcacheError, OSError) as error:
            self._fail("delete", key, error)

    def add(self, key: str, value: bytes, *, ttl: float | None = None) -> bool:
        name = self._fit(key, value)
        try:
            return self.client.add(name, value, expire=self._ends(ttl))
        except (MemcacheError, OSError) as error:
            self._fail("add", key, error)

    def replace(self, key: str, expected: bytes, value: bytes, *, ttl: float | None = None) -> bool:
        self._fit(key, value)
        return self._swapped("replace", key, expected, value, self._ends(ttl)) is not MISSING

    def pop(self, key: str, default: Any = RAISE) -> Any:
        value = self._swapped("pop", key, MISSING, b"", _AT_ONCE)
        return absent(key, default) if value is MISSING else value

    def discard(self, key: str, expected: bytes) -> bool:
        return self._swapped("discard", key, expected, b"", _AT_ONCE) is not MISSING

    def _swapped(self, operation: str, key: str, expected: Any, value: bytes, ends: int) -> Any:
        """Write where nobody wrote since the old value was looked at; return that, MISSING where it does not fit."""
        name = self._name(key)
        try:
            while name is not None:
                found, token = self.client.gets(name)
                if token is None or (expected is not MISSING and found != expected):
                    break
                if self.client.cas(name, value, token, expire=ends):
                    return found
        except (MemcacheError, OSError) as error:
            self._fail(operation, key, error)
        return MISSING

    def ttl(self, key: str) -> float | None:
        name = self._name(key)
        try:
            answer = b"EN" if name is None else self.client.raw_command(f"mg {name} t")
        except (MemcacheError, OSError) as error:
            self._fail("ttl", key, error)
        if not answer.startswith(b"HD"):
            raise KeyError(key)
        left = int(answer.split(b"t", 1)[1])
        return None if left < 0 else float(left)

    def touch(self, key: str, ttl: float | None) -> bool:
        name = self._name(key)
        try:
            return name is not None and self.client.touch(name, expire=0 if ttl is None else self._expiry(ttl))
        except (MemcacheError, OSError) as error:
            self._fail("touch", key, error)

    # -- many keys ---------------------------------------------------------------------------------------------

    def get_many(self, keys: Iterable[str], default: Any = None) -> list[Any]:
        names = [self._name(key) for key in keys]
        wanted = list(dict.fromkeys(name for name in names if name is not None))
        found: dict[str, bytes] = {}
        try:
            for start in range(0, len(wanted), _BATCH):
                found.update(self.client.get_many(wanted[start : start + _BATCH]))
        except (MemcacheError, OSError) as error:
            self._fail("get_many", MISSING, error)
        return [default if name is None else found.get(name, default) for name in names]

    # -- names, sizes, errors ----------------------------------------------------------------------------------

    def check(self, key: str, value: bytes) -> None:
        self._fit(key, value)

    def canonical(self, key: str) -> Any:
        return key

    def _name(self, key: Any) -> str | None:
        """Return the name on the server; None where it would be too long, so that no entry has it."""
        if not isinstance(key, str):
            raise InvalidKeyError(f"{self!r}: a key is a str, not {type(key).__name__}; a Codec holds any key")
        try:
            name = f"{self._prefix}_{_escaped(key)}"
        except UnicodeEncodeError as error:
            raise InvalidKeyError(f"{self!r}: the key {key!r} is no valid text; a Codec holds any key") from error
        return name if len(name) <= LONGEST else None

    def _fit(self, key: str, value: bytes) -> str:
        name = self._name(key)
        if name is None:
            raise KeyTooLongError(
                f"set of key {key[:40]!r} in {self!r}: memcached holds names of {LONGEST} bytes, {LONGEST - 1} without "
                "the sign before a key; shorten it, or put HashedKeys(store) around it"
            )
        if not isinstance(value, bytes):
            raise InvalidKeyError(f"{self!r} holds bytes, not {type(value).__name__}: put a Codec on it")
        if len(value) > LARGEST:
            raise ValueTooLargeError(
                f"set of key {key[:40]!r} in {self!r}: the value is {len(value):,} bytes, memcached holds {LARGEST:,}; "
                "put Chunked(store) or Compressed(store) around it"
            )
        return name

    def _ends(self, ttl: float | None) -> int:
        """Return when a write expires, as memcached takes it: a time, 0 for one that stays."""
        if ttl is None:
            return 0 if self._default is None else self._default
        return self._expiry(ttl)

    def _expiry(self, ttl: float) -> int:
        if isinstance(ttl, bool) or not isinstance(ttl, int | float) or not ttl > 0:
            raise UnsupportedError(
                f"{self!r}: ttl is a number of seconds above 0, or math.inf for an entry that stays, not {ttl!r}"
            )
        return 0 if ttl > 1e9 else math.ceil(time.time() + ttl)

    def _fail(self, operation: str, key: Any, error: Exception) -> NoReturn:
        on_key = "" if key is MISSING else f" of key {key[:40]!r}"
        if isinstance(error, MemcacheServerError) and "too large" in str(error):
            raise ValueTooLargeError(
                f"{operation}{on_key} in {self!r}: the value is larger than the server's -I allows"
            ) from error
        refused = isinstance(error, MemcacheClientError | MemcacheServerError | ConnectionRefusedError)
        kind = StoreError if refused or operation in {"get", "get_many", "ttl"} else UnansweredError
        doubt = "" if kind is StoreError else " It may have been done."
        raise kind(
            f"{operation}{on_key} failed in {self!r}: {type(error).__name__}: {error}.{doubt} Check that a memcached "
            f"answers at {self._server}."
        ) from error

    def close(self) -> None:
        made, self._made = self._made, None
        if made is not None and made[0] == os.getpid():
            made[1].close()


def _escaped(text: str) -> str:
    return quote_from_bytes(text.encode(), safe=_SAFE)
