"""Redis verbs that are one step on the server, by the best means that the server allows."""

from collections.abc import Sequence
from typing import Any

from redis.exceptions import ResponseError

from spoonbill.backends.redis.connection import RedisConnection
from spoonbill.backends.redis.errors import forbidden
from spoonbill.common.sentinels import MISSING

_NO_NUMBER = ("not an integer", "not a valid float", "overflow", "NaN or Infinity")
"""What a server says of a sum that Python can make, or of a value that is no number."""
_POP = b"local v = redis.call('GET', KEYS[1]) if v then redis.call('DEL', KEYS[1]) end return v"
_REPLACE = (
    b"if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end redis.call('SET', KEYS[1], unpack(ARGV, 2)) return 1"
)


_DISCARD = b"if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end redis.call('DEL', KEYS[1]) return 1"
_INCREMENT = b"""local absent = redis.call('EXISTS', KEYS[1]) == 0
local total = redis.call(ARGV[1], KEYS[1], ARGV[2])
if absent or ARGV[3] == '1' then
  if ARGV[4] == '' then redis.call('PERSIST', KEYS[1]) else redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
end
return total"""


class Atomic:
    """Verbs on one key in one step: by a command, else by a script, else by a transaction that watches the key.

    A server before 6.2 has no GETDEL, and a service may forbid scripts. What was refused once is not tried again.
    """

    def __init__(self, connection: RedisConnection) -> None:
        self._connection = connection
        self._getdel = True
        self._scripts = True

    def pop(self, name: bytes) -> bytes | None:
        """Remove a key and return its value, None where it is absent."""
        if self._getdel:
            try:
                return self._connection.call((b"GETDEL", name), again=False)  # type: ignore[no-any-return]
            except ResponseError as error:
                self._getdel = not forbidden(error)
                if self._getdel:
                    raise
        found = self._run(_POP, name)
        if found is not MISSING:
            return found  # type: ignore[no-any-return]
        return self._connection.transaction(name, lambda value: None if value is None else (b"DEL", name))

    def replace(self, name: bytes, expected: bytes, new: Sequence[bytes]) -> bool:
        """Set a key where it holds `expected`.

        Parameters
        ----------
        name : bytes
            The key.
        expected : bytes
            What it has to hold.
        new : sequence of bytes
            What follows the key in the SET: the value, and its expiry.
        """
        done = self._run(_REPLACE, name, expected, *new)
        if done is not MISSING:
            return bool(done)

        def decide(value: bytes | None) -> Sequence[bytes] | None:
            return (b"SET", name, *new) if value == expected else None

        return self._connection.transaction(name, decide) == expected

    def discard(self, name: bytes, expected: bytes) -> bool:
        """Remove a key where it holds `expected`."""
        done = self._run(_DISCARD, name, expected)
        if done is not MISSING:
            return bool(done)
        return (
            self._connection.transaction(name, lambda value: (b"DEL", name) if value == expected else None) == expected
        )

    def add_to(self, name: bytes, by: float, expiry: tuple[bytes, ...], *, renew: bool) -> Any:
        """Add to the number that a key holds as text, and return the sum; MISSING where the server's way does not do.

        Parameters
        ----------
        name : bytes
            The key.
        by : int or float
            What to add.
        expiry : tuple of bytes
            The words of a SET for the expiry of an entry that is made here.
        renew : bool
            Whether one that was there expires anew too.
        """
        verb = b"INCRBYFLOAT" if isinstance(by, float) else b"INCRBY"
        text = repr(by).encode()
        try:
            if not expiry and not renew:
                return self._connection.call((verb, name, text), again=False)
            return self._run(_INCREMENT, name, verb, text, b"1" if renew else b"0", expiry[1] if expiry else b"")
        except ResponseError as error:
            if any(word in str(error) for word in _NO_NUMBER):
                return MISSING
            raise

    def _run(self, script: bytes, name: bytes, *arguments: bytes) -> Any:
        """Return what a script answers for a key; MISSING where scripts are forbidden."""
        if self._scripts:
            try:
                return self._connection.call(("EVAL", script, 1, name, *arguments), again=False)
            except ResponseError as error:
                self._scripts = not forbidden(error)
                if self._scripts:
                    raise
        return MISSING
