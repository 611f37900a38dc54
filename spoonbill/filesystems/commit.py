"""A new state of a root, shown in full or not at all: decided by one small file, from which a crash is mended.

The new files lie ready under names that no listing shows, and the files that they replace get second names. Then a
record is written, and only now the files are renamed one by one. While the record is there, everything is there to
finish the new state, and to put the old one back: an error puts it back at once; after a crash the next one who uses
the root finishes. Both can be done again from any point, so they may themselves be interrupted.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from typing import NamedTuple, Self
from uuid import uuid4

from spoonbill.common.batching import batches
from spoonbill.common.progress import with_progress
from spoonbill.errors import StoreError
from spoonbill.filesystems.errors import status_of
from spoonbill.filesystems.folder import PART, Folder
from spoonbill.snapshots.folder import RECORD

_FORWARD, _BACK = "forward", "back"
_ABSENCES = (FileNotFoundError, NotADirectoryError)
_AT_A_TIME = 1000


def publish(
    folder: Folder, staged: Mapping[str, str], present: Callable[[], Collection[str]], *, progress: bool = False
) -> None:
    """Rename the staged files into place and remove the other ones that are present; on an error change nothing.

    Parameters
    ----------
    medium : Folder
        The root.
    staged : dict
        For each file of the new state the name under which it lies ready.
    present : callable
        Returns the names of the files of the old state.
    progress : bool, optional
        True shows a progress bar.

    Raises
    ------
    StoreError
        If the new state could be neither shown nor taken back, as where a server has gone. Then the record is still
        there, the staged files have to stay, and `recover` goes on.
    """
    with folder.lock, folder.alone(wait=True):
        _settle(folder)
        old = present()
        token = uuid4().hex[:12]
        names = [*staged, *(name for name in old if name not in staged)]
        changes = [
            _Change(name, staged.get(name), f"{token}-{number:x}{PART}" if name in old else None)
            for number, name in enumerate(names)
        ]
        if changes:
            _Publication(folder, changes, f"{token}-changes{PART}").run(progress=progress)


def undecided(folder: Folder) -> bool:
    """Return whether no record is there, so that staged files are of no use to anybody."""
    return not folder.exists(folder.path(RECORD))


def recover(folder: Folder) -> bool:
    """Finish what was decided by somebody who is gone; return False where another process is just at it.

    A root that lets nobody ask whether the record is there is taken as one without.
    """
    try:
        folder.read(folder.path(RECORD))
    except _ABSENCES:
        return True
    except Exception as error:
        if isinstance(error, PermissionError) or status_of(error) in {401, 403}:
            return True
        raise
    with folder.lock, folder.alone(wait=False) as alone:
        if alone:
            _settle(folder)
        return alone


def _settle(folder: Folder) -> None:
    publication = _Publication.found(folder)
    if publication is not None:
        publication.resume()


class _Change(NamedTuple):
    """What happens to one file. All are names below the root."""

    name: str
    """The file."""
    staged: str | None
    """The file that takes its place, None where it is removed."""
    kept: str | None
    """The second name of the file as it is, None where there is none."""


class _Publication:
    """One such change of a root.

    Parameters
    ----------
    medium : Folder
        The root.
    changes : list of _Change
        What happens to each file.
    listed : str
        The name of the file that tells of `changes`.
    record : bytes, optional
        The record as it was found.
    """

    def __init__(self, folder: Folder, changes: list[_Change], listed: str, record: bytes | None = None) -> None:
        self._folder = folder
        self._changes = changes
        self._listed = listed
        self._record = record
        self._decided = record is not None

    @classmethod
    def found(cls, folder: Folder) -> Self | None:
        """Return the one whose record is there."""
        try:
            record = folder.read(folder.path(RECORD))
        except _ABSENCES:
            return None
        try:
            listed = json.loads(record)["changes"]
        except (ValueError, LookupError, TypeError) as error:
            raise StoreError(
                f"{folder.path(RECORD)} is not what a save or load leaves there: move it away, if it is not yours"
            ) from error
        try:
            lines = folder.read(folder.path(listed)).decode().splitlines()
        except _ABSENCES:
            if undecided(folder):  # it was ended meanwhile
                return None
            raise
        return cls(folder, [_Change(*json.loads(line)) for line in lines], listed, record)

    # -- what it does ------------------------------------------------------------------------------------------

    def run(self, *, progress: bool) -> None:
        """Decide on the change and carry it out."""
        try:
            self._in_batches(self._folder.keep_many, ((name, kept) for kept, name in self._returns()))
            lines = "\n".join(map(json.dumps, self._changes))
            self._folder.write(self._folder.path(self._listed), lines.encode())
        except BaseException:
            self._sweep()
            raise
        self._go(with_progress(self._moves(), progress, "renaming"))

    def resume(self) -> None:
        """Carry on from wherever it was broken off."""
        folder = self._folder
        left = {folder.name(info["name"]) for page in folder.infos("") for info in page}
        if json.loads(self._record or b"")["direction"] == _FORWARD:
            self._go([(staged, name) for staged, name in self._moves() if staged in left])
        else:
            self._turn(_BACK)
            self._go_back([(kept, name) for kept, name in self._returns() if kept in left])
            self._drop([staged for staged, _ in self._moves() if staged in left])

    def _go(self, moves: Iterable[tuple[str, str]]) -> None:
        """Show the new state, or put everything back and raise what stood in the way."""
        try:
            self._turn(_FORWARD)
            self._in_batches(self._folder.move_many, moves)
            self._drop([change.name for change in self._changes if change.staged is None])
            self._drop([RECORD])
        except BaseException as error:
            self._take_back(error)
            raise
        self._sweep()

    def _take_back(self, error: BaseException) -> None:
        try:
            if not self._decided and undecided(self._folder):
                self._sweep()
                return
            self._turn(_BACK)
            self._go_back(self._returns())
        except Exception as second:
            raise StoreError(
                f"the last step of a save or load into {self._folder.root} was broken off by {_told(error)}, and could "
                f"not be taken back: {_told(second)}. Some files there are new and some are old; all of both are kept. "
                "Mend the reason and open the store again: it goes on from what is noted there"
            ) from error

    def _go_back(self, returns: list[tuple[str, str]]) -> None:
        """Give the old files their names again, and remove the new ones."""
        self._in_batches(self._folder.move_many, returns)
        self._drop([change.name for change in self._changes if change.kept is None])
        self._drop([RECORD])
        self._sweep()  # a rename of one name of a file to another name of it leaves both

    # -- its parts ---------------------------------------------------------------------------------------------

    def _moves(self) -> list[tuple[str, str]]:
        return [(change.staged, change.name) for change in self._changes if change.staged is not None]

    def _returns(self) -> list[tuple[str, str]]:
        return [(change.kept, change.name) for change in self._changes if change.kept is not None]

    def _turn(self, direction: str) -> None:
        """Note where it goes, as ours: in one step where the medium can, so that no two go different ways."""
        head = {"spoonbill": "publication 1", "direction": direction, "changes": self._listed, "by": uuid4().hex}
        record = json.dumps(head).encode()
        before, self._record = self._record, record  # already now: a write that fails here may be heard there
        if before is None:
            self._folder.write_all({self._folder.path(RECORD): record})
        elif not self._replaced(before, record):
            raise StoreError("another process goes on with it, or has ended it")
        self._decided = True

    def _replaced(self, expected: bytes, record: bytes) -> bool:
        folder = self._folder
        path = folder.path(RECORD)
        if "replace" in folder.atomic:
            return folder.swap(path, expected, record)
        try:
            if folder.read(path) != expected:
                return False
        except _ABSENCES:
            return False
        folder.write(path, record)
        return True

    def _in_batches(self, call: Callable[[list[tuple[str, str]]], None], pairs: Iterable[tuple[str, str]]) -> None:
        path = self._folder.path
        for batch in batches(pairs, _AT_A_TIME):
            call([(path(source), path(target)) for source, target in batch])

    def _drop(self, names: Iterable[str]) -> None:
        for batch in batches(names, _AT_A_TIME):
            self._folder.drop_many([self._folder.path(name) for name in batch])

    def _sweep(self) -> None:
        """Remove what nobody sees and nobody needs any more."""
        with suppress(Exception):
            self._drop([*(kept for kept, _ in self._returns()), self._listed])


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
