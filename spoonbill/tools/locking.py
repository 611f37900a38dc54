"""A lock in a store: one holder at a time, among all who can reach the store, and for a limited time."""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from secrets import token_hex
from typing import Any, Final

from spoonbill.common.sentinels import MISSING
from spoonbill.common.text import shortened
from spoonbill.errors import LockedError
from spoonbill.store import Store

__all__ = ["HeldLock", "lock"]

_FIRST_PAUSE: Final = 0.005
_LONGEST_PAUSE: Final = 0.25


@dataclass(frozen=True)
class HeldLock:
    """A lock that is held.

    Attributes
    ----------
    name : str
        Its name.
    token : int
        A fencing token: larger for each later holder. A resource that refuses smaller ones than it has seen is safe
        from a holder whose time ran out while it slept.
    until : float
        When the lock expires, as ``time.time()`` tells it.
    """

    name: str
    token: int
    until: float


@contextmanager
def lock(store: Store[Any, Any], name: str, ttl: float, *, wait: float | None = None) -> Iterator[HeldLock]:
    """Hold the lock `name` in a store while the block runs.

    The lock is an entry. Whoever adds it holds it, for `ttl` seconds at the most, so that a holder that dies locks
    nobody out; it is removed at the end of the block, unless another holds it by then. It is as atomic as the store's
    ``add`` is: among all processes that reach the store, or only in this one, see the store's guarantees. Clocks of
    different machines should agree within a fraction of `ttl`.

    Parameters
    ----------
    store : Store
        Any store that holds str and numbers.
    name : str
        The name; the entries ``name`` and ``name:fence`` are the lock's own.
    ttl : float
        Seconds.
    wait : float, optional
        Seconds to try; None tries once.

    Raises
    ------
    LockedError
        If another holds it, and did not let go in time.

    Examples
    --------
    >>> from spoonbill.datastores import InMemoryStore
    >>> store = InMemoryStore()
    >>> with lock(store, "report", ttl=30) as held:
    ...     print(held.token)
    1
    """
    if isinstance(ttl, bool) or not isinstance(ttl, (int, float)) or not 0 < ttl < float("inf"):
        raise ValueError(f"lock: ttl is a number of seconds above 0, not {ttl!r}")
    value = _acquired(store, name, ttl, wait)
    try:
        yield HeldLock(name, value["token"], value["until"])
    finally:
        store.discard(name, value)


def _acquired(store: Store[Any, Any], name: str, ttl: float, wait: float | None) -> dict[str, Any]:
    deadline = time.monotonic() + (0.0 if wait is None else wait)
    holder, pause = token_hex(8), _FIRST_PAUSE
    while True:
        present: Any = store.get(name, MISSING)
        if present is MISSING or present["until"] < time.time():
            value = {"holder": holder, "token": store.increment(f"{name}:fence"), "until": time.time() + ttl}
            free = present is MISSING
            if store.add(name, value) if free else store.replace(name, present, value):
                return value
        rest = deadline - time.monotonic()
        if rest <= 0:
            raise LockedError(
                f"lock {shortened(name)} in {store!r} is held by another"
                + ("" if wait is None else f" and was not released in {wait} s")
                + "; it expires by itself: wait longer, or find out who holds it"
            )
        time.sleep(min(rest, pause * random.uniform(0.5, 1.0)))  # noqa: S311 - so that those who wait do not march
        pause = min(2 * pause, _LONGEST_PAUSE)
