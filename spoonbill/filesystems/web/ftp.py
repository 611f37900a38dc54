"""An FTP server: one connection, used by one thread at a time, opened anew when the server has dropped it."""

import ftplib
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from io import BytesIO
from operator import methodcaller
from typing import Any

from spoonbill.common.failures import suppress_failures
from spoonbill.common.locks import new_lock
from spoonbill.common.traits import Guarantees, Limits
from spoonbill.filesystems.folder import Folder, Info, beside
from spoonbill.filesystems.web.ftp_listing import Listing, read_listing

_DROPPED = (EOFError, ConnectionError, ftplib.error_temp)
_ABSENT = ("no such file", "not found", "does not exist", "cannot find")
_OR_REFUSED = ("denied", "permission", "privilege", "access")


class FtpFolder(Folder):
    """A folder on an FTP server. fsspec opens it; its calls are ftplib's, whose answers tell absence from refusal."""

    limits = Limits(key_bytes=1000)  # servers take commands of some thousand bytes, and a temporary name is longer
    guarantees = Guarantees(
        threads="safe: one call at a time",
        processes="safe where the server renames over a file in one step, as most do",
        fork="safe: the child opens its own connection",
        crash="as the server's; a value is written beside and renamed",
        iteration="the files of each folder at the moment when the loop came to it",
        atomic="between the threads of this process; not between processes: the protocol has no conditions",
    )

    def __init__(self, url: str, options: dict[str, Any]) -> None:
        self._turn = new_lock()
        self._amid = False  # True where Ctrl-C or a loss came in between: an answer may still be under way
        super().__init__(url, options)

    def _on_line(self, work: Callable[[ftplib.FTP], Any], *, again: bool = True) -> Any:
        """Do a piece of work on a connection that lives, once more on a new one where the old one broke.

        Where that is not safe (`again` is False: a repeated removal would find nothing) the connection is tried first.
        """
        with self._turn:
            if self._amid:
                self._connect_anew()
            self._amid = True
            try:
                result = self._twice(work) if again else self._once(work)
            except ftplib.error_perm:
                self._amid = False  # it was answered; after anything else an answer may come late, to the next call
                raise
            self._amid = False
            return result

    def _twice(self, work: Callable[[ftplib.FTP], Any]) -> Any:
        try:
            return work(self.fs.ftp)
        except _DROPPED:
            self._connect_anew()
            return work(self.fs.ftp)

    def _once(self, work: Callable[[ftplib.FTP], Any]) -> Any:
        self._twice(methodcaller("voidcmd", "NOOP"))
        return work(self.fs.ftp)

    def _connect_anew(self) -> None:
        self.fs.ftp.close()
        self.fs._connect()  # noqa: SLF001 - the only way that fsspec has to open it anew

    def _proven(self, path: str, refused: ftplib.error_perm) -> Exception:
        """Return what a refusal means: that there is no such file, which has to be proven, or that it was refused.

        What proves it is the server's word, or the listing of a folder above that does not hold the name.
        """
        if _says_absent(str(refused)):
            return FileNotFoundError(path)
        folder, _, name = path.rpartition("/")
        if not name:
            return refused
        try:
            return refused if name in dict(self._listed(folder)) else FileNotFoundError(path)
        except FileNotFoundError:
            return FileNotFoundError(path)
        except ftplib.error_perm:
            return refused

    def _listed(self, folder: str) -> Listing:
        """Return what is in a folder; raise FileNotFoundError only where it is proven that there is no such folder."""
        return self._ask(folder, partial(read_listing, folder=folder or "/"))  # type: ignore[no-any-return]

    def read(self, path: str) -> bytes:
        return self._ask(path, lambda ftp: _whole(ftp, path))  # type: ignore[no-any-return]

    def read_part(self, path: str, start: int, stop: int) -> bytes:
        return self._ask(path, lambda ftp: _part(ftp, path, start, stop))  # type: ignore[no-any-return]

    def _ask(self, path: str, work: Callable[[ftplib.FTP], Any], *, again: bool = True) -> Any:
        try:
            return self._on_line(work, again=again)
        except ftplib.error_perm as refused:
            raise self._proven(path, refused) from refused

    def info(self, path: str) -> Info:
        folder, _, name = path.rpartition("/")
        found = dict(self._listed(folder))
        if name not in found or found[name]["type"] != "file":
            raise FileNotFoundError(path)
        return {**found[name], "name": path, "size": int(found[name]["size"]), "type": "file"}

    def exists(self, path: str) -> bool:
        try:
            self._ask(path, lambda ftp: _size(ftp, path))
        except FileNotFoundError:
            return False
        except ftplib.error_perm:  # it is in the listing, so it is a folder, or the server knows no SIZE
            try:
                self.info(path)
            except FileNotFoundError:
                return False
        return True

    def write(self, path: str, data: bytes) -> None:
        aside = beside(path)
        try:
            self._store(aside, data)
            self._on_line(lambda ftp: ftp.rename(aside, path), again=False)
        except BaseException:
            with suppress_failures():
                self._on_line(lambda ftp: ftp.delete(aside))
            raise

    def _store(self, path: str, data: bytes) -> None:
        def work(ftp: ftplib.FTP) -> None:
            ftp.storbinary(f"STOR {path}", BytesIO(data))

        try:
            self._on_line(work)
        except ftplib.error_perm:
            with self._turn:
                self._make_folders(path.rpartition("/")[0])
            self._on_line(work)

    def _make_folders(self, folder: str) -> None:
        for end in [place for place, sign in enumerate(folder) if sign == "/" and place] + [len(folder)]:
            with suppress(ftplib.error_perm):  # it is there; if it cannot be made, the write itself will say so
                self._on_line(methodcaller("mkd", folder[:end]))

    def move(self, source: str, target: str) -> None:
        try:
            self._on_line(lambda ftp: ftp.rename(source, target), again=False)
        except ftplib.error_perm:
            self._make_folders(target.rpartition("/")[0])
            self._on_line(lambda ftp: ftp.rename(source, target), again=False)

    def remove(self, path: str) -> bool:
        try:
            self._ask(path, lambda ftp: ftp.delete(path), again=False)
        except FileNotFoundError:
            return False
        return True

    def copy_many(self, source: Folder, pairs: list[tuple[str, str]]) -> None:
        for origin, target in pairs:  # the protocol cannot copy
            self._store(target, source.read(origin))

    def infos(self, stem: str) -> Iterator[list[Info]]:
        folder, _, start = self.path(stem).rpartition("/")
        folders = [(folder, start)]
        while folders:
            folder, start = folders.pop()
            try:
                found = self._listed(folder)
            except FileNotFoundError:
                continue
            found = [(name, facts) for name, facts in found if name.startswith(start)]
            folders += [(f"{folder}/{name}", "") for name, facts in found if facts["type"] == "dir"]
            yield [
                {**facts, "name": f"{folder}/{name}", "size": int(facts["size"])}
                for name, facts in found
                if facts["type"] == "file"
            ]

    def close(self) -> None:
        with self._turn, suppress_failures(OSError, EOFError, ftplib.Error):
            self._opened.ftp.close()


def _says_absent(refusal: str) -> bool:
    """Return whether a server says that there is no such file, and not that there is none or that it may not be had."""
    text = refusal.lower()
    return any(words in text for words in _ABSENT) and not any(words in text for words in _OR_REFUSED)


def _whole(ftp: ftplib.FTP, path: str) -> bytes:
    parts: list[bytes] = []
    ftp.retrbinary(f"RETR {path}", parts.append)
    return b"".join(parts)


def _size(ftp: ftplib.FTP, path: str) -> int:
    ftp.voidcmd("TYPE I")
    return ftp.size(path) or 0


def _part(ftp: ftplib.FTP, path: str, start: int, stop: int) -> bytes:
    """Read from `start` and hang up at `stop`."""
    stop = min(stop, _size(ftp, path))
    if start >= stop:
        return b""
    left = stop - start
    parts: list[bytes] = []
    with ftp.transfercmd(f"RETR {path}", rest=start) as line:
        while left and (part := line.recv(min(left, 1 << 16))):
            parts.append(part)
            left -= len(part)
    with suppress(ftplib.Error):  # the server may say that the transfer was cut short
        ftp.voidresp()
    return b"".join(parts)
