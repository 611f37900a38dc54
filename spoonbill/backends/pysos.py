"""pysos: one text file, a JSON key and a JSON value a line, with the index in memory."""

import json
import os
from bisect import insort
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from spoonbill.backends.shared import client_module
from spoonbill.common.locks import engine_lock
from spoonbill.common.text import shortened
from spoonbill.common.traits import Guarantees
from spoonbill.errors import CodecError, InvalidKeyError, StoreError
from spoonbill.store import Store

_WORTH_REUSING = 5
"""The longest remainder of a reused line, in bytes, that pysos does not reuse again."""
_encode_key = json.JSONEncoder(ensure_ascii=False).encode


class Pysos(Store[str, bytes]):
    """A file that pysos opens. Values are the bytes of one JSON document each.

    Parameters
    ----------
    path : str or Path
        The file; made where it is missing. A last line that a crash has torn is closed when it is opened.
    """

    guarantees = Guarantees(
        threads="safe",
        processes="one process at a time",
        fork="the child must open the file anew, and not while the parent writes",
        crash="a finished write survives the end of the process; flush() writes through to the disk",
        iteration="the keys of the moment when the loop began",
        atomic="between the threads of this process",
    )

    def __init__(self, path: str | Path) -> None:
        pysos = client_module("pysos")
        self._lock = engine_lock(("pysos", os.path.realpath(path)))
        try:
            _close_torn_line(path)
            self._dict: Any = pysos.Dict(os.fspath(path))
        except (OSError, ValueError) as error:
            raise StoreError(
                f"pysos cannot open {os.fspath(path)}: {error}. It is a text file of JSON lines; check the path, its "
                "permissions and that no other program wrote it"
            ) from error
        self._open = True

    def _offsets(self) -> dict[str, int]:
        if not self._open:
            raise self._closed_error()
        return self._dict._offsets  # type: ignore[no-any-return] # noqa: SLF001 - its items() can see a key twice

    def get(self, key: str, default: Any = None) -> Any:
        with self._lock:
            offset = self._offsets().get(key)
            if offset is None:
                return default
            file = self._dict._file  # noqa: SLF001 - the line as it is: its own reader decodes the value
            file.seek(offset)
            line: bytes = file.readline()
        return line.partition(b"\t")[2][:-1]

    def set(self, key: str, value: bytes) -> None:
        line = self._line(key, value)
        with self._lock:
            offsets = self._offsets()
            before = offsets.get(key)
            offset = self._place(line)
            if before is not None:
                self._dict._freeLine(before)  # noqa: SLF001 - only now: a crash leaves the old line or both
            offsets[key] = offset

    def _place(self, line: bytes) -> int:
        """Write `line` where pysos would, and return its offset.

        As pysos does it: a line is a comment until all of it is in the file. Not by pysos itself, which would read the
        old value and parse the new one on the way.
        """
        file = self._dict._file  # noqa: SLF001
        found = self._dict._findLine(len(line))  # noqa: SLF001
        if found:
            size, offset = found
            rest = size - len(line)
            file.seek(offset)
            file.write(b"#" + line[1:])
            if rest > 1:  # what is left of the reused line is a comment of its own
                file.write(b"#" + b"." * (rest - 2))
                if rest > _WORTH_REUSING:
                    insort(self._dict._free_lines, (rest, offset + len(line)))  # noqa: SLF001
        else:
            offset = file.seek(0, os.SEEK_END)
            file.write(b"#" + line[1:])
        file.flush()
        file.seek(offset)
        file.write(line[:1])
        file.flush()
        return int(offset)

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
        except (TypeError, ValueError) as error:
            raise CodecError(
                f"{self!r} holds JSON documents; the value of {shortened(key)} is none: {error}"
            ) from error
        if b"\n" in value or b"\r" in value:
            value = json.dumps(document, ensure_ascii=False).encode()
        return b"%b\t%b\n" % (name, value)

    def delete(self, key: str) -> bool:
        with self._lock:
            if key not in self._offsets():
                return False
            del self._dict[key]
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
            self._dict._file.flush()  # noqa: SLF001 - it offers no flush of its own
            os.fsync(self._dict._file.fileno())  # noqa: SLF001

    def close(self) -> None:
        with self._lock:
            if self._open:
                self._open = False
                self._dict.close()


def _close_torn_line(path: str | Path) -> None:
    """End a last line that a crash has torn: pysos would write the next entry onto it, and lose it."""
    path = Path(path)
    if not path.exists() or path.stat().st_size == 0:
        path.unlink(missing_ok=True)  # pysos writes its header into a file that it makes itself
        return
    with path.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            file.seek(0, os.SEEK_END)
            file.write(b"\n")
