"""One LMDB environment a path a process: opened once, shared by handles, grown when full, and safe across a fork."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from weakref import WeakSet, WeakValueDictionary

import lmdb
import lmdbm

from spoonbill.backends.lmdb.options import LmdbOptions
from spoonbill.backends.shared import unknown_option
from spoonbill.common.locks import engine_lock, new_lock
from spoonbill.errors import StoreError, UnsupportedError

LARGEST_MAP = 1 << 40
"""A sparse map of 1 TiB: address space, not disk. It is halved where the platform grants less, and then grown."""
_SMALLEST_MAP = 1 << 24

_open: WeakValueDictionary[str, "Environment"] = WeakValueDictionary()
_registry = new_lock()


class Environment:
    """An open environment with the lock that its writers hold.

    LMDB refuses to be opened twice in one process, and a forked child inherits that refusal, so every handle on a path
    shares one of these, and it is closed across a fork.
    """

    def __init__(self, path: str, options: dict[str, Any]) -> None:
        self.path = path
        self.options = options
        self.lock = engine_lock(("lmdb", path))
        self.handles: WeakSet[SharedHandle] = WeakSet()
        self.live: set[object] = set()  # iterators' snapshots: the environment must not be closed under them
        self.reopen(options.get("map_size") or LARGEST_MAP)

    def reopen(self, size: int) -> None:
        """Open the environment with a map of `size` bytes, or the half, the quarter, ... that the platform grants.

        A `size` of 0 takes over the size that is written in the file.
        """
        rest = {name: option for name, option in self.options.items() if name != "map_size"}
        flag = "r" if rest.pop("readonly", False) else "c"
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
        return StoreError(
            f"LMDB cannot open {self.path}: {error}. The path names a directory that holds data.mdb, and is made where "
            "it is missing; check its permissions, and that it is no file (subdir=False opens a file)"
        )

    def grow(self) -> None:
        """Double the map."""
        self._reopen_with(lambda: self.map_size * 2, "is full and cannot grow")

    def adopt_size(self) -> None:
        """Take over the map size that another process has set."""
        self._reopen_with(lambda: 0, "was grown by another process, which cannot be followed")

    def _reopen_with(self, size: Callable[[], int], trouble: str) -> None:
        """Close the environment and open it with another size.

        LMDB resizes a map in place only where no thread reads, which nobody here could promise; readers of a closed
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

        def refuse(**_options: Any) -> Any:
            raise error

        if self.shared is not None:
            self.shared.handles.discard(self)
        self.shared = None
        self.begin_with(refuse)


def environment(path: str | Path, options: dict[str, Any]) -> Environment:
    """Return this process's one environment at `path`, opening it where it is not open yet.

    Raises
    ------
    UnsupportedError
        If it is open with other options.
    StoreError
        If it cannot be opened.
    """
    real = os.path.realpath(path)
    with _registry:
        shared = _open.get(real)
        if shared is None:
            shared = _open[real] = Environment(real, options)
        elif shared.options != options:
            raise UnsupportedError(
                f"{real} is open in this process with the options {shared.options}, and LMDB opens a path once: close "
                f"it first, or open it with the same options, not {options}"
            )
        return shared


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
            del _open[shared.path]


def _refused_in_child(**_options: Any) -> Any:
    raise StoreError(
        "this LMDB store had an open iterator when the process forked, so the child cannot use it: finish or close "
        "iterators before a fork, or open the store in the child under another path"
    )


os.register_at_fork(before=_before_fork, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
