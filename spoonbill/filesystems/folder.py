"""A filesystem as a place for values: the calls that `Filesystem` makes, over any filesystem of fsspec."""

import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import IO, Any

from spoonbill.common.failures import came_from_outside, pass_on, raise_alone, suppress_failures
from spoonbill.common.locks import Lock, engine_lock
from spoonbill.common.sentinels import MISSING
from spoonbill.common.traits import Guarantees, Limits
from spoonbill.filesystems import copies, open_filesystem, rename, renames
from spoonbill.filesystems.names import is_of_key

PART = "~part"
"""The ending of a file that is being written."""
NOTE = "~note"
"""The ending of a file about the others."""
JOURNAL = "commit~journal"
"""The file that is there while a save or load renames its files into place."""
FILES_NOTE = f"files{NOTE}"
"""The file that a finished save writes last, which lists the others."""
NO_KEYS = (PART, NOTE, JOURNAL[JOURNAL.index("~") :])
"""Endings that no key's file has: a tilde is always escaped."""

_UPWARDS = ("./", "../")

Info = dict[str, Any]

_PIECE = 8 << 20
_TIMES = ("generation", "mtime", "modify", "LastModified", "last_modified", "created", "changed")
_MARKS = ("ETag", "etag", *_TIMES, "size", "inode")


def names_of_keys(names: Iterable[str]) -> list[str]:
    """Return the names that can be those of keys: without notes, files that are being written, and hidden files.

    A hidden file (``.DS_Store``, ``._a``, ``.nfs0001``, ``.git/config``) is one whose path begins with a dot, or has a
    part that does and that no key can have. A key's leading dot is escaped, so no store has written it.
    """
    return [name for name in names if not name.endswith(NO_KEYS) and not is_hidden(name)]


def is_hidden(name: str) -> bool:
    """Return whether a name below the root is that of a hidden file, which no store has written."""
    if name[:1] == ".":
        return not name.startswith(_UPWARDS)
    # The later parts of a long key's name may begin with a dot.
    return "/." in name and "/../" not in name and not is_of_key(name)


def beside(path: str) -> str:
    """Return a name next to `path` that no key uses and that nobody can foresee."""
    return f"{path}.{os.urandom(8).hex()}{PART}"


