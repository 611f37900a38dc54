"""One LMDB environment a path a process: opened once, shared by handles, grown when full, and safe across a fork."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from weakref import WeakSet, WeakValueDictionary, ref

import lmdb
import lmdbm

from spoonbill.backends.lmdb.options import LmdbOptions
from spoonbill.backends.shared import unknown_option
from spoonbill.common.failures import pass_on_signal, suppress_failures
from spoonbill.common.locks import engine_lock, new_lock
from spoonbill.common.open_places import note_place
from spoonbill.common.paths import Place, absolute, identity
from spoonbill.errors import StoreError, UnsupportedError

LARGEST_MAP = 1 << 40
"""A sparse map of 1 TiB, for a stream whose length nobody knows: address space, not disk."""
_MAP = 1 << 36
"""The map of a store that is opened: 64 GiB, so that a thousand stores fit. It is halved where the platform grants
less, and grown when it is full."""
_SMALLEST_MAP = 1 << 24
_READERS = 2048
"""Transactions that may read at a time; LMDB's own 126 are soon used up by open loops."""

_open: WeakValueDictionary[tuple[int, int] | None, "Environment"] = WeakValueDictionary()
_registry = new_lock()


class Environment:
    """An open environment with the lock that its writers hold.

    LMDB refuses to be opened twice in one process, and a forked child inherits that refusal, so every handle on a path
    shares one of these, and it is closed across a fork.
    """

    def __init__(self, path: str, options: dict[str, Any]) -> None:
        self.path = path
        self.options = options
        self._place: Place | None = None
        self.handles: WeakSet[SharedHandle] = WeakSet()
        self.live: set[object] = set()  # iterators' snapshots: the environment must not be closed under them
        self.reopen(options.get("map_size") or max(_MAP, 4 * _size_of(_data_file(path, options))))
        self._place = Place(_data_file(path, options))
        self.lock = engine_lock(("lmdb", self._place.identity))
        self.env.reader_check()
        note_place(self, "an LMDB database", self._files())

    def _files(self) -> Callable[[], tuple[str, ...]]:
        myself = ref(self)

        def files() -> tuple[str, ...]:
            alive = myself()
            if alive is None:
                return ()
            beside = f"{alive.path}-lock", os.path.join(alive.path, "lock.mdb")  # noqa: PTH118
            return alive.path, _data_file(alive.path, alive.options), *beside

        return files

    def reopen(self, size: int) -> None:
        """Open the environment with a map of `size` bytes, or the half, the quarter, ... that the platform grants.

        A `size` of 0 takes over the size that is written in the file.
        """
        self.check_place()
        self._process = os.getpid()
        rest = {"max_readers": _READERS} | {name: option for name, option in self.options.items() if name != "map_size"}
        flag = "r" if rest.pop("readonly", False) else "c"
        if flag == "c" and self._place is None:
            with suppress_failures(OSError):  # LMDB says itself what is wrong with the folder
                os.makedirs(os.path.dirname(self.path), exist_ok=True)  # noqa: PTH103, PTH120
        while True:
            try:
                self.env = lmdbm.Lmdb.open(self.path, flag, map_size=size, autogrow=False, **rest).env
                self.map_size: int = self.env.info()["map_size"]
                break
            except (lmdb.MemoryError, MemoryError, OverflowError, lmdb.InvalidParameterError) as error:
                size //= 2
                if size < _SMALLEST_MAP:
                    raise self._open_error(error) from error
            except (lmdb.Error, OSError) as error:
                raise self._open_error(error) from error
            except TypeError as error:
                raise unknown_option("LmdbStore", error, LmdbOptions.__annotations__, self.options) or error from None
        self.begin_with(self.env.begin)

    def __del__(self) -> None:
        # A transaction that an exception's traceback still holds would keep it open, and LMDB opens a path once.
        # What a fork gave to the child stays open there: its transactions have the slots of the parent's readers.
        if hasattr(self, "env") and self._process == os.getpid():
            self.env.close()

    @property
    def identity(self) -> tuple[int, int] | None:
        """What tells the database's file from all others."""
        return None if self._place is None else self._place.identity

    def move(self, path: str) -> None:
        """Note the name that the folder has now."""
        if path != self.path:
            self.path, self._place = path, Place(_data_file(path, self.options), self.identity)

    def check_place(self) -> None:
        """Raise where the path does not name any more what was opened.

        Raises
        ------
        StoreError
            If the folder was removed, moved or replaced: what is written here would be lost with the old one.
        """
        if self._place is not None and not self._place.is_kept():
            raise StoreError(
                f"{self.path} was removed, moved or replaced while it was open, so nothing more is written to it: "
                "close the store and open it again"
            )

    def tend(self) -> None:
        """Do what is due every some writes: free the slots of dead readers, whose pages LMDB keeps, and look around."""
        self.env.reader_check()
        self.check_place()

    def revive(self) -> None:
        """Open the environment again where a fork closed it, once for all the threads that find it closed."""
        with self.lock:
            try:
                self.env.info()
            except lmdb.Error:
                self.reopen(self.map_size)

    def begin_with(self, begin: Callable[..., Any]) -> None:
        """Have every handle begin its transactions by `begin`."""
        self.begin = begin
        for handle in self.handles:
            handle.begin_with(begin)

    def _open_error(self, error: BaseException) -> StoreError:
        pass_on_signal(error)
        return StoreError(
            f"LMDB cannot open {self.path}: {error}. The path names a directory that holds data.mdb; check its "
            "permissions, and that it is no file (subdir=False opens a file)"
        )

    def grow(self) -> None:
        """Double the map."""
        self._reopen_with(lambda: self.map_size * 2, "is full and cannot grow")

    def widen(self) -> None:
        """Take the largest map that the platform grants, for a stream of unknown length, where nobody chose a size."""
        if not self.live and "map_size" not in self.options and self.map_size < LARGEST_MAP:
            self._reopen_with(lambda: LARGEST_MAP, "cannot be widened")

    def adopt_size(self) -> None:
        """Take over the map size that another process has set."""
        self._reopen_with(lambda: 0, "was grown by another process, which cannot be followed")

    def _reopen_with(self, size: Callable[[], int], trouble: str) -> None:
        """Close the environment and open it with another size.

        LMDB resizes a map in place only where no thread reads, which cannot be promised here; readers of a closed
        environment get an error instead, and come back through `revive`.
        """
        with self.lock:
            if self.live:
                raise StoreError(
                    f"the map of {self.path} {trouble} while an iterator is open: finish or close the iterator, "
                    "or open the store with a larger map_size="
                )
            self.env.close()
            self.reopen(size())


