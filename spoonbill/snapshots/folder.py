"""A folder that `FilesystemStore.save` wrote, read as the entries that it holds."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from spoonbill.codecs import get_codec
from spoonbill.errors import CodecError, SnapshotError
from spoonbill.filesystems import is_local
from spoonbill.keys import decode_key

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
    import fsspec

    if is_local(url) and not Path(url).is_dir():
        return None
    filesystem, path = fsspec.core.url_to_fs(str(url), **storage_options)
    root = path.rstrip("/")
    note = f"{root}/{FILES_NOTE}"
    filesystem.invalidate_cache()
    if not (filesystem.exists(note) or is_local(url) or (not _is_web(filesystem) and filesystem.isdir(path))):
        return None
    if filesystem.exists(f"{root}/{RECORD}"):
        _finish(url, storage_options)
        filesystem.invalidate_cache()
    if not filesystem.exists(note):
        raise SnapshotError(
            f"{url} is a folder without the note that a finished save leaves: save it again, or open it as "
            "FilesystemStore.open(...) and copy it with update"
        )
    return ExportedFiles(filesystem, root, filesystem.cat_file(note))


def _finish(url: str | Path, storage_options: dict[str, Any]) -> None:
    """Finish the save that was broken off amid its last step."""
    from spoonbill.filesystems.commit import recover
    from spoonbill.filesystems.opening import open_folder

    folder = open_folder(str(url), storage_options, sync=False, manifest=None)
    try:
        whole = not folder.read_only and recover(folder)
    except Exception as error:
        raise SnapshotError(
            f"a save into {url} was broken off in its last step, and finishing it failed with {error}: mend that, or "
            "save again"
        ) from error
    finally:
        folder.close()
    if not whole:
        raise SnapshotError(f"a save into {url} is in its last step: load it when the save is done")


def files_noted(note: bytes, root: str) -> list[tuple[str, int, str]]:
    """Return the name, the size and the key of each file that a note lists."""
    return _parsed(note, root)[1]


def _parsed(note: bytes, root: str) -> tuple[dict[str, Any], list[tuple[str, int, str]]]:
    try:
        head, *lines = (json.loads(line) for line in note.decode().splitlines())
        whole = head["spoonbill"] == "files 1" and head["files"] == len(lines)
        inside = all(".." not in file.split("/") and file[:1] != "/" for file, _, _ in lines)
    except (ValueError, KeyError, TypeError) as error:
        raise SnapshotError(f"the note of {root} cannot be read: {error}; save it again") from error
    if not (whole and inside):
        raise SnapshotError(f"the note of {root} is not one that a finished save leaves; save it again")
    return head, lines


class ExportedFiles:
    """The entries of such a folder; each file has to be there, in the length that was noted.

    Parameters
    ----------
    filesystem : fsspec filesystem
        Where it is.
    root : str
        Its path there.
    note : bytes
        What the note says.
    """

    def __init__(self, filesystem: Any, root: str, note: bytes) -> None:
        self._filesystem = filesystem
        self._root = root
        self._head, self._lines = _parsed(note, root)
        self._mark = _mark(note)

    def entries(self, *, allow_pickle: bool) -> Iterator[tuple[Any, Any]]:
        """Yield every pair, decoded; a file that is missing or of another length is a SnapshotError."""
        name = self._head["codec"]
        try:
            codec = get_codec(name)
        except CodecError as error:
            raise SnapshotError(
                f"the files of {self._root} are written by a codec of your own, {name}: open them with "
                "FilesystemStore.open(..., codec=...) and copy them with update"
            ) from error
        if not (codec.safe and self._head["strict"]) and not allow_pickle:
            raise SnapshotError(
                f"the files of {self._root} are written by the codec {name}, strict={self._head['strict']}, which can "
                "run code when they are read: load them into a store with strict=False, if you trust where they "
                "come from"
            )
        for file, data, key in self._read():
            try:
                yield decode_key(key, strict=self._head["strict"]), codec.loads(data)
            except (TypeError, ValueError) as error:
                raise SnapshotError(f"the file {file} of {self._root} cannot be read: {error}") from error
        if not self._unchanged():
            raise SnapshotError(f"{self._root} was saved into while it was read: load it again")

    def _read(self) -> Iterator[tuple[str, bytes, str]]:
        for start in range(0, len(self._lines), _AT_A_TIME):
            lines = self._lines[start : start + _AT_A_TIME]
            paths = [f"{self._root}/{self._written(file)}" for file, _, _ in lines]
            found = self._filesystem.cat_ranges(paths, None, None, on_error="return")
            for (file, size, key), data in zip(lines, found, strict=True):
                if isinstance(data, FileNotFoundError) or (isinstance(data, bytes) and len(data) != size):
                    raise SnapshotError(f"the file {file} of {self._root} is missing or was changed; save it again")
                if isinstance(data, Exception):
                    raise data
                yield file, data, key

    def _unchanged(self) -> bool:
        """Return whether no other save has begun to rename its files into this place."""
        self._filesystem.invalidate_cache()
        if self._filesystem.exists(f"{self._root}/{RECORD}"):
            return False
        try:
            return _mark(self._filesystem.cat_file(f"{self._root}/{FILES_NOTE}")) == self._mark
        except FileNotFoundError:
            return False

    def _written(self, file: str) -> str:
        """Return a file's name as its filesystem takes it: in a URL of the web a ``%`` is written as an escape."""
        return quote(file) if _is_web(self._filesystem) else file


def _mark(note: bytes) -> bytes:
    return hashlib.blake2b(note).digest()


def _is_web(filesystem: Any) -> bool:
    return "http" in filesystem.protocol
