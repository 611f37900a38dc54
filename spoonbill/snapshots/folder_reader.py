"""A folder that `FilesystemStore.save` wrote, read as the entries that it holds."""

import hashlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from spoonbill.codecs import get_codec
from spoonbill.common.masking import masked
from spoonbill.common.paths import absolute
from spoonbill.errors import CodecError, SnapshotError
from spoonbill.filesystems import is_local, translate_errors
from spoonbill.filesystems.folder import FILES_NOTE, JOURNAL, Folder
from spoonbill.keys import decode_key
from spoonbill.snapshots.note import read_note

_BATCH = 50


def find_folder(url: str | Path, storage_options: dict[str, Any]) -> "ExportedFiles | None":
    """Return the folder at a URL that `FilesystemStore.save` finished, None where a file or nothing is there.

    Raises
    ------
    SnapshotError
        If it is a folder of another kind.
    """
    if is_local(url) and not Path(absolute(url)).is_dir():
        return None
    with translate_errors("load", url, storage_options):
        from spoonbill.filesystems.opening import open_folder  # fsspec takes as long to import as all of spoonbill

        folder = open_folder(str(url), storage_options, sync=False, manifest=None)
        files = _open_noted(folder, url, storage_options)
        if files is None:
            folder.close()
        return files


def _open_noted(folder: Folder, url: str | Path, storage_options: dict[str, Any]) -> "ExportedFiles | None":
    if _is_there(folder, JOURNAL):
        raise SnapshotError(
            f"a save into {masked(str(url))} is in its last step, or was broken off there: load it when the save is "
            "done; if it was broken off, save again, or open the folder as a FilesystemStore of yours and call "
            "flush(), which finishes it"
        )
    if _is_there(folder, FILES_NOTE):
        return ExportedFiles(folder, folder.read(folder.path(FILES_NOTE)), url, storage_options)
    if is_local(url) or ("http" not in folder.fs.protocol and _is_folder(folder.fs, folder.root)):
        raise SnapshotError(
            f"{masked(str(url))} is a folder without the note that a finished save leaves: save it again, or open it "
            "as FilesystemStore.open(...) and copy it with update"
        )
    return None


def _is_folder(filesystem: Any, path: str) -> bool:
    """Return what fsspec's ``isdir`` does, which takes every OSError for absence."""
    try:
        return bool(filesystem.info(path)["type"] == "directory")
    except (FileNotFoundError, NotADirectoryError):
        return False


class ExportedFiles:
    """The entries of such a folder; each file has to be there, in the length that was noted.

    Parameters
    ----------
    folder : Folder
        The folder.
    note : bytes
        What the note says.
    url : str or Path
        Where the folder is, for errors.
    storage_options : dict
        What it was opened with, for the secrets that no error may hold.
    """

    def __init__(self, folder: Folder, note: bytes, url: str | Path, storage_options: dict[str, Any]) -> None:
        self._folder = folder
        self._root = folder.root
        self._head, self._lines = read_note(note, folder.root)
        self._mark = _mark(note)
        self._translate_errors = partial(translate_errors, "load", url, storage_options)

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
        with self._translate_errors():
            unchanged = self._is_unchanged()
        if not unchanged:
            raise SnapshotError(f"{masked(self._root)} was saved into while it was read: load it again")

    def _read(self) -> Iterator[tuple[str, bytes, str]]:
        for start in range(0, len(self._lines), _BATCH):
            lines = self._lines[start : start + _BATCH]
            with self._translate_errors():
                found = self._folder.read_many([self._folder.path(file) for file, _, _ in lines])
                for one in found:
                    if isinstance(one, Exception):
                        raise one
            for (file, size, key), data in zip(lines, found, strict=True):
                if not isinstance(data, bytes) or len(data) != size:
                    raise SnapshotError(
                        f"the file {file} of {masked(self._root)} is missing or was changed; save it again"
                    )
                yield file, data, key

    def _is_unchanged(self) -> bool:
        """Return whether no other save has begun to rename its files into this place."""
        if _is_there(self._folder, JOURNAL):
            return False
        try:
            return _mark(self._folder.read(self._folder.path(FILES_NOTE))) == self._mark
        except FileNotFoundError:
            return False

    def close(self) -> None:
        """Release what was opened for them."""
        self._folder.close()


def _is_there(folder: Folder, name: str) -> bool:
    try:
        return folder.exists(folder.path(name))
    except PermissionError:  # a service that does not tell absence from refusal
        return False


def _mark(note: bytes) -> bytes:
    return hashlib.blake2b(note).digest()
