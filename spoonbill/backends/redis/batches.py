"""Many keys of Redis at once: in one command each where one server has them, by slot on a cluster."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

from redis.exceptions import ReadOnlyError, ResponseError

from spoonbill.backends.redis.connection import RedisConnection
from spoonbill.backends.redis.errors import forbidden


class OtherTypeError(Exception):
    """A key holds another type of Redis than a string.

    Attributes
    ----------
    name : bytes
        The key, as the server has it.
    kind : str
        What it holds, such as ``"list"``.
    """

    def __init__(self, name: bytes, kind: str) -> None:
        super().__init__(name, kind)
        self.name = name
        self.kind = kind


class Batches:
    """The commands on many keys, over a connection. Names are whole: the prefix is part of them."""

    def __init__(self, connection: RedisConnection) -> None:
        self._connection = connection

    def read(self, names: list[bytes]) -> list[Any]:
        """Return the value of each name, None where it is absent.

        Raises
        ------
        OtherTypeError
            If one of them is no string: MGET answers for it as if it were absent.
        """
        parts = self._connection.parts(names)
        replies = self._connection.batch([(b"MGET", *part) for part in parts])
        if len(parts) == 1:
            values = replies[0]
        else:
            found = dict(zip(chain.from_iterable(parts), chain.from_iterable(replies), strict=True))
            values = [found[name] for name in names]
        if None in values:
            self._refuse_other_types([name for name, value in zip(names, values, strict=True) if value is None])
        return values  # type: ignore[no-any-return]

    def _refuse_other_types(self, names: list[bytes]) -> None:
        if not sum(self._connection.batch([(b"EXISTS", *part) for part in self._connection.parts(names)])):
            return
        kinds = self._connection.batch([(b"TYPE", name) for name in names])
        for name, kind in zip(names, kinds, strict=True):
            if kind not in {b"none", b"string"}:
                raise OtherTypeError(name, kind.decode())

    def write(self, words: list[bytes], expiry: Sequence[bytes]) -> None:
        """Set names, given in turn with their values."""
        if len(words) == 2:
            self._connection.call((b"SET", *words, *expiry))
            return
        pairs = zip(words[::2], words[1::2], strict=True)
        if expiry:
            self._connection.batch([(b"SET", *pair, *expiry) for pair in pairs])
            return
        last = dict(pairs)
        self._connection.batch(
            [
                (b"MSET", *chain.from_iterable((name, last[name]) for name in part))
                for part in self._connection.parts(list(last))
            ]
        )

    def unlink(self, names: list[bytes]) -> int:
        """Remove names and return how many were there."""
        return sum(self._connection.unlink_many(*self._connection.parts(names)))

    def flush(self) -> bool:
        """Empty the database of every server; return False where that is forbidden."""
        try:
            for server in self._connection.servers():
                self._flush(server)
        except ResponseError as error:
            if forbidden(error) and not isinstance(error, ReadOnlyError):
                return False
            raise
        return True

    def _flush(self, server: Any) -> None:
        try:
            self._connection.ask(server, ("FLUSHDB", "ASYNC"), again=False)
        except ResponseError as error:
            if "syntax error" not in str(error):
                raise
            self._connection.ask(server, ("FLUSHDB",), again=False)  # a server before 4.0
