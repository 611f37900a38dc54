"""A root in the last step of a load or save, as one reads it who repairs nothing."""

from collections.abc import Iterator
from typing import Any, Protocol

from spoonbill.common.failures import pass_on
from spoonbill.common.sentinels import MISSING
from spoonbill.filesystems.commit import is_unfinished
from spoonbill.filesystems.folder import NO_KEYS, Folder
from spoonbill.filesystems.recovery.journal import FORWARD, Journal, read_changes
from spoonbill.filesystems.recovery.run import kept_name, staged_name

_ABSENCES = (FileNotFoundError, NotADirectoryError)


class Values(Protocol):
    """What gives the bytes of files."""

    def read(self, path: str) -> bytes: ...

    def read_many(self, paths: list[str]) -> list[Any]: ...


class Readable(Values, Protocol):
    """What is read of a root."""

    def read_part(self, path: str, start: int, stop: int) -> bytes: ...

    def exists(self, path: str) -> bool: ...

    def pages(self, stem: str) -> Iterator[list[str]]: ...

    def pages_between(self, stem: str, after: str, last: str | None) -> Iterator[list[str]]: ...


class Unfinished:
    """The state that the journal of a root decides for, read from wherever its files lie now.

    Parameters
    ----------
    folder : Folder
        The root.

    Raises
    ------
    FileNotFoundError
        If no journal is there any more.
    StoreError
        If it is not ours in every field.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        journal = Journal.read(folder, own=False)
        forward = journal.direction == FORWARD
        hidden = staged_name if forward else kept_name
        self._places: dict[str, tuple[str, ...]] = {}
        for change in read_changes(folder, journal, own=False):
            there = change.new if forward else change.old
            places = (hidden(journal.token, change.name), change.name) if there else ()
            self._places[folder.path(change.name)] = tuple(map(folder.path, places))

    def _first(self, call: Any, path: str, *arguments: Any) -> Any:
        for place in self._places.get(path, (path,)):
            try:
                return call(place, *arguments)
            except _ABSENCES:
                continue
        raise FileNotFoundError(path)

    def read(self, path: str) -> bytes:
        """Return what the file holds."""
        return self._first(self._folder.read, path)  # type: ignore[no-any-return]

    def read_part(self, path: str, start: int, stop: int) -> bytes:
        """Return a part of what the file holds."""
        return self._first(self._folder.read_part, path, start, stop)  # type: ignore[no-any-return]

    def read_many(self, paths: list[str]) -> list[Any]:
        """Return for each path its bytes, MISSING or the error of its read."""
        return [self._answer(path) for path in paths]

    def _answer(self, path: str) -> Any:
        try:
            return self.read(path)
        except FileNotFoundError:
            return MISSING
        except self._folder.failures as error:
            pass_on(error)
            return error

    def exists(self, path: str) -> bool:
        """Return whether the file is there."""
        return any(map(self._folder.exists, self._places.get(path, (path,))))

    def pages(self, stem: str) -> Iterator[list[str]]:
        """Yield pages of the names that begin with `stem`."""
        folder = self._folder
        for page in folder.pages(stem):
            yield [name for name in page if folder.path(name) not in self._places]
        names = [folder.name(path) for path, places in self._places.items() if places]
        yield [name for name in names if name.startswith(stem) and not name.endswith(NO_KEYS)]

    def pages_between(self, stem: str, after: str, last: str | None) -> Iterator[list[str]]:
        """Yield pages of the names that begin with `stem`, behind `after` and up to `last`; None: to the end."""
        for page in self.pages(stem):
            yield [name for name in page if after < name and (last is None or name <= last)]


def look(folder: Folder) -> Unfinished | None:
    """Return a root as its journal decides; None where no journal is there.

    A load in another thread of this process is waited for.
    """
    if not is_unfinished(folder):
        return None
    with folder.lock:
        try:
            return Unfinished(folder)
        except FileNotFoundError:
            return None
