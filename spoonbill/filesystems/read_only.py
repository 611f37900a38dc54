"""A filesystem that can only be read."""

from typing import Any, NoReturn

from spoonbill.common.traits import Guarantees
from spoonbill.errors import ReadOnlyError
from spoonbill.filesystems.folder import Folder


def _refuse(folder: Folder, *_: object) -> NoReturn:
    raise ReadOnlyError(f"{folder.fs.protocol} filesystems are read-only: copy the entries to another store")


class ReadOnlyFolder(Folder):
    """A filesystem that can only be read, such as an archive."""

    read_only = True
    guarantees = Guarantees(
        threads="safe",
        processes="safe: nothing is written",
        fork="safe",
        crash="safe: nothing is written",
        iteration="the files of each folder at the moment when the loop came to it",
        atomic="nothing is written",
    )

    def _connect(self) -> None:
        super()._connect()
        self.start = self.start.lstrip("/")  # names in an archive begin with no slash

    write: Any = _refuse
    move: Any = _refuse
    remove: Any = _refuse
    create: Any = _refuse
    swap: Any = _refuse
    take: Any = _refuse
    write_many: Any = _refuse
    move_many: Any = _refuse
    remove_many: Any = _refuse
    drop_many: Any = _refuse
    copy_many: Any = _refuse
