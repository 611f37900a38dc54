"""The journal of a load or save in its last step, and the list of what changes: read only where every field is ours.

Neither names a file to act on, but keys' files: the names of the new and the old files follow from these and from the
token of the run, so that no byte of a journal leads out of its root or to a file of another run.
"""

import hashlib
import json
import re
from contextlib import suppress
from typing import Any, NamedTuple, Self

from spoonbill.errors import KeyDecodeError, StoreError
from spoonbill.filesystems.folder import FILES_NOTE, JOURNAL, Folder
from spoonbill.filesystems.names import key_of
from spoonbill.filesystems.recovery.run import list_name

FORWARD, BACK = "forward", "back"
_FORMAT = "commit 1"
_MOST = 1 << 16
_TOKEN = re.compile(r"[0-9a-f]{32}\Z")
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")


class Change(NamedTuple):
    """What happens to one file."""

    name: str
    """The file, as a name below the root."""
    new: bool
    """Whether a new file takes its place; else it is removed."""
    old: bool
    """Whether there was such a file before."""


class Journal(NamedTuple):
    """What the journal says."""

    token: str
    """Of the run; it stands in the names of all its files."""
    direction: str
    """FORWARD or BACK."""
    digest: str
    """Of the list of changes."""
    by: str
    """Random, anew for each one who takes it over."""
    roots: tuple[str, ...]
    """What tells its root from others."""

    def data(self) -> bytes:
        """Return the journal as it is written."""
        head = {"spoonbill": _FORMAT, "direction": self.direction, "token": self.token, "changes": self.digest}
        return json.dumps({**head, "by": self.by, "roots": list(self.roots)}).encode()

    @classmethod
    def read(cls, folder: Folder, *, own: bool) -> Self:
        """Return the journal of a root, verified.

        Parameters
        ----------
        folder : Folder
            The root.
        own : bool
            Whether it has to be of this user, since something will be done.

        Raises
        ------
        StoreError
            If it is not one that we have written for this root.
        FileNotFoundError
            If there is none.
        """
        path = folder.path(JOURNAL)
        data = folder.read_own(path) if own else folder.read(path)
        with suppress(ValueError, LookupError, TypeError, RecursionError):
            head = json.loads(data) if len(data) < _MOST else {}
            journal = cls(head["token"], head["direction"], head["changes"], head["by"], tuple(head["roots"]))
            if journal.data() == data and journal._is_whole():
                if not set(folder.marks) & set(journal.roots):
                    raise StoreError(
                        f"{path} was written for another folder, {journal.roots[0]}: this is a copy of one in "
                        f"the middle of a save or load, and nothing is done. Copy it anew; or move {JOURNAL} away "
                        "to take its files as they are"
                    )
                return journal
        raise StoreError(
            f"{path} is not what a save or load leaves there, and nothing is done: move it away, if it is not yours"
        )

    def _is_whole(self) -> bool:
        return (
            _TOKEN.match(self.token) is not None
            and _TOKEN.match(self.by) is not None
            and _DIGEST.match(self.digest) is not None
            and self.direction in {FORWARD, BACK}
            and 0 < len(self.roots) < 10
            and all(type(root) is str for root in self.roots)
        )


def write_changes(changes: list[Change]) -> tuple[bytes, str]:
    """Return the list as it is written, and its digest."""
    data = "\n".join(json.dumps([name, int(new), int(old)]) for name, new, old in changes).encode()
    return data, hashlib.sha256(data).hexdigest()


def read_changes(folder: Folder, journal: Journal, *, own: bool) -> list[Change]:
    """Return the list that a journal belongs to, verified: only files of keys, and the note about them.

    Raises
    ------
    StoreError
        If it is not one that we have written.
    FileNotFoundError
        If there is none.
    """
    path = folder.path(list_name(journal.token))
    data = folder.read_own(path) if own else folder.read(path)
    if hashlib.sha256(data).hexdigest() == journal.digest:
        with suppress(ValueError, TypeError, RecursionError):
            changes = [_change(json.loads(line)) for line in data.split(b"\n")]
            if len({change.name for change in changes}) == len(changes):
                return changes
    raise StoreError(
        f"{path} is not what a save or load leaves there, and nothing is done: if the folder is not yours, move "
        f"{JOURNAL} away to take its files as they are"
    )


def _change(line: Any) -> Change:
    name, new, old = line
    if type(name) is not str or type(new) is not int or type(old) is not int or not 0 < new + old <= 2:
        raise ValueError(line)
    if {new, old} - {0, 1}:
        raise ValueError(line)
    if name != FILES_NOTE:
        _check_name(name)
    return Change(name, bool(new), bool(old))


def _check_name(name: str) -> None:
    try:
        key_of(name)
    except KeyDecodeError as error:
        raise ValueError(name) from error
