"""New contents for a root: written under names that no listing shows, and published when all are there."""

from contextlib import suppress
from types import TracebackType
from typing import Self
from uuid import uuid4

from spoonbill.backends.file_names import key_of
from spoonbill.backends.filesystem_medium import PART, Medium
from spoonbill.backends.filesystem_publication import publish, undecided


class Staging:
    """The files of a coming state, as a context manager: what is not published is removed at its end.

    Parameters
    ----------
    medium : Medium
        The root.
    """

    def __init__(self, medium: Medium) -> None:
        self._medium = medium
        self._token = uuid4().hex[:12]
        self._places: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and self._places:
            with suppress(Exception):  # the first error is the one to tell
                if undecided(self._medium):
                    self._medium.drop_many([self._medium.path(place) for place in self._places.values()])

    def write(self, files: dict[str, bytes]) -> None:
        """Write files, by their paths, for later; of several values for one path the last one counts."""
        staged = {}
        for path, data in files.items():
            place = self._places.setdefault(self._medium.name(path), f"{self._token}-{len(self._places):x}{PART}")
            staged[self._medium.path(place)] = data
        self._medium.write_all(staged)

    def publish(self) -> None:
        """Make them what the root holds: all keys' files are these."""
        publish(self._medium, self._places, self._present)

    def _present(self) -> set[str]:
        names = {name for page in self._medium.pages("") for name in page}
        for name in names:
            key_of(name)  # a file that no store wrote is not removed, but told
        return names
