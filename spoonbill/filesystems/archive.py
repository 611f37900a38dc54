"""An archive: a tar or zip file whose members are files of keys, however their names are spelled."""

import posixpath
from collections.abc import Iterator
from typing import IO

from spoonbill.filesystems.folder import Info
from spoonbill.filesystems.read_only import ReadOnlyFolder


class ArchiveFolder(ReadOnlyFolder):
    """A folder in an archive, read-only. ``tar cf x.tar .`` and ``tar cf x.tar *`` make the same folder of it."""

    def _connect(self) -> None:
        super()._connect()
        self.root = _normal(self.root)
        self.start = f"{self.root}/" if self.root else ""
        members: dict[str, Info] = self._opened.find("", withdirs=False, detail=True)
        # Of two members with one name the later counts, as it does for who unpacks the archive.
        self._members = {_normal(name): (name, info) for name, info in members.items()}

    def _member(self, path: str) -> tuple[str, Info]:
        try:
            return self._members[_normal(path)]
        except KeyError:
            raise FileNotFoundError(path) from None

    def read(self, path: str) -> bytes:
        return super().read(self._member(path)[0])

    def read_part(self, path: str, start: int, stop: int) -> bytes:
        name, info = self._member(path)
        return self.fs.cat_file(name, start=start, end=min(stop, info["size"])) if start < info["size"] else b""

    def open_file(self, path: str) -> IO[bytes]:
        return super().open_file(self._member(path)[0])

    def info(self, path: str) -> Info:
        return {**self._member(path)[1], "name": path}

    def infos(self, stem: str) -> Iterator[list[Info]]:
        start = self.path(stem)
        yield [{**info, "name": name} for name, (_, info) in self._members.items() if name.startswith(start)]


def _normal(name: str) -> str:
    """Return a member's name as a path below the archive's root: ``./a`` is ``a``."""
    return posixpath.normpath(f"/{name}").lstrip("/")
