"""A stream of pairs that is read to its end before a transaction begins, and put as often as the map has to grow."""

import marshal
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

from spoonbill.backends.lmdb.compiled import Batch
from spoonbill.errors import InvalidKeyError

__all__ = ["Spool"]

_IN_MEMORY = 1 << 20
"""Bytes that stay in memory."""
_OBJECTS = 150
"""Bytes of memory that a pair takes beside its value."""
_PLAIN = 2
"""The version of marshal that looks for no object twice, which would cost more than it saves."""


class Spool:
    """Batches: in memory, or where they are many in a nameless file beside the database.

    A producer may use the store while it makes the pairs, from another thread too: nothing is locked meanwhile.

    Parameters
    ----------
    batches : iterator of Batch
        Is read to its end.
    path : str
        Where the database is.

    Raises
    ------
    InvalidKeyError
        If a value is no bytes.
    OSError
        If the disk is full.
    """

    def __init__(self, batches: Iterator[Batch], path: str) -> None:
        self._kept: list[Batch] = []
        self._sizes: list[int] = []  # of the batches in the file
        self._path = path
        self._file: IO[bytes] | None = None
        room = _IN_MEMORY
        try:
            for batch in batches:
                if self._kept and room > 0:  # only where another follows
                    room -= _size_of(self._kept[-1])
                if room > 0:
                    self._kept.append(batch)
                else:
                    self._write(batch)
        except BaseException:
            self.close()
            raise

    def _write(self, batch: Batch) -> None:
        values = list(batch.values())
        odd = {kind for kind in map(type, values) if not issubclass(kind, bytes)}
        if odd:
            raise InvalidKeyError(f"LMDB holds bytes, not {odd.pop().__name__}: put a Codec on it")
        if self._file is None:
            folder = self._path if Path(self._path).is_dir() else Path(self._path).parent
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by `close`
        data = marshal.dumps((list(batch.names), values), _PLAIN)
        self._file.write(data)
        self._sizes.append(len(data))

    @property
    def is_large(self) -> bool:
        """Whether the pairs did not fit in memory."""
        return self._file is not None

    def __iter__(self) -> Iterator[Batch]:
        yield from self._kept
        if self._file is not None:
            self._file.seek(0)
            for size in self._sizes:
                names, values = marshal.loads(self._file.read(size))  # noqa: S302 - what was written a moment ago
                yield Batch(names, values.__iter__)

    def close(self) -> None:
        """Let go of what was read."""
        if self._file is not None:
            self._file.close()


def _size_of(batch: Batch) -> int:
    """Return the bytes of memory that a batch takes."""
    with suppress(TypeError):  # of a value that is no bytes the put itself tells
        return sum(map(len, batch.values())) + _OBJECTS * len(batch.names)
    return 0
