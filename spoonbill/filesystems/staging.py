"""New contents for a root: written under names that no listing shows, and published when all are there."""

from contextlib import suppress
from types import TracebackType
from typing import Self
from uuid import uuid4

from spoonbill.filesystems.commit import publish, undecided
from spoonbill.filesystems.folder import PART, Folder
from spoonbill.filesystems.names import key_of


class Staging:
    """The files of a coming state, as a context manager: what is not published is removed at its end.

    Parameters
    ----------
    medium : Folder
        The root.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._token = uuid4().hex[:12]
        self._places: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and self._places:
            with suppress(Exception):  # the first error is the one to tell
                if undecided(self._folder):
                    self._folder.drop_many([self._folder.path(place) for place in self._places.values()])

    def write(self, files: dict[str, bytes]) -> None:
        """Write files, by their paths, for later; of several values for one path the last one counts."""
        staged = {}
        for path, data in files.items():
            place = self._places.setdefault(self._folder.name(path), f"{self._token}-{len(self._places):x}{PART}")
            staged[self._folder.path(place)] = data
        self._folder.write_all(staged)

    def publish(self) -> None:
        """Make them what the root holds: all keys' files are these."""
        publish(self._folder, self._places, self._present)

    def _present(self) -> set[str]:
        names = {name for page in self._folder.pages("") for name in page}
        for name in names:
            key_of(name)  # a file that no store wrote is not removed, but told
        return names
