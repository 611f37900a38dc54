"""The note about a folder of files that was saved: a line about all of them, and a line for each."""

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from spoonbill.common.masking import masked
from spoonbill.errors import SnapshotError
from spoonbill.filesystems.names import key_of

__all__ = ["NotedFile", "read_note", "write_note"]

_FORMAT = "files 1"


class NotedFile(NamedTuple):
    """One file of a saved folder."""

    name: str
    """Its path below the root."""
    size: int
    """Its length in bytes."""
    key: str
    """The key that it is the value of."""


def write_note(files: Iterable[tuple[str, int]], about: dict[str, Any]) -> bytes:
    """Return the note about files.

    Parameters
    ----------
    files : iterable of (str, int)
        The name and the size in bytes of each.
    about : dict
        What a reader has to know of them all: ``codec``, the name of the codec, and ``strict``.
    """
    lines = [json.dumps([name, size, key_of(name)]) for name, size in files]
    head = json.dumps({"spoonbill": _FORMAT, "files": len(lines), **about})
    return ("\n".join([head, *lines]) + "\n").encode()


def read_note(note: bytes, root: str) -> tuple[dict[str, Any], list[NotedFile]]:
    """Return what a note says of all files, and of each.

    Parameters
    ----------
    note : bytes
        As `write_note` made it.
    root : str
        Where it lies, for the error.

    Raises
    ------
    SnapshotError
        If it is not a note as `write_note` makes it.
    """
    try:
        head, *lines = (json.loads(line) for line in note.decode().removesuffix("\n").split("\n"))
        whole = head["spoonbill"] == _FORMAT and type(head["files"]) is int and head["files"] == len(lines)
        whole = whole and type(head["codec"]) is str and type(head["strict"]) is bool
        whole = whole and all(map(_is_line, lines)) and len({name for name, _, _ in lines}) == len(lines)
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise SnapshotError(f"the note of {masked(root)} cannot be read: {str(error)[:200]}; save it again") from error
    if not whole:
        raise SnapshotError(f"the note of {masked(root)} is not one that a finished save leaves; save it again")
    return head, [NotedFile(*line) for line in lines]


def _is_line(line: Any) -> bool:
    """Return whether a line is the name, the size and the key of a file as a store writes it, below its root."""
    name, size, key = line
    return type(name) is str and type(size) is int and size >= 0 and type(key) is str and key_of(name) == key
