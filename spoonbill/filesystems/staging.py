"""New contents for a root: written under names that no listing shows, and committed when all are there."""

from types import TracebackType
from typing import Self

from spoonbill.common.failures import suppress_failures
from spoonbill.filesystems.commit import commit, is_undecided
from spoonbill.filesystems.folder import Folder
from spoonbill.filesystems.names import key_of
from spoonbill.filesystems.recovery.run import Run, staged_name


class Staging:
    """The files of a coming state, as a context manager: what is not committed is removed at its end.

    Parameters
    ----------
    folder : Folder
        The root.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._run = Run(folder)
        self._names: dict[str, None] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress_failures():  # the first error is the one to tell
            if error is None or is_undecided(self._folder):
                self._run.end()
        self._run.__exit__()

    def start(self) -> None:
        """Tell others that a load is under way, and remove what dead ones left."""
        self._run.__enter__()

    def write(self, files: dict[str, bytes]) -> None:
        """Write files, by their paths, for later; of several values for one path the last one counts."""
        folder = self._folder
        names = {path: folder.name(path) for path in files}
        self._names.update(dict.fromkeys(names.values()))
        folder.stage_many({folder.path(staged_name(self._run.token, names[path])): files[path] for path in files})

    def commit(self) -> None:
        """Make them what the root holds: all keys' files are these."""
        commit(self._folder, self._run.token, self._names, self._present)

    def _present(self) -> set[str]:
        names = {name for page in self._folder.pages("") for name in page}
        for name in names:
            key_of(name)  # a file that no store wrote is not removed, but told
        return names
