"""The files of one root, copied to another: resumed where it stopped, and shown when all of them are there."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from spoonbill.common.progress import Progress, with_progress
from spoonbill.errors import SnapshotError, StoreError
from spoonbill.filesystems.commit import publish, recover
from spoonbill.filesystems.concurrent import ConcurrentFolder
from spoonbill.filesystems.folder import NO_KEYS, PART, Folder, Info
from spoonbill.filesystems.local import LocalFolder
from spoonbill.filesystems.names import key_of
from spoonbill.snapshots.folder import FILES_NOTE, files_noted

_JOURNAL = "journal-"
_AT_A_TIME = 200
_TOGETHER = 32 << 20
"""Bytes that are in memory together; a larger file passes in pieces."""
_PIECE = 8 << 20


def export(source: Folder, target: Folder, note: dict[str, Any], progress: Progress) -> None:
    """Copy every key's file to `target`, then show them all at once, with a note about them.

    Each file is first copied under a name that no listing shows. A journal tells which copies are whole, and of which
    state of their sources: a run that was interrupted is taken up where it stopped.
    """
    if target.contains(source) or source.contains(target):
        raise StoreError(f"the files of {source.root} cannot be saved into themselves: choose another folder")
    if not recover(target):
        raise StoreError(f"another process is saving into {target.root}: wait until it is done, and save again")
    _written_before(target)
    files = {source.name(info["name"]): info for info in _files(source)}
    noted = _noted(files, note)
    journal = _Journal(source, target)
    left = [name for name, info in files.items() if not journal.has(name, source.tag(info))]
    reported = iter(with_progress(range(len(files)), progress, "saving"))
    for _ in range(len(files) - len(left)):
        next(reported)
    for batch in _batches({name: files[name] for name in left}):
        _copy(source, target, {name: journal.staged(name) for name in batch}, batch)
        journal.note({name: source.tag(info) for name, info in batch.items()})
        for _ in batch:
            next(reported)
    next(reported, None)  # lets the bar end
    staged = {name: journal.staged(name) for name in (*files, FILES_NOTE)}
    target.write(target.path(staged[FILES_NOTE]), noted)
    publish(target, staged, lambda: _written_before(target), progress=progress is True)
    journal.forget()


def _noted(files: dict[str, Info], note: dict[str, Any]) -> bytes:
    lines = [json.dumps({"spoonbill": "files 1", "files": len(files), **note})]
    lines += [json.dumps([name, int(info["size"]), key_of(name)]) for name, info in files.items()]
    return ("\n".join(lines) + "\n").encode()


def _files(folder: Folder) -> Iterator[Info]:
    for page in folder.infos(""):
        yield from (info for info in page if not info["name"].endswith(NO_KEYS))


def _batches(files: dict[str, Info]) -> Iterator[dict[str, Info]]:
    batch: dict[str, Info] = {}
    size = 0
    for name, info in files.items():
        if batch and (len(batch) == _AT_A_TIME or size + int(info["size"]) > _TOGETHER):
            yield batch
            batch, size = {}, 0
        batch[name] = info
        size += int(info["size"])
    if batch:
        yield batch


def _copy(source: Folder, target: Folder, staged: dict[str, str], files: dict[str, Info]) -> None:
    pairs = [(source.path(name), target.path(place)) for name, place in staged.items()]
    if _same_service(source, target):
        target.copy_many(source, pairs)
    elif len(files) == 1 and int(*(info["size"] for info in files.values())) > _TOGETHER:
        _pour(source, target, *pairs[0])
    else:
        found = source.read_many([origin for origin, _ in pairs])
        for one in found:
            if one.__class__ is not bytes:
                raise one if isinstance(one, Exception) else FileNotFoundError("a file went away: save again")
        target.write_all({place: data for (_, place), data in zip(pairs, found, strict=True)})


def _same_service(source: Folder, target: Folder) -> bool:
    if isinstance(source, LocalFolder) or isinstance(target, LocalFolder):
        return isinstance(source, LocalFolder) and isinstance(target, LocalFolder)
    return isinstance(source, ConcurrentFolder) and bool(source.fs == target.fs)


def _pour(source: Folder, target: Folder, origin: str, place: str) -> None:
    """Copy one large file in pieces, which its staged name keeps from sight."""
    with source.fs.open(origin, "rb", block_size=_PIECE) as inlet, target.fs.open(place, "wb") as outlet:
        while piece := inlet.read(_PIECE):
            outlet.write(piece)


def _written_before(target: Folder) -> set[str]:
    """Return the names of all files that the target holds, each of which an earlier save has written.

    Raises
    ------
    StoreError
        If there are others: a save that removed or replaced them could destroy somebody's only copy.
    """
    there = {target.name(info["name"]) for page in target.infos("") for info in page}
    there = {name for name in there if not name.endswith(PART)}
    others = there - {FILES_NOTE} - _noted_in(target)
    if others:
        raise StoreError(
            f"{target.root} holds files that no save wrote there, such as {min(others)!r}, and nothing is changed: "
            "choose another folder, or move them away"
        )
    return there


def _noted_in(target: Folder) -> set[str]:
    try:
        return {file for file, _, _ in files_noted(target.read(target.path(FILES_NOTE)), target.root)}
    except (FileNotFoundError, NotADirectoryError, SnapshotError):
        return set()


class _Journal:
    """Where the copies of one source lie, which of an interrupted run are whole, and what they are copies of."""

    def __init__(self, source: Folder, target: Folder) -> None:
        self._target = target
        self._stem = f"saving-{_hashed(repr(source.identity), 6)}-"
        self._tags: dict[str, str] = {}
        there = self._left()
        self._parts = sorted(name for name in there if name.startswith(self._stem + _JOURNAL))
        for part in self._parts:
            noted = json.loads(target.read(target.path(part)))
            self._tags.update((name, tag) for name, tag in noted.items() if self.staged(name) in there)

    def _left(self) -> set[str]:
        names = {self._target.name(info["name"]) for page in self._target.infos(self._stem) for info in page}
        return {name for name in names if name.endswith(PART)}

    def staged(self, name: str) -> str:
        """Return where the copy of a file lies until all are there: always the same place, and one that is short."""
        return f"{self._stem}{_hashed(name, 20)}{PART}"

    def has(self, name: str, tag: str) -> bool:
        """Return whether there is a whole copy of the file as it is now."""
        return self._tags.get(name) == tag

    def note(self, tags: dict[str, str]) -> None:
        """Remember that these were copied."""
        part = f"{self._stem}{_JOURNAL}{len(self._parts):06d}{PART}"
        self._target.write(self._target.path(part), json.dumps(tags).encode())
        self._parts.append(part)

    def forget(self) -> None:
        """Remove what is left of this run and of earlier ones."""
        with suppress(Exception):  # the save is done, and nobody sees them
            self._target.drop_many(list(map(self._target.path, self._left())))


def _hashed(text: str, size: int) -> str:
    return hashlib.blake2b(text.encode(errors="surrogateescape"), digest_size=size).hexdigest()
