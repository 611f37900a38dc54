"""One open file of pysos: its index in memory, and writes that leave it whole wherever they are cut off."""

import os
from bisect import insort
from typing import Any

from spoonbill.backends.pysos.recovery import recover
from spoonbill.backends.shared import client_module
from spoonbill.backends.shared.open_files import OpenFile, OpenFiles
from spoonbill.common.failures import pass_on_signal, suppress_failures
from spoonbill.common.paths import identity
from spoonbill.errors import StoreError

__all__ = ["PYSOS_FILES", "PysosFile"]

_WORTH_REUSING = 5
"""The longest remainder of a reused line, in bytes, that pysos does not reuse again."""
_PIECE = 512


class PysosFile(OpenFile):
    """What the stores of one process on one file share. All of its methods are called with `lock` held.

    Parameters
    ----------
    path : str
        The file; it and its folder are made where they are missing.

    Raises
    ------
    StoreError
        If it cannot be opened, or another process writes it.
    """

    kind = "a pysos file"

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._pysos = client_module("pysos").Dict
        self._dict: Any = self._open_file()
        self.unsettled = False  # True while a write is under way, and after one that failed

    # -- opening -------------------------------------------------------------------------------------------------

    def _open_file(self) -> Any:
        try:
            os.makedirs(os.path.dirname(self.path), exist_ok=True)  # noqa: PTH103, PTH120
            there = os.path.exists(self.path)  # noqa: PTH110
            if there and self.writer is None:
                self.guard()
            alone = self.writer is None or self.writer.own()
            if not alone:
                self.share()
            recover(self.path, change=alone)
            opened = self._pysos(self.path)
            # It may have been made only now.
            if not there or self._replaced():
                self.guard()
            self.share()
            status = os.fstat(opened._file.fileno())  # noqa: SLF001
        except StoreError:
            raise
        except (OSError, ValueError, TypeError, RecursionError) as error:
            pass_on_signal(error)
            raise StoreError(
                f"pysos cannot open {self.path}: {error}. It is a text file of JSON lines; check the path, its "
                "permissions and that no other program wrote it"
            ) from error
        self._known = status.st_size, status.st_mtime_ns
        self._end = status.st_size
        return opened

    def _replaced(self) -> bool:
        return self.writer is None or identity(self.path) != self.writer.identity

    def close(self) -> None:
        self._dict.close()
        if self.writer is not None:
            self.writer.close()

    def __del__(self) -> None:
        if hasattr(self, "_dict"):
            with suppress_failures(OSError):
                self._dict.close()

    def forsake(self) -> None:
        super().forsake()
        self.unsettled = True  # every use looks there

    def offsets(self) -> dict[str, int]:
        """Return where the line of each key begins; what a failed write left is settled first."""
        if self.unsettled:
            with self.lock:  # another thread may be in the middle of its write
                if self.unsettled:
                    self.check_inherited()
                    self.check_place()
                    with suppress_failures(OSError, ValueError):  # the byte of a failed `_free`, tried again
                        self._dict.close()
                    self._dict = self._open_file()
                    self.unsettled = False
        return self._dict._offsets  # type: ignore[no-any-return] # noqa: SLF001 - its items() can see a key twice

    # -- reading -------------------------------------------------------------------------------------------------

    def line_at(self, offset: int) -> bytes:
        """Return the line that begins there."""
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

    def begin_write(self) -> dict[str, int]:
        """Return the offsets, when no other process has the file open and it is where it was."""
        offsets = self.offsets()
        self.check_place()
        if self.writer is not None and not self.writer.owned:
            self.own()
            status = os.fstat(self._dict._file.fileno())  # noqa: SLF001
            if (status.st_size, status.st_mtime_ns) != self._known:
                self.unsettled = True  # it was written between two locks
                offsets = self.offsets()
                self.own()
        return offsets

    def put(self, key: str, line: bytes) -> None:
        """Write the line of a key."""
        offsets = self.begin_write()
        self.unsettled = True
        offsets[key] = self._replace(offsets.get(key), line)
        self.unsettled = False

    def remove(self, key: str) -> bool:
        """Remove a key, and return whether it was there."""
        if key not in self.offsets():
            return False
        offsets = self.begin_write()
        self.unsettled = True
        self._free(offsets[key])
        del offsets[key]
        self.unsettled = False
        return True

    def flush(self) -> None:
        """Write through to the disk, and let other processes read."""
        self.offsets()
        self.check_place()
        descriptor = self._dict._file.fileno()  # noqa: SLF001 - it offers no flush of its own
        os.fsync(descriptor)
        status = os.fstat(descriptor)
        self._known = status.st_size, status.st_mtime_ns
        self.share()

    def _replace(self, before: int | None, line: bytes) -> int:
        """Write a line, make the one `before` a comment where there is one, and return the offset of the new."""
        # A crash between the two leaves both lines. The later one counts then, be it the old one: this write was not
        # finished. Whoever opens the file next makes the other a comment.
        offset = self._place(line, self._dict._findLine(len(line)))  # noqa: SLF001 - the place that pysos would take
        if before is not None:
            self._free(before)
        return offset

    def _place(self, line: bytes, hole: tuple[int, int] | None) -> int:
        """Write `line` over a comment of some size at some offset, or at the end, and return its offset.

        Wherever this is cut off, each line of the file is an entry or a comment.
        """
        descriptor = self._dict._file.fileno()  # noqa: SLF001
        if hole is None:
            offset = self._end
            _write(descriptor, b"#" + line[1:], offset)
            self._end += len(line)
        else:
            size, offset = hole
            rest = size - len(line)
            if rest > 1:  # what is left of the reused line will be a comment of its own
                _write(descriptor, b"#" + b"." * (rest - 2), offset + len(line))
            _write(descriptor, line[1:], offset + 1)
            if rest > _WORTH_REUSING:
                insort(self._dict._free_lines, (rest, offset + len(line)))  # noqa: SLF001
        _write(descriptor, line[:1], offset)
        return offset

    def _free(self, offset: int) -> None:
        """Make an entry a comment, whose place can be used again."""
        size = len(self.line_at(offset))
        _write(self._dict._file.fileno(), b"#", offset)  # noqa: SLF001
        if size > _WORTH_REUSING:
            insort(self._dict._free_lines, (size, offset))  # noqa: SLF001


PYSOS_FILES: OpenFiles[PysosFile] = OpenFiles(str)


def _write(descriptor: int, data: bytes, offset: int) -> None:
    """Write all of `data` at an offset; a full disk takes a part of it first, and then none."""
    while data:
        written = os.pwrite(descriptor, data, offset)
        data, offset = data[written:], offset + written
