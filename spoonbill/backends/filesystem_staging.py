"""New contents for a root: written under names that no listing shows, and renamed into place when all are there."""

from contextlib import suppress
from types import TracebackType
from typing import Self
from uuid import uuid4

from spoonbill.backends.filesystem_medium import PART, Medium

_AT_A_TIME = 1000


class Staging:
    """The files of a coming state, as a context manager: what is not published is removed at its end.

    Parameters
    ----------
    medium : Medium
        The root.
    """

    def __init__(self, medium: Medium) -> None:
        self._medium = medium
        self._token = uuid4().hex[:8]
        self._places: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and self._places:
            with suppress(Exception):  # the first error is the one to tell
                self._medium.drop_many(list(self._places.values()))

    def write(self, files: dict[str, bytes]) -> None:
        """Write files for later; of several values for one path the last one counts."""
        staged = {}
        for path, data in files.items():
            place = self._places.setdefault(path, self._medium.path(f"{self._token}-{len(self._places):x}{PART}"))
            staged[place] = data
        for result in self._medium.write_many(staged):
            if result is not None:
                raise result

    def publish(self) -> None:
        """Rename everything into place, and remove every other key's file."""
        pairs = [(place, path) for path, place in self._places.items()]
        for start in range(0, len(pairs), _AT_A_TIME):
            self._medium.move_many(pairs[start : start + _AT_A_TIME])
        drop_others(self._medium, set(self._places))


def drop_others(medium: Medium, kept: set[str]) -> None:
    """Remove every key's file whose path is not in `kept`."""
    others = [medium.path(name) for page in medium.pages("") for name in page if medium.path(name) not in kept]
    for start in range(0, len(others), _AT_A_TIME):
        medium.drop_many(others[start : start + _AT_A_TIME])