class SharedHandle:
    """One store's hold on an environment: what its compiled verbs look at, so that a close reaches them."""

    def __init__(self, shared: Environment) -> None:
        self.shared: Environment | None = shared
        self.begin: Callable[..., Any] = shared.begin
        self._followers: list[Callable[[Callable[..., Any]], None]] = []
        shared.handles.add(self)

    def follow(self, follower: Callable[[Callable[..., Any]], None]) -> None:
        """Call `follower` with each later way to begin a transaction."""
        self._followers.append(follower)

    def begin_with(self, begin: Callable[..., Any]) -> None:
        """Begin later transactions by `begin`."""
        self.begin = begin
        for follower in self._followers:
            follower(begin)

    def close(self, error: Exception) -> None:
        """Let the environment go; every later use raises `error`."""

        def refuse(*_arguments: Any, **_options: Any) -> Any:
            raise error

        if self.shared is not None:
            self.shared.handles.discard(self)
        self.shared = None
        self.begin_with(refuse)


def remedy(error: lmdb.Error) -> str:
    """Return what the user can do about an error of LMDB."""
    if isinstance(error, lmdb.ReadersFullError):
        return "Every slot of a reader is taken: finish or close some loops, or open with a larger max_readers=."
    if isinstance(error, lmdb.IncompatibleError):
        return "It is the name of another program's database in this file: use another key, or another folder."
    return "Check the disk and the permissions of the path."


def environment(path: str | Path, options: dict[str, Any]) -> Environment:
    """Return this process's one environment at `path`, opening it where it is not open yet.

    Raises
    ------
    UnsupportedError
        If it is open with other options.
    StoreError
        If it cannot be opened.
    """
    real = os.path.realpath(absolute(path))
    with _registry:
        known = identity(_data_file(real, options))
        shared = None if known is None else _open.get(known)
        if shared is None:
            shared = Environment(real, options)
            _open[shared.identity] = shared
        elif shared.options != options:
            raise UnsupportedError(
                f"{real} is open in this process with the options {shared.options}, and LMDB opens a path once: close "
                f"it first, or open it with the same options, not {options}"
            )
        shared.move(real)
        return shared


def _data_file(path: str, options: dict[str, Any]) -> str:
    return os.path.join(path, "data.mdb") if options.get("subdir", True) else path  # noqa: PTH118


def _size_of(path: str) -> int:
    try:
        return os.path.getsize(path)  # noqa: PTH202
    except OSError as error:
        pass_on_signal(error)
        return 0


def _before_fork() -> None:
    """Let writers finish and close every environment without a live iterator: a child must not inherit it open."""
    _registry.acquire()
    for shared in list(_open.values()):
        shared.lock.acquire()
        if not shared.live:
            shared.env.close()


def _after_in_parent() -> None:
    for shared in list(_open.values()):
        shared.lock.release()
    _registry.release()


def _after_in_child() -> None:
    """Refuse what was inherited open: its snapshots belong to the parent. The locks are free again by themselves."""
    for shared in list(_open.values()):
        if shared.live:
            shared.begin_with(_refused_in_child)
            shared.live.clear()
            del _open[shared.identity]


def _refused_in_child(*_arguments: Any, **_options: Any) -> Any:
    raise StoreError(
        "this LMDB store had an open iterator when the process forked, so the child cannot use it: finish or close "
        "iterators before a fork, or open the store in the child under another path"
    )


os.register_at_fork(before=_before_fork, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
