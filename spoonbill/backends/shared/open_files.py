"""Files that a process has open once, however many stores are opened on them, and their locks between processes."""

import os
from collections.abc import Callable
from typing import Any, Generic, TypeVar
from weakref import WeakSet, WeakValueDictionary, finalize, ref

from spoonbill.common.failures import pass_on_signal, suppress_failures
from spoonbill.common.locks import new_lock
from spoonbill.common.open_places import note_place
from spoonbill.common.paths import Place, identity
from spoonbill.errors import StoreError
from spoonbill.filesystems.disk.safely import READ_LINKED

__all__ = ["Hold", "OpenFile", "OpenFiles", "WriterLock"]

F = TypeVar("F", bound="OpenFile")


class WriterLock:
    """A file that one process writes, or that any number of processes read: the system's own lock on it (``flock``).

    It is free again when the process ends, however it ends. Where there is no such lock, on Windows and on some
    filesystems of networks, everybody has it.

    Parameters
    ----------
    path : str
        The file; it must be there.
    """

    def __init__(self, path: str) -> None:
        self._descriptor = os.open(path, READ_LINKED)
        self._end = finalize(self, os.close, self._descriptor)
        status = os.fstat(self._descriptor)
        self.identity = status.st_dev, status.st_ino
        self.owned = False

    def own(self) -> bool:
        """Take the file to write it; return False where another process has it open."""
        self.owned = self.owned or self._take("LOCK_EX")
        return self.owned

    def share(self) -> bool:
        """Take the file to read it; return False where another process writes it."""
        self.owned = False
        return self._take("LOCK_SH")

    def _take(self, how: str) -> bool:
        try:
            import fcntl
        except ImportError:
            return True
        try:
            fcntl.flock(self._descriptor, getattr(fcntl, how) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:  # a filesystem without such locks
            pass_on_signal(error)
        return True

    def close(self) -> None:
        """Let the file go; a forked child that has the descriptor too does not keep it."""
        if self._end.alive:
            with suppress_failures(ImportError, OSError):
                import fcntl

                fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            self._end()

    def drop(self) -> None:
        """Close the descriptor that a fork gave to the child; the parent keeps the lock."""
        self._end()


class OpenFile:
    """A file that is open once in this process: the engine that its stores share.

    Parameters
    ----------
    path : str
        The file, as an absolute path.

    Attributes
    ----------
    lock : Lock
        What its readers and writers of this process hold.
    inherited : bool
        True in a forked child, which must not use it.
    """

    kind = "a file"
    """What it is, as errors call it."""
    endings: tuple[str, ...] = ("",)
    """What the names of its files add to the path."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.lock = new_lock()
        self.holds: WeakSet[Hold[Any]] = WeakSet()
        self.inherited = False
        self.writer: WriterLock | None = None
        self.place: Place | None = None
        myself = ref(self)

        def files() -> tuple[str, ...]:
            alive = myself()
            return () if alive is None or not alive.holds else tuple(alive.path + end for end in alive.endings)

        note_place(self, self.kind, files)

    def close(self) -> None:
        """Close the file; its last store was closed."""
        raise NotImplementedError

    def move(self, path: str) -> None:
        """Note the name that the file has now."""
        self.path = path
        if self.place is not None:
            self.place = Place(self.main_file(path), self.place.identity)

    def main_file(self, path: str) -> str:
        """Return the file that tells what is at a path from all others."""
        return path

    def guard(self) -> None:
        """Lock the file against other processes, and note what tells it from all others."""
        main = self.main_file(self.path)
        self.writer = WriterLock(main)
        self.place = Place(main, self.writer.identity)

    def forsake(self) -> None:
        """Let the parent have the file, after a fork, in the child."""
        self.inherited = True
        if self.writer is not None:
            self.writer.drop()

    def check_inherited(self) -> None:
        """Raise in a forked child.

        Raises
        ------
        StoreError
            If this process was forked from the one that opened the file.
        """
        if self.inherited:
            raise StoreError(
                f"{self.path} was opened before this process was forked, and one process writes it at a time: open the "
                "store in the child, when the parent has closed it"
            )

    def check_place(self) -> None:
        """Raise where the path does not name any more what was opened.

        Raises
        ------
        StoreError
            If the file was removed, moved or replaced: what is written here would be lost with the old one.
        """
        if self.place is not None and not self.place.is_kept():
            raise StoreError(
                f"{self.path} was removed, moved or replaced while it was open, so nothing more is written to it: "
                "close the store and open it again"
            )

    def own(self) -> None:
        """Be the only process that has the file open.

        Raises
        ------
        StoreError
            If another process has it open.
        """
        if self.writer is not None and not self.writer.own():
            self.writer.share()
            raise StoreError(
                f"another process has {self.path} open, and one process writes it at a time: nothing was written; "
                "close the store there, and try again"
            )

    def share(self) -> None:
        """Let other processes open the file to read it.

        Raises
        ------
        StoreError
            If another process writes it.
        """
        if self.writer is not None and not self.writer.share():
            raise StoreError(
                f"another process writes {self.path}: it is free when the store there is closed, and after each flush()"
            )


class Hold(Generic[F]):
    """One store's hold on an open file; it ends with the store.

    Attributes
    ----------
    file : OpenFile or None
        The file; None when the store was closed.
    """

    def __init__(self, file: F) -> None:
        self.file: F | None = file


class OpenFiles(Generic[F]):
    """The open files of one kind, by their identity and not by their names.

    Parameters
    ----------
    find : callable
        Returns the path of the file that identifies what is at a path.
    """

    def __init__(self, find: Callable[[str], str]) -> None:
        self._find = find
        self._open: WeakValueDictionary[tuple[int, int] | None, F] = WeakValueDictionary()
        self._registry = new_lock()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._after_in_child)

    def open(self, path: str, make: Callable[[str], F]) -> Hold[F]:
        """Return the file at `path`, made where this process has it not open, for a store."""
        path = os.path.realpath(path)
        with self._registry:
            known = identity(self._find(path))
            file = None if known is None else self._open.get(known)
            if file is None:
                file = make(path)
                self._open[identity(self._find(path))] = file
            if file.path != path:
                file.move(path)
            hold = Hold(file)
            file.holds.add(hold)
            return hold

    def close(self, hold: Hold[F]) -> None:
        """End a store's hold; the last one closes the file."""
        with self._registry:
            file, hold.file = hold.file, None
            if file is None:
                return
            file.holds.discard(hold)
            if file.holds or file.inherited:
                return
            for known, one in list(self._open.items()):
                if one is file:
                    del self._open[known]
            with file.lock:
                file.close()

    def _after_in_child(self) -> None:
        for file in list(self._open.values()):
            file.forsake()
        self._open.clear()
