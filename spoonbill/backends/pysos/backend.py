"""pysos: one text file, a JSON key and a JSON value a line, with the index in memory."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from spoonbill.backends.pysos.file import PYSOS_FILES, PysosFile
from spoonbill.common.failures import raise_alone
from spoonbill.common.nesting import MOST_LEVELS, is_deeper
from spoonbill.common.paths import absolute
from spoonbill.common.sentinels import MISSING
from spoonbill.common.text import shortened
from spoonbill.common.traits import Guarantees
from spoonbill.errors import CodecError, InvalidKeyError, StoreError
from spoonbill.store import Store

_encode_key = json.JSONEncoder(ensure_ascii=False).encode


class Pysos(Store[str, bytes]):
    """A file that pysos opens. Values are the bytes of one JSON document each.

    Parameters
    ----------
    path : str or Path
        The file; it and its folder are made where they are missing. What a crash or an error left half-done is settled
        when it is opened.

    Notes
    -----
    A line is a comment until all of it is in the file; one byte then makes it an entry, and another makes the line
    that it replaces a comment. A crash between the two leaves two lines with one key, of which the last counts.
    """

    guarantees = Guarantees(
        threads="safe",
        processes="one process that writes, or several that read; flush() lets others read",
        fork="the child gets a StoreError, and opens the file anew when the parent has closed it",
        crash="a finished write survives the end of the process; flush() writes through to the disk",
        iteration="the keys of the moment when the loop began",
        atomic="between the threads of this process",
    )

    path_options = frozenset({"path"})

    def __init__(self, path: str | Path) -> None:
        self._hold = PYSOS_FILES.open(absolute(path), PysosFile)
        self._lock = self._opened().lock

    def _opened(self) -> PysosFile:
        file = self._hold.file
        if file is None:
            raise self._closed_error()
        return file

    def _engine_error(self, operation: str, key: Any, error: OSError) -> StoreError:
        if isinstance(error, StoreError):  # of the file, which says it all
            raise_alone(error)
        if isinstance(error, StoreError):
            return error
        return self._failure(operation, key, error, "Check the disk; what was stored before can still be read.")

    # -- reading -------------------------------------------------------------------------------------------------

    def get(self, key: str, default: Any = None) -> Any:
        with self._lock:
            file = self._opened()
            offset = file.offsets().get(key)
            if offset is None:
                return default
            try:
                line = file.line_at(offset)
            except OSError as error:
                raise self._engine_error("get", key, error) from error
        return line.partition(b"\t")[2][:-1]

    # -- writing -------------------------------------------------------------------------------------------------

    def set(self, key: str, value: bytes) -> None:
        line = self._line(key, value)
        with self._lock:
            try:
                self._opened().put(key, line)
            except OSError as error:
                raise self._engine_error("set", key, error) from error

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
            try:
                return self._opened().remove(key)
            except OSError as error:
                raise self._engine_error("delete", key, error) from error

    def iter(self) -> Iterator[str]:
        with self._lock:
            return iter(list(self._opened().offsets()))

    def has(self, key: str) -> bool:
        return key in self._opened().offsets()

    def count(self) -> int:
        return len(self._opened().offsets())

    def check(self, key: str, value: bytes) -> None:
        self._line(key, value)

    def flush(self) -> None:
        with self._lock:
            try:
                self._opened().flush()
            except OSError as error:
                raise self._engine_error("flush", MISSING, error) from error

    def close(self) -> None:
        PYSOS_FILES.close(self._hold)
