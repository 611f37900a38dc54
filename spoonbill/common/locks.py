"""Locks that belong to engines: two handles on one engine in one process share one, and a fork releases them."""

import os
import threading
from collections.abc import Hashable
from weakref import WeakSet, WeakValueDictionary

Lock = threading.RLock
"""The type of the locks, for annotations; `new_lock` and `engine_lock` make them."""

_by_engine: WeakValueDictionary[Hashable, Lock] = WeakValueDictionary()
_all: WeakSet[Lock] = WeakSet()
_registry = threading.Lock()


def new_lock() -> Lock:
    """Return a re-entrant lock that is free again in a forked child, whoever held it in the parent."""
    lock = threading.RLock()
    with _registry:
        _all.add(lock)
    return lock


def call_lock() -> Lock:
    """Return a re-entrant lock for the time of one call, which is not freed in a forked child.

    It is in no list, so that nothing of Python runs when it goes away: an exception that a signal raises in there would
    be lost. Who may meet it in a child has to know by other means that its thread does not exist there.
    """
    return threading.RLock()


def engine_lock(identity: Hashable) -> Lock:
    """Return the one lock of this process for the engine named by `identity` (a real path, an address)."""
    with _registry:
        lock = _by_engine.get(identity)
        if lock is None:
            lock = _by_engine[identity] = threading.RLock()
            _all.add(lock)
        return lock


def _free_in_child() -> None:
    """Free every lock in a forked child: the threads that held them do not exist there."""
    global _registry  # noqa: PLW0603 - the child's only chance to leave a lock behind that nobody will release
    _registry = threading.Lock()
    for lock in list(_all):
        lock._at_fork_reinit()  # type: ignore[attr-defined] # noqa: SLF001 - the standard library's own way


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_free_in_child)
