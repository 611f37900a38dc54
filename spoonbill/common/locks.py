"""Locks that belong to engines: two handles on one engine in one process share one, and a fork releases them."""

import os
import threading
from collections.abc import Hashable
from typing import cast
from weakref import WeakSet, WeakValueDictionary

from spoonbill.common.bridging.bridge import can_bridge
from spoonbill.common.bridging.waiting_lock import follow_bridges, new_waiting_lock

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


def waiting_lock() -> Lock:
    """Return a lock as `new_lock` does, to be held over calls of an engine that an event loop can wait for.

    It belongs to one call of the loop, and not to the loop's thread. Without greenlet, where no event loop waits for an
    engine itself, it is the plain one.
    """
    if not can_bridge():
        return new_lock()
    lock = cast("Lock", new_waiting_lock())
    with _registry:
        _all.add(lock)
    follow_bridges(lock, _all)
    return lock


def call_lock(*, waits: bool = False) -> Lock:
    """Return a re-entrant lock for the time of one call, which is not freed in a forked child.

    `waits` tells that it is held over calls of an engine that an event loop can wait for, as `waiting_lock` is.

    It is in no list, so that nothing of Python runs when it goes away: an exception that a signal raises in there would
    be lost. Who may meet it in a child has to know by other means that its thread does not exist there.
    """
    return cast("Lock", new_waiting_lock()) if waits and can_bridge() else threading.RLock()


def engine_lock(identity: Hashable, *, waits: bool = False) -> Lock:
    """Return the one lock of this process for the engine named by `identity` (a real path, an address).

    `waits` tells that it is held over calls of an engine that an event loop can wait for, as `waiting_lock` is.
    """
    with _registry:
        lock = _by_engine.get(identity)
        if lock is None:
            lock = cast("Lock", new_waiting_lock()) if waits and can_bridge() else threading.RLock()
            _by_engine[identity] = lock
            _all.add(lock)
            follow_bridges(lock, _all)
        return lock


def _free_in_child() -> None:
    """Free every lock in a forked child: the threads that held them do not exist there."""
    global _registry  # noqa: PLW0603 - the child's only chance to leave a lock behind that nobody will release
    _registry = threading.Lock()
    for lock in list(_all):
        lock._at_fork_reinit()  # type: ignore[attr-defined] # noqa: SLF001 - the standard library's own way


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_free_in_child)
