"""What a crash leaves in a file of pysos, settled before anything is read from it."""

import json
import os
from typing import IO, Any

from spoonbill.errors import StoreError

__all__ = ["recover"]


def recover(path: str, *, change: bool) -> None:
    """Settle what a crash or a failed write left half-done, in pysos's own format.

    Of lines with one key the last counts, as pysos itself reads them: the others become comments, so that none of them
    comes back when the last is deleted. One of them was being written, so either is right. A last line that was cut off
    goes if it was not yet an entry, and is closed if it is one.

    Parameters
    ----------
    path : str
        The file. A missing or an empty one is left for pysos to make.
    change : bool
        False where another process reads the file, so that nothing may be settled.

    Raises
    ------
    OSError
        If it cannot be read or written.
    StoreError
        If something is to be settled, and must not be.
    ValueError
        If a line is neither an entry under a text key nor a comment; nothing is changed then.
    """
    if not os.path.exists(path):  # noqa: PTH110
        return
    with open(path, "r+b") as file:  # noqa: PTH123
        older, end, torn = _read(file)
        if not change:
            if older or torn:
                raise StoreError(
                    f"{path} was left in the middle of a write, and another process reads it: close it there"
                )
            return
        for offset in older:
            file.seek(offset)
            file.write(b"#")
        if torn == b"#":
            file.truncate(end)
        elif torn:
            file.seek(0, os.SEEK_END)
            file.write(b"\n")
        empty = os.fstat(file.fileno()).st_size == 0
    if empty:
        os.unlink(path)  # noqa: PTH108 - pysos writes its header into a file that it makes itself


def _read(file: IO[bytes]) -> tuple[list[int], int, bytes]:
    """Return the offsets of lines that a later one replaces, the end of the last whole line, the byte after it."""
    found: dict[str, int] = {}
    older: list[int] = []
    offset = 0
    for number, line in enumerate(file, 1):
        if line[:1] not in {b"#", b"\n"}:
            key = _key(line, number)
            if key in found:
                older.append(found[key])
            found[key] = offset
        if not line.endswith(b"\n"):
            return older, offset, line[:1]
        offset += len(line)
    return older, offset, b""


def _key(line: bytes, number: int) -> str:
    left, tab, _ = line.partition(b"\t")
    try:
        key: Any = json.loads(left.decode())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"line {number} does not begin with a JSON key: {error}") from error
    if type(key) is int:
        raise ValueError(
            f"line {number} has the key {key}, an int, as a list of pysos has, and keys are text here: read it with "
            "pysos, and write the keys as text"
        )
    if type(key) is not str or not tab:
        raise ValueError(f"line {number} is no text key with a value after a tab")
    return key
