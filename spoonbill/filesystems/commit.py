"""A new state of a root, shown in full or not at all: decided by one small file, from which a crash is repaired.

The new files lie ready under names that no listing shows, and the files that they replace get second names. Then a
journal is written, and only now the files are renamed one by one. While the journal is there, everything is there to
finish the new state, and to put the old one back: an error puts it back at once; after a crash the next one who writes
to the root finishes. Both can be done again from any point, so they may themselves be interrupted.
"""

from collections.abc import Callable, Collection, Iterable
from typing import Self
from uuid import uuid4

from spoonbill.common.batching import batches
from spoonbill.common.failures import pass_on, suppress_failures
from spoonbill.common.progress import with_progress
from spoonbill.errors import StoreError
from spoonbill.filesystems.errors import status_of
from spoonbill.filesystems.folder import JOURNAL, Folder
from spoonbill.filesystems.recovery.journal import (
    BACK,
    FORWARD,
    Change,
    Journal,
    read_changes,
    write_changes,
)
from spoonbill.filesystems.recovery.run import aside_name, kept_name, list_name, staged_name, sweep

_ABSENCES = (FileNotFoundError, NotADirectoryError)
_BATCH = 1000


def commit(
    folder: Folder,
    token: str,
    names: Collection[str],
    present: Callable[[], Collection[str]],
    *,
    progress: bool = False,
) -> None:
    """Rename the staged files into place and remove the other ones that are present; on an error change nothing.

    Parameters
    ----------
    folder : Folder
        The root.
    token : str
        What the names of the staged files carry.
    names : collection of str
        The files of the new state, each of which lies ready under its staged name.
    present : callable
        Returns the names of the files of the old state.
    progress : bool, optional
        True shows a progress bar.

    Raises
    ------
    StoreError
        If the new state could be neither shown nor taken back, as where a server has gone. Then the journal is still
        there, the staged files have to stay, and `recover` goes on.
    """
    with folder.lock, folder.alone(wait=True):
        _settle(folder)
        old = present()
        changes = [Change(name, new=True, old=name in old) for name in names]
        changes += [Change(name, new=False, old=True) for name in sorted(set(old).difference(names))]
        if changes:
            _Commit(folder, token, changes).run(progress=progress)


def is_undecided(folder: Folder) -> bool:
    """Return whether no journal is there, so that staged files are of no use to anybody."""
    return not folder.exists(folder.path(JOURNAL))


def is_unfinished(folder: Folder) -> bool:
    """Return whether a journal is there. A root that lets nobody ask is taken as one without."""
    try:
        folder.read(folder.path(JOURNAL))
    except _ABSENCES:
        return False
    except Exception as error:
        if isinstance(error, PermissionError) or status_of(error) in {401, 403}:
            return False
        raise
    return True


def recover(folder: Folder) -> bool:
    """Finish what was decided by somebody who is gone; return False where another process is just at it."""
    if not is_unfinished(folder):
        return True
    with folder.lock, folder.alone(wait=False) as alone:
        if alone:
            _settle(folder)
        return alone


def _settle(folder: Folder) -> None:
    unfinished = _Commit.find(folder)
    if unfinished is not None:
        unfinished.resume()


