"""A folder that `FilesystemStore.save` wrote, read as the entries that it holds."""

import hashlib
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spoonbill.codecs import get_codec
from spoonbill.errors import CodecError, SnapshotError
from spoonbill.files import is_local, named
from spoonbill.keys import decode_key
from spoonbill.masking import masked

if TYPE_CHECKING:
    from spoonbill.backends.filesystem_medium import Medium

FILES_NOTE = "files~note"
"""The file that is written last and lists the others. No key's file is called so."""

RECORD = "publication~note"
"""The file that is there while a save or load renames its files into place."""

_AT_A_TIME = 50


def exported(url: str | Path, storage_options: dict[str, Any]) -> "ExportedFiles | None":
    """Return the folder at a URL that `FilesystemStore.save` finished, None where a file or nothing is there.

    Raises
    ------
    SnapshotError
        If it is a folder of another kind.
    """
    from spoonbill.backends.filesystem_media import open_medium

    if is_local(url) and not Path(url).is_dir():
        return None
    with named("load", url, storage_options):
        medium = open_medium(str(url), storage_options, sync=False, manifest=None)
        files = _noted_at(medium, url, storage_options)
        if files is None:
            medium.close()
        return files


def _noted_at(medium: "Medium", url: str | Path, storage_options: dict[str, Any]) -> "ExportedFiles | None":
    if _is_there(medium, RECORD):
        raise SnapshotError(
            f"a save into {masked(str(url))} is in its last step, or was broken off there: load it when the save is "
            "done; if it was broken off, save again, or open the folder as a FilesystemStore of yours and call "
            "flush(), which finishes it"
        )
    if _is_there(medium, FILES_NOTE):
        return ExportedFiles(medium, medium.read(medium.path(FILES_NOTE)), url, storage_options)
    if is_local(url) or ("http" not in medium.fs.protocol and medium.fs.isdir(medium.root)):
        raise SnapshotError(
            f"{masked(str(url))} is a folder without the note that a finished save leaves: save it again, or open it "
            "as FilesystemStore.open(...) and copy it with update"
        )
    return None


def files_noted(note: bytes, root: str) -> list[tuple[str, int, str]]:
    """Return the name, the size and the key of each file that a note lists."""
    return _parsed(note, root)[1]


def _parsed(note: bytes, root: str) -> tuple[dict[str, Any], list[tuple[str, int, str]]]:
    try:
        head, *lines = (json.loads(line) for line in note.decode().removesuffix("\n").split("\n"))
        whole = head["spoonbill"] == "files 1" and type(head["files"]) is int and head["files"] == len(lines)
        whole = whole and type(head["codec"]) is str and type(head["strict"]) is bool
        whole = whole and all(map(_is_line, lines)) and len({name for name, _, _ in lines}) == len(lines)
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise SnapshotError(f"the note of {masked(root)} cannot be read: {str(error)[:200]}; save it again") from error
    if not whole:
        raise SnapshotError(f"the note of {masked(root)} is not one that a finished save leaves; save it again")
    return head, lines


def _is_line(line: Any) -> bool:
    """Tell whether a line is the name, the size and the key of a file as a store writes it, below its root."""
    from spoonbill.backends.file_names import key_of

    name, size, key = line
    return type(name) is str and type(size) is int and size >= 0 and type(key) is str and key_of(name) == key


class ExportedFiles:
    """The entries of such a folder; each file has to be there, in the length that was noted.

    Parameters
    ----------
    medium : Medium
        The folder.
    note : bytes
        What the note says.
    url : str or Path
        Where the folder is, for errors.
    storage_options : dict
        What it was opened with, for the secrets that no error may hold.
    """

    def __init__(self, medium: "Medium", note: bytes, url: str | Path, storage_options: dict[str, Any]) -> None:
        self._medium = medium
        self._root = medium.root
        self._head, self._lines = _parsed(note, medium.root)
        self._mark = _mark(note)
        self._named = partial(named, "load", url, storage_options)

    def entries(self, *, allow_pickle: bool) -> Iterator[tuple[Any, Any]]:
        """Yield every pair, decoded; a file that is missing or of another length is a SnapshotError."""
        name = self._head["codec"]
        try:
            codec = get_codec(name)
        except CodecError as error:
            raise SnapshotError(
                f"the files of {masked(self._root)} are written by a codec of your own, {name}: open them with "
                "FilesystemStore.open(..., codec=...) and copy them with update"
            ) from error
        if not (codec.safe and self._head["strict"]) and not allow_pickle:
            raise SnapshotError(
                f"the files of {masked(self._root)} are written by the codec {name}, strict={self._head['strict']}, "
                "which can run code when they are read: load them into a store with strict=False, if you trust where "
                "they come from"
            )
        for file, data, key in self._read():
            try:
                yield decode_key(key, strict=self._head["strict"]), codec.loads(data)
            except (TypeError, ValueError) as error:
                raise SnapshotError(f"the file {file} of {masked(self._root)} cannot be read: {error}") from error
        with self._named():
            unchanged = self._unchanged()
        if not unchanged:
            raise SnapshotError(f"{masked(self._root)} was saved into while it was read: load it again")

    def _read(self) -> Iterator[tuple[str, bytes, str]]:
        for start in range(0, len(self._lines), _AT_A_TIME):
            lines = self._lines[start : start + _AT_A_TIME]
            with self._named():
                found = self._medium.read_many([self._medium.path(file) for file, _, _ in lines])
                for one in found:
                    if isinstance(one, Exception):
                        raise one
            for (file, size, key), data in zip(lines, found, strict=True):
                if not isinstance(data, bytes) or len(data) != size:
                    raise SnapshotError(
                        f"the file {file} of {masked(self._root)} is missing or was changed; save it again"
                    )
                yield file, data, key

    def _unchanged(self) -> bool:
        """Tell whether no other save has begun to rename its files into this place."""
        if _is_there(self._medium, RECORD):
            return False
        try:
            return _mark(self._medium.read(self._medium.path(FILES_NOTE))) == self._mark
        except FileNotFoundError:
            return False

    def close(self) -> None:
        """Release what was opened for them."""
        self._medium.close()


def _is_there(medium: "Medium", name: str) -> bool:
    try:
        return medium.exists(medium.path(name))
    except PermissionError:  # a service that does not tell absence from refusal
        return False


def _mark(note: bytes) -> bytes:
    return hashlib.blake2b(note).digest()