class Folder:
    """One root on one filesystem. Paths are whole paths of the filesystem; names are paths below the root.

    A call raises FileNotFoundError only where the absence is proven, and otherwise what the filesystem raises.

    Attributes
    ----------
    atomic : frozenset of str
        Those of add, replace and pop that are one step for everyone.
    read_only : bool
        Whether nothing can be written.
    serial : bool
        Whether writes of this process wait for each other.
    awaits : bool
        Whether every call is a coroutine of another loop, so that an event loop can wait for it in a bridge.
    in_order : bool
        Whether listings come in the order of the names, and can begin after any of them.
    failures : tuple of exception types
        What a failing call may raise.
    """

    atomic: frozenset[str] = frozenset()
    read_only = False
    serial = True
    awaits = False
    in_order = False
    failures: tuple[type[Exception], ...] = (Exception,)
    limits = Limits()
    guarantees = Guarantees(
        threads="safe",
        processes="as the filesystem's",
        fork="as the filesystem's",
        crash="as the filesystem's; where it cannot rename, a crash can leave a part of a value",
        iteration="the files of each folder at the moment when the loop came to it",
        atomic="between the threads of this process; not between processes",
    )

    def __init__(self, url: str, options: dict[str, Any]) -> None:
        self._url = url
        self._options = options
        self._pid = os.getpid()
        self._connect()
        self._made: set[str] = set()

    def _connect(self) -> None:
        self._opened, root = open_filesystem(self._url, self._options)
        self.root: str = root.rstrip("/")
        self.start = f"{self.root}/"

    @property
    def fs(self) -> Any:
        """The filesystem; a forked child opens its own."""
        if self._pid != os.getpid():
            self._pid = os.getpid()
            self._connect()
        return self._opened

    @property
    def identity(self) -> tuple[str, ...]:
        """What tells this place from others: the filesystem, as fsspec tells it apart, and the root."""
        return (str(self._opened.protocol), str(getattr(self._opened, "_fs_token", "")), self.root)

    def contains(self, other: "Folder") -> bool:
        """Return whether the root of `other` is this root, or lies below it."""
        return self.identity[:-1] == other.identity[:-1] and f"{other.root}/".startswith(f"{self.root}/")

    @property
    def marks(self) -> list[str]:
        """What tells this root from others in what is written there: one of them is enough, as a root may be moved."""
        return [self.root]

    def path(self, name: str) -> str:
        """Return the whole path of a name below the root."""
        return self.start + name

    def name(self, path: str) -> str:
        """Return the name below the root that a whole path is."""
        return path[len(self.start) :]

    @property
    def lock(self) -> Lock:
        """The lock of this process for this root."""
        return engine_lock(("filesystem", *self.identity), waits=self.awaits)

    def alone(self, *, wait: bool) -> AbstractContextManager[bool]:  # noqa: ARG002 - for those that can tell
        """Hold the root against commits of other processes; give False where one of them is known to hold it."""
        return nullcontext(True)

    def claim(self, path: str) -> AbstractContextManager[bool] | None:  # noqa: ARG002 - as above
        """Hold a file as long as this process lives; give False where another one does. None: nobody can tell."""
        return None

    # -- one file ----------------------------------------------------------------------------------------------

    def read(self, path: str) -> bytes:
        """Return what the file holds."""
        return self.fs.cat_file(path)  # type: ignore[no-any-return]

    def read_part(self, path: str, start: int, stop: int) -> bytes:
        """Return the bytes from `start` up to `stop`, fewer where the file ends before."""
        size = self.info(path)["size"]
        return self.fs.cat_file(path, start=start, end=min(stop, size)) if start < size else b""

    def info(self, path: str) -> Info:
        """Return what is known about a file without reading it."""
        self.fs.invalidate_cache(path.rpartition("/")[0])
        info: Info = self.fs.info(path)
        if info["type"] != "file":
            raise IsADirectoryError(f"{path} is a folder")
        return info

    def exists(self, path: str) -> bool:
        """Return whether the file is there."""
        try:
            self.info(path)
        except (FileNotFoundError, IsADirectoryError):
            return False
        return True

    def write(self, path: str, data: bytes) -> None:
        """Replace the file: where the filesystem can rename, so that nobody sees a part of it."""
        self._make_parent(path)
        if not renames(self._opened):
            self.fs.pipe_file(path, data)
            return
        aside = beside(path)
        try:
            self.fs.pipe_file(aside, data)
            self.move(aside, path)
        except BaseException:
            with suppress_failures():
                self.fs.rm_file(aside)
            raise

    def _make_parent(self, path: str) -> None:
        parent = path.rpartition("/")[0]
        if parent not in self._made:
            self.fs.makedirs(parent, exist_ok=True)
            self._made.add(parent)

    def move(self, source: str, target: str) -> None:
        """Rename a file over another."""
        self._make_parent(target)
        rename(self.fs, source, target)

    def remove(self, path: str) -> bool:
        """Remove a file; return whether it was there."""
        if not self.exists(path):
            return False
        self.fs.rm_file(path)
        return True

    # -- one file, in one step for everyone: only what `atomic` names ------------------------------------------

    def create(self, path: str, data: bytes) -> bool:
        """Write a file only where there is none."""
        raise NotImplementedError

    def swap(self, path: str, expected: bytes, data: bytes) -> bool:
        """Write a file only where it holds `expected`."""
        raise NotImplementedError

    def take(self, path: str) -> bytes:
        """Remove a file and return what it held."""
        raise NotImplementedError

    # -- many files --------------------------------------------------------------------------------------------

    def read_many(self, paths: list[str]) -> list[Any]:
        """Return for each path its bytes, MISSING or the error of its read."""
        return [self._answer(self.read, path) for path in paths]

    def write_many(self, files: dict[str, bytes]) -> list[Any]:
        """Write each file; return None or its error for each, in order."""
        return [self._answer(self.write, path, data) for path, data in files.items()]

    def write_all(self, files: dict[str, bytes]) -> None:
        """Write each file, or raise the first error when all were tried."""
        for result in self.write_many(files):
            if result is not None:
                raise_alone(result)

    def move_many(self, pairs: list[tuple[str, str]]) -> None:
        """Rename each file over another."""
        for source, target in pairs:
            self.move(source, target)

    def remove_many(self, paths: list[str]) -> int:
        """Remove files; return how many were there."""
        return sum(map(self.remove, paths))

    def drop_many(self, paths: list[str]) -> None:
        """Remove files, whether they are there or not."""
        for path in paths:
            try:
                self.remove(path)
            except self.failures as error:
                if came_from_outside(error) or self.exists(path):  # unless a folder stands there
                    raise

    def copy_many(self, source: "Folder", pairs: list[tuple[str, str]]) -> None:  # noqa: ARG002 - the paths are whole
        """Copy files from another root of this same filesystem, without their bytes passing through here if it can."""
        for origin, target in pairs:
            self._make_parent(target)
            if copies(self.fs):
                self.fs.cp_file(origin, target)
            else:
                self.fs.pipe_file(target, self.read(origin))

    def keep_many(self, pairs: list[tuple[str, str]]) -> None:
        """Give each file that is there a second name, under which it stays when the first one is written anew."""
        self.copy_many(self, pairs)

    def _answer(self, call: Any, *arguments: Any) -> Any:
        try:
            return call(*arguments)
        except FileNotFoundError as error:
            return MISSING if call == self.read else error
        except self.failures as error:
            pass_on(error)
            return error

    # -- saves and loads ---------------------------------------------------------------------------------------

    def read_own(self, path: str) -> bytes:
        """Read a file that only the owner of the root may have written."""
        return self.read(path)

    def owns(self, path: str) -> bool:  # noqa: ARG002 - for those that know owners
        """Return whether a file is one that this user wrote."""
        return True

    def open_file(self, path: str) -> IO[bytes]:
        """Open a file to read it in pieces."""
        file: IO[bytes] = self.fs.open(path, "rb", block_size=_PIECE)
        return file

    def stage_file(self, path: str) -> IO[bytes]:
        """Open a file to write it in pieces, under a name that is shown later."""
        file: IO[bytes] = self.fs.open(path, "wb")
        return file

    def stage_many(self, files: dict[str, bytes]) -> None:
        """Write each file under a name that is shown later, seen by this user alone where there are users."""
        self.write_all(files)

    def write_by(self, aside: str, path: str, data: bytes) -> None:  # noqa: ARG002 - for those that write beside
        """Replace a file; where that needs a second name for a moment, by this one."""
        self.write_all({path: data})

    def prepare_many(self, pairs: list[tuple[str, str]]) -> None:
        """Make staged files ready to take the place of others, or raise where they are not ours."""

    # -- listings ----------------------------------------------------------------------------------------------

    def infos(self, stem: str) -> Iterator[list[Info]]:
        """Yield pages of what is known of the files whose names begin with `stem`."""
        folder, _, start = self.path(stem).rpartition("/")
        folders = [(folder, start)]
        while folders:
            folder, start = folders.pop()
            self.fs.invalidate_cache(folder)
            try:
                listed: Iterable[Info] = self.fs.ls(folder, detail=True)
            except FileNotFoundError:
                continue
            page = []
            for info in listed:
                name = info["name"].rstrip("/")
                if not name.rpartition("/")[2].startswith(start):
                    continue
                if info["type"] == "directory":
                    if not name[len(folder) :].strip("/"):
                        continue  # the folder itself, or one without a name, which leads back here
                    folders.append((name, ""))
                else:
                    page.append(info)
            yield page

    def pages(self, stem: str) -> Iterator[list[str]]:
        """Yield pages of the names that begin with `stem`, without notes and files that are being written."""
        for page in self.infos(stem):
            yield names_of_keys(self.name(info["name"]) for info in page)

    def infos_after(self, stem: str, after: str) -> Iterator[list[Info]]:
        """Yield what `infos` does without the names up to `after`, or up to just before it: only where `in_order`."""
        raise NotImplementedError

    def pages_between(self, stem: str, after: str, last: str | None) -> Iterator[list[str]]:
        """Yield pages of the names that begin with `stem`, behind `after` and up to `last`; None: to the end."""
        for page in self.infos_after(stem, after) if self.in_order else self.infos(stem):
            names = names_of_keys(self.name(info["name"]) for info in page)
            yield [name for name in names if after < name and (last is None or name <= last)]
            if self.in_order and last is not None and names and names[-1] > last:
                return

    def tag(self, info: Info) -> str:
        """Return a text that changes with the file."""
        return ";".join(f"{mark}={info[mark]}" for mark in _MARKS if info.get(mark) is not None)

    def close(self) -> None:
        """Release connections of this root's own."""
