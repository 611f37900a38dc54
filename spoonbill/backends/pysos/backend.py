"""pysos: one text file, a JSON key and a JSON value a line, with the index in memory."""

import json
import os
from bisect import insort
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from spoonbill.backends.pysos.recovery import recover
from spoonbill.backends.shared import client_module
from spoonbill.common.locks import engine_lock
from spoonbill.common.nesting import MOST_LEVELS, is_deeper
from spoonbill.common.sentinels import MISSING
from spoonbill.common.text import shortened
from spoonbill.common.traits import Guarantees
from spoonbill.errors import CodecError, InvalidKeyError, StoreError
from spoonbill.store import Store

_WORTH_REUSING = 5
"""The longest remainder of a reused line, in bytes, that pysos does not reuse again."""
_PIECE = 512
_encode_key = json.JSONEncoder(ensure_ascii=False).encode


class Pysos(Store[str, bytes]):
    """A file that pysos opens. Values are the bytes of one JSON document each.

    Parameters
    ----------
    path : str or Path
        The file; made where it is missing. What a crash or an error left half-done is settled when it is opened.

    Notes
    -----
    A line is a comment until all of it is in the file; one byte then makes it an entry. A new value of a key is always
    placed after the one that it replaces, so of two lines with one key, as a crash leaves them, the last is the newer.
    """

    guarantees = Guarantees(
        threads="safe",
        processes="one process at a time",
        fork="the child must open the file anew, and not while the parent writes",
        crash="a finished write survives the end of the process; flush() writes through to the disk",
        iteration="the keys of the moment when the loop began",
        atomic="between the threads of this process",
    )

    path_options = frozenset({"path"})

    def __init__(self, path: str | Path) -> None:
        pysos = client_module("pysos")
        self._lock = engine_lock(("pysos", os.path.realpath(path)))
        self._path = os.fspath(path)
        self._pysos = pysos.Dict
        self._dict: Any = self._open_file()
        self._open = True
        self._unsettled = False  # True while a write is under way, and after one that failed

    def _open_file(self) -> Any:
        try:
            recover(self._path)
            return self._pysos(self._path)
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise StoreError(
                f"pysos cannot open {self._path}: {error}. It is a text file of JSON lines; check the path, its "
                "permissions and that no other program wrote it"
            ) from error

    def _offsets(self) -> dict[str, int]:
        if not self._open:
            raise self._closed_error()
        if self._unsettled:
            with self._lock:  # another thread may be in the middle of its write
                if self._unsettled:
                    with suppress(OSError):  # the byte of a failed `_free`, which is tried again here
                        self._dict.close()
                    self._dict = self._open_file()
                    self._unsettled = False
        return self._dict._offsets  # type: ignore[no-any-return] # noqa: SLF001 - its items() can see a key twice

    def _engine_error(self, operation: str, key: Any, error: OSError) -> StoreError:
        return self._failure(operation, key, error, "Check the disk; what was stored before can still be read.")

    # -- reading -------------------------------------------------------------------------------------------------

    def get(self, key: str, default: Any = None) -> Any:
        with self._lock:
            offset = self._offsets().get(key)
            if offset is None:
                return default
            try:
                line = self._line_at(offset)
            except OSError as error:
                raise self._engine_error("get", key, error) from error
        return line.partition(b"\t")[2][:-1]

    def _line_at(self, offset: int) -> bytes:
        descriptor = self._dict._file.fileno()  # noqa: SLF001 - not by its buffer, which would know older bytes
        piece = os.pread(descriptor, _PIECE, offset)
        end = piece.find(b"\n")
        if end >= 0:
            return piece[: end + 1]
        pieces, size = [piece], _PIECE
        while piece and end < 0:
            offset, size = offset + len(piece), size * 2
            piece = os.pread(descriptor, size, offset)
            end = piece.find(b"\n")
            pieces.append(piece if end < 0 else piece[: end + 1])
        return b"".join(pieces)

    # -- writing -------------------------------------------------------------------------------------------------

    def set(self, key: str, value: bytes) -> None:
        line = self._line(key, value)
        with self._lock:
            offsets = self._offsets()
            self._unsettled = True
            try:
                offsets[key] = self._replace(offsets.get(key), line)
            except OSError as error:
                raise self._engine_error("set", key, error) from error
            self._unsettled = False

    def _replace(self, before: int | None, line: bytes) -> int:
        """Write a line, make the one `before` a comment where there is one, and return the offset of the new."""
        hole = self._dict._findLine(len(line))  # noqa: SLF001 - the place that pysos would take
        if before is None:
            return self._place(line, hole)
        if hole is None or hole[1] > before:
            offset = self._place(line, hole)
            self._free(before)
            return offset
        # A line before the old one would lose against it after a crash. So to the end first; once the old line is
        # gone, the same into the hole: a crash then leaves the same value twice.
        last = self._place(line, None)
        self._free(before)
        offset = self._place(line, hole)
        os.ftruncate(self._dict._file.fileno(), last)  # noqa: SLF001
        return offset

    def _place(self, line: bytes, hole: tuple[int, int] | None) -> int:
        """Write `line` over a comment of some size at some offset, or at the end, and return its offset.

        Wherever this is cut off, each line of the file is an entry or a comment.
        """
        descriptor = self._dict._file.fileno()  # noqa: SLF001
        if hole is None:
            offset = os.fstat(descriptor).st_size
            _write(descriptor, b"#" + line[1:], offset)
        else:
            size, offset = hole
            rest = size - len(line)
            if rest > 1:  # what is left of the reused line will be a comment of its own
                _write(descriptor, b"#" + b"." * (rest - 2), offset + len(line))
            _write(descriptor, line[1:-1], offset + 1)
            _write(descriptor, b"\n", offset + len(line) - 1)
            if rest > _WORTH_REUSING:
                insort(self._dict._free_lines, (rest, offset + len(line)))  # noqa: SLF001
        _write(descriptor, line[:1], offset)
        return offset

    def _free(self, offset: int) -> None:
        """Make an entry a comment, whose place can be used again."""
        self._dict._freeLine(offset)  # noqa: SLF001 - one byte, written through at once

    def _line(self, key: str, value: bytes) -> bytes:
        """Return the line that holds the pair; the value is checked to be one JSON document."""
        if not isinstance(key, str):
            raise InvalidKeyError(f"{self!r}: a key is a str, not {type(key).__name__} {shortened(key)}")
        try:
            name = _encode_key(key).encode()
        except UnicodeEncodeError as error:
            raise InvalidKeyError(f"{self!r}: the key {shortened(key)} is no valid text ({error})") from error
        try:
            document = json.loads(value)
        except (TypeError, ValueError, RecursionError) as error:
            raise CodecError(
                f"{self!r} holds JSON documents; the value of {shortened(key)} is none: {error}"
            ) from error
        if len(value) > MOST_LEVELS and is_deeper(document, among=value.count(b"[") + value.count(b"{")):
            raise CodecError(f"{self!r}: the value of {shortened(key)} is nested in more than {MOST_LEVELS} levels")
        if b"\n" in value or b"\r" in value:
            value = json.dumps(document, ensure_ascii=False).encode()
        return b"%b\t%b\n" % (name, value)

    def delete(self, key: str) -> bool:
        with self._lock:
            offsets = self._offsets()
            if key not in offsets:
                return False
            self._unsettled = True
            try:
                self._free(offsets[key])
            except OSError as error:
                raise self._engine_error("delete", key, error) from error
            del offsets[key]
            self._unsettled = False
            return True

    def iter(self) -> Iterator[str]:
        with self._lock:
            return iter(list(self._offsets()))

    def has(self, key: str) -> bool:
        return key in self._offsets()

    def count(self) -> int:
        return len(self._offsets())

    def check(self, key: str, value: bytes) -> None:
        self._line(key, value)

    def flush(self) -> None:
        with self._lock:
            self._offsets()
            try:
                os.fsync(self._dict._file.fileno())  # noqa: SLF001 - it offers no flush of its own
            except OSError as error:
                raise self._engine_error("flush", MISSING, error) from error

    def close(self) -> None:
        with self._lock:
            if self._open:
                self._open = False
                self._dict.close()


def _write(descriptor: int, data: bytes, offset: int) -> None:
    """Write all of `data` at an offset; a full disk takes a part of it first, and then none."""
    while data:
        written = os.pwrite(descriptor, data, offset)
        data, offset = data[written:], offset + written
