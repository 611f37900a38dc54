"""Redis verbs that are one step on the server, by the best means that the server allows."""

from collections.abc import Sequence

from redis.exceptions import ResponseError

from spoonbill.backends.redis.connection import RedisConnection
from spoonbill.backends.redis.errors import forbidden

_POP = b"local v = redis.call('GET', KEYS[1]) if v then redis.call('DEL', KEYS[1]) end return v"
_REPLACE = (
    b"if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end redis.call('SET', KEYS[1], unpack(ARGV, 2)) return 1"
)


class Atomic:
    """`pop` and `replace` on one key: by a command, else by a script, else by a transaction that watches the key.

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
        if self._scripts:
            try:
                return self._connection.call(("EVAL", _POP, 1, name), again=False)  # type: ignore[no-any-return]
            except ResponseError as error:
                self._scripts = not forbidden(error)
                if self._scripts:
                    raise
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
        if self._scripts:
            try:
                return bool(self._connection.call(("EVAL", _REPLACE, 1, name, expected, *new), again=False))
            except ResponseError as error:
                self._scripts = not forbidden(error)
                if self._scripts:
                    raise

        def decide(value: bytes | None) -> Sequence[bytes] | None:
            return (b"SET", name, *new) if value == expected else None

        return self._connection.transaction(name, decide) == expected
