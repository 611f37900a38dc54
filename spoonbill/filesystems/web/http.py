"""A web server: files that are read, and listed by a manifest or by the server's own pages."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from spoonbill.filesystems.concurrent import ConcurrentFolder
from spoonbill.filesystems.folder import Info, names_of_keys
from spoonbill.filesystems.read_only import ReadOnlyFolder
from spoonbill.filesystems.web.http_links import links_below

_DEEPEST = 50


class HttpFolder(ReadOnlyFolder, ConcurrentFolder):
    """A folder on a web server, read-only.

    Parameters
    ----------
    url : str
        The folder.
    options : dict
        For fsspec's filesystem.
    manifest : str, optional
        A file below the folder with the name of one file a line. Without it the server's own listing pages are read.
    """

    def __init__(self, url: str, options: dict[str, Any], *, manifest: str | None) -> None:
        super().__init__(url, options)
        self._manifest = manifest

    def _url_of(self, path: str) -> str:
        return self.root + quote(path[len(self.root) :])  # a file's name may hold % and #

    async def aread(self, path: str) -> bytes:
        return await self.fs._cat_file(self._url_of(path))  # type: ignore[no-any-return] # noqa: SLF001 - see AsyncFolder

    async def ainfo(self, path: str) -> Info:
        info: Info = await self.fs._info(self._url_of(path))  # noqa: SLF001
        return {**info, "name": path}

    def read(self, path: str) -> bytes:
        return ConcurrentFolder.read(self, path)

    def read_many(self, paths: list[str]) -> list[Any]:
        return ConcurrentFolder.read_many(self, paths)

    def read_part(self, path: str, start: int, stop: int) -> bytes:
        return self.read(path)[start:stop] if start < stop else b""

    def infos(self, stem: str) -> Iterator[list[Info]]:
        names = self._list("") if self._manifest is None else [self._names_in(self._manifest)]
        for page in names:
            yield [{"name": self.path(name), "type": "file"} for name in page if name.startswith(stem)]

    def _names_in(self, manifest: str) -> list[str]:
        text = self.read(self.path(manifest)).decode()
        return [line.removeprefix("./") for line in text.splitlines() if line and line.removeprefix("./") != manifest]

    def _list(self, folder: str) -> Iterator[list[str]]:
        base = f"{self.root}/{quote(folder)}"
        names, folders = links_below(base, self.run(self.fs._cat_file, base).decode(errors="replace"))  # noqa: SLF001
        yield names_of_keys(folder + name for name in names)
        for name in folders:
            if folder.count("/") > _DEEPEST:
                raise OSError(f"{base} lies deeper than the folders of any key: the server's pages lead on and on")
            yield from self._list(f"{folder}{name}/")
