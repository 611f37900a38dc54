"""The files of one root, copied to another: resumed where it stopped, and shown when all of them are there."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from spoonbill.common.failures import pass_on
from spoonbill.common.progress import Progress, with_progress
from spoonbill.errors import SnapshotError, StoreError
from spoonbill.filesystems.commit import commit, recover
from spoonbill.filesystems.concurrent import ConcurrentFolder
from spoonbill.filesystems.folder import FILES_NOTE, PART, Folder, Info, is_hidden, names_of_keys
from spoonbill.filesystems.local import LocalFolder
from spoonbill.filesystems.recovery.run import STEM, Run, hash_text, staged_name
from spoonbill.snapshots.note import read_note, write_note

_CHECKPOINT = "checkpoint-"
_BATCH = 200
_TOGETHER = 32 << 20
"""Bytes that are in memory together; a larger file passes in pieces."""
_PIECE = 8 << 20


def export(source: Folder, target: Folder, note: dict[str, Any], progress: Progress) -> None:
    """Copy every key's file to `target`, then show them all at once, with a note about them.

    Each file is first copied under a name that no listing shows. A checkpoint tells which copies are whole, and of
    which state of their sources: a run that was interrupted is taken up where it stopped.
    """
    if target.contains(source) or source.contains(target):
        raise StoreError(f"the files of {source.root} cannot be saved into themselves: choose another folder")
    if not recover(target):
        raise StoreError(f"another process is saving into {target.root}: wait until it is done, and save again")
    _find_written(target)
    files = {source.name(info["name"]): info for info in _files(source)}
    noted = write_note(((name, int(info["size"])) for name, info in files.items()), note)
    with Run(target, hash_text(repr(source.identity), 16)) as run:
        checkpoint = _Checkpoint(target, run)
        left = [name for name, info in files.items() if not checkpoint.has(name, info, source.tag(info))]
        reported = iter(with_progress(range(len(files)), progress, "saving"))
        for _ in range(len(files) - len(left)):
            next(reported)
        for batch in _batches({name: files[name] for name in left}):
            _copy(source, target, {name: staged_name(run.token, name) for name in batch}, batch)
            checkpoint.note({name: source.tag(info) for name, info in batch.items()})
            for _ in batch:
                next(reported)
        next(reported, None)  # lets the bar end
        target.stage_many({target.path(staged_name(run.token, FILES_NOTE)): noted})
        commit(target, run.token, [*files, FILES_NOTE], lambda: _find_written(target), progress=progress is True)
        run.end()


def _files(folder: Folder) -> Iterator[Info]:
    for page in folder.infos(""):
        named = {folder.name(info["name"]): info for info in page}
        yield from (named[name] for name in names_of_keys(named))


def _batches(files: dict[str, Info]) -> Iterator[dict[str, Info]]:
    batch: dict[str, Info] = {}
    size = 0
    for name, info in files.items():
        if batch and (len(batch) == _BATCH or size + int(info["size"]) > _TOGETHER):
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
        target.stage_many({place: data for (_, place), data in zip(pairs, found, strict=True)})


def _same_service(source: Folder, target: Folder) -> bool:
    if isinstance(source, LocalFolder) or isinstance(target, LocalFolder):
        return isinstance(source, LocalFolder) and isinstance(target, LocalFolder)
    return isinstance(source, ConcurrentFolder) and bool(source.fs == target.fs)


def _pour(source: Folder, target: Folder, origin: str, place: str) -> None:
    """Copy one large file in pieces, which its staged name keeps from sight."""
    with source.open_file(origin) as inlet, target.stage_file(place) as outlet:
        while piece := inlet.read(_PIECE):
            outlet.write(piece)


def _find_written(target: Folder) -> set[str]:
    """Return the names of all files that the target holds, each of which an earlier save has written.

    Raises
    ------
    StoreError
        If there are others: a save that removed or replaced them could destroy somebody's only copy.
    """
    there = {target.name(info["name"]) for page in target.infos("") for info in page}
    there = {name for name in there if not name.endswith(PART) and not is_hidden(name)}
    others = there - {FILES_NOTE} - _read_noted(target)
    if others:
        raise StoreError(
            f"{target.root} holds files that no save wrote there, such as {min(others)!r}, and nothing is changed: "
            "choose another folder, or move them away"
        )
    return there


def _read_noted(target: Folder) -> set[str]:
    try:
        return {file.name for file in read_note(target.read(target.path(FILES_NOTE)), target.root)[1]}
    except (FileNotFoundError, NotADirectoryError, SnapshotError):
        return set()


class _Checkpoint:
    """Which copies of an interrupted save are whole, and what they are copies of.

    What cannot be read, or is not of this user and this size, counts for nothing: those files are copied again.
    """

    def __init__(self, target: Folder, run: Run) -> None:
        self._target = target
        self._token = run.token
        self._stem = f"{STEM}{run.token}-{_CHECKPOINT}"
        self._tags: dict[str, str] = {}
        self._there = run.left() if run.taken_up else set()
        self._parts = sorted(name for name in self._there if name.startswith(self._stem))
        for part in self._parts:
            self._tags.update(self._read(part))

    def _read(self, part: str) -> dict[str, str]:
        unreadable: tuple[type[Exception], ...] = (ValueError, RecursionError, *self._target.failures)
        try:
            noted = json.loads(self._target.read_own(self._target.path(part)))
        except unreadable as error:
            pass_on(error)
            return {}
        whole = type(noted) is dict and all(type(tag) is str for tag in noted.values())
        return noted if whole else {}

    def has(self, name: str, info: Info, tag: str) -> bool:
        """Return whether there is a whole copy of the file as it is now."""
        staged = staged_name(self._token, name)
        if self._tags.get(name) != tag or staged not in self._there:
            return False
        return bool(self._target.info(self._target.path(staged))["size"] == info["size"])

    def note(self, tags: dict[str, str]) -> None:
        """Remember that these were copied."""
        part = f"{self._stem}{len(self._parts):06d}-{uuid4().hex[:8]}{PART}"
        self._target.stage_many({self._target.path(part): json.dumps(tags).encode()})
        self._parts.append(part)