class _Commit:
    """One such change of a root.

    Parameters
    ----------
    folder : Folder
        The root.
    token : str
        What the names of its files carry.
    changes : list of Change
        What happens to each file.
    journal : Journal, optional
        The journal as it was found.
    """

    def __init__(self, folder: Folder, token: str, changes: list[Change], journal: Journal | None = None) -> None:
        self._folder = folder
        self._token = token
        self._changes = changes
        self._digest = "" if journal is None else journal.digest
        self._journal = journal
        self._decided = journal is not None

    @classmethod
    def find(cls, folder: Folder) -> Self | None:
        """Return the one whose journal is there, verified in every field, and of this user."""
        try:
            journal = Journal.read(folder, own=True)
        except _ABSENCES:
            return None
        try:
            changes = read_changes(folder, journal, own=True)
        except _ABSENCES:
            if is_undecided(folder):  # it was ended meanwhile
                return None
            raise
        return cls(folder, journal.token, changes, journal)

    # -- what it does ------------------------------------------------------------------------------------------

    def run(self, *, progress: bool) -> None:
        """Decide on the change and carry it out."""
        try:
            self._in_batches(self._folder.keep_many, ((name, kept) for kept, name in self._returns()))
            data, self._digest = write_changes(self._changes)
            self._folder.stage_many({self._folder.path(list_name(self._token)): data})
        except BaseException:
            self._forget()
            raise
        self._go(with_progress(self._moves(), progress, "renaming"))

    def resume(self) -> None:
        """Carry on from wherever it was broken off."""
        folder = self._folder
        left = {folder.name(info["name"]) for page in folder.infos("") for info in page}
        foreign = [place for place, _ in self._moves() if place in left and not folder.owns(folder.path(place))]
        if foreign:
            raise StoreError(
                f"{folder.path(foreign[0])} is of another user, or has a second name, and nothing is done: move it away"
            )
        if self._journal is not None and self._journal.direction == FORWARD:
            self._go([(staged, name) for staged, name in self._moves() if staged in left])
        else:
            self._turn(BACK)
            self._go_back([(kept, name) for kept, name in self._returns() if kept in left])
            sweep(folder, self._token)

    def _go(self, moves: Iterable[tuple[str, str]]) -> None:
        """Show the new state, or put everything back and raise what stood in the way."""
        try:
            self._turn(FORWARD)
            self._in_batches(self._show, moves)
            self._drop([change.name for change in self._changes if not change.new])
            self._drop([JOURNAL])
        except BaseException as error:
            self._take_back(error)
            raise
        sweep(self._folder, self._token)

    def _show(self, pairs: list[tuple[str, str]]) -> None:
        self._folder.prepare_many(pairs)
        self._folder.move_many(pairs)

    def _take_back(self, error: BaseException) -> None:
        try:
            if not self._decided and is_undecided(self._folder):
                self._forget()
                return
            self._turn(BACK)
            self._go_back(self._returns())
        except Exception as second:
            pass_on(second)
            raise StoreError(
                f"the last step of a save or load into {self._folder.root} was broken off by {_describe(error)}, and "
                f"could not be taken back: {_describe(second)}. Some files there are new and some are old; all of both "
                "are kept. Remove the reason and open the store again: it goes on from what is noted there"
            ) from error

    def _go_back(self, returns: list[tuple[str, str]]) -> None:
        """Give the old files their names again, and remove the new ones."""
        self._in_batches(self._folder.move_many, returns)
        self._drop([change.name for change in self._changes if not change.old])
        self._drop([JOURNAL])
        self._forget()  # a rename of one name of a file to another name of it leaves both

    # -- its parts ---------------------------------------------------------------------------------------------

    def _moves(self) -> list[tuple[str, str]]:
        return [(staged_name(self._token, change.name), change.name) for change in self._changes if change.new]

    def _returns(self) -> list[tuple[str, str]]:
        return [(kept_name(self._token, change.name), change.name) for change in self._changes if change.old]

    def _turn(self, direction: str) -> None:
        """Note where it goes, as ours: in one step where the folder can, so that no two go different ways."""
        marks = self._folder.marks if self._journal is None else self._journal.roots
        journal = Journal(self._token, direction, self._digest, uuid4().hex, tuple(marks))
        before, self._journal = self._journal, journal  # already now: a write that fails here may be heard there
        if before is None:
            self._write(journal.data())
        elif not self._replace(before.data(), journal.data()):
            raise StoreError("another process goes on with it, or has ended it")
        self._decided = True

    def _replace(self, expected: bytes, journal: bytes) -> bool:
        folder = self._folder
        path = folder.path(JOURNAL)
        if "replace" in folder.atomic:
            return folder.swap(path, expected, journal)
        try:
            if folder.read_own(path) != expected:
                return False
        except _ABSENCES:
            return False
        self._write(journal)
        return True

    def _write(self, journal: bytes) -> None:
        path = self._folder.path
        self._folder.write_by(path(aside_name(self._token)), path(JOURNAL), journal)

    def _in_batches(self, call: Callable[[list[tuple[str, str]]], None], pairs: Iterable[tuple[str, str]]) -> None:
        path = self._folder.path
        for batch in batches(pairs, _BATCH):
            call([(path(source), path(target)) for source, target in batch])

    def _drop(self, names: Iterable[str]) -> None:
        for batch in batches(names, _BATCH):
            self._folder.drop_many([self._folder.path(name) for name in batch])

    def _forget(self) -> None:
        """Remove what nobody needs any more; the staged files stay, for a save that takes them up."""
        with suppress_failures():
            self._drop([*(kept for kept, _ in self._returns()), list_name(self._token)])


def _describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
