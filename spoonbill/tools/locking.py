"""A lock in a store: one holder at a time, among all who can reach the store, and for a limited time."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from secrets import token_hex
from typing import Any, Final, Protocol, TypeVar, overload

from spoonbill.common.sentinels import MISSING
from spoonbill.common.text import shortened
from spoonbill.errors import LockedError
from spoonbill.store import Store

__all__ = ["HeldLock", "lock"]

R = TypeVar("R")

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


class Face(Protocol):
    """What ``store.aio`` is to a tool: a store, and a way to run functions without holding up the event loop."""

    @property
    def sync(self) -> Store[Any, Any]: ...

    async def run(self, function: Callable[..., R], /, *args: Any, **kwargs: Any) -> R: ...


@overload
def lock(
    store: Store[Any, Any], name: str, ttl: float, *, wait: float | None = None
) -> AbstractContextManager[HeldLock]: ...


@overload
def lock(store: Face, name: str, ttl: float, *, wait: float | None = None) -> AbstractAsyncContextManager[HeldLock]: ...


def lock(store: Any, name: str, ttl: float, *, wait: float | None = None) -> Any:
    """Hold the lock `name` in a store while the block runs.

    ``with lock(store, ...)`` blocks its thread while it waits, ``async with lock(store.aio, ...)`` its task alone. Both
    are one lock. A task that is cancelled while it waits holds nothing afterwards.

    The lock is an entry. Whoever adds it holds it, for `ttl` seconds at the most, so that a holder that dies locks
    nobody out; it is removed at the end of the block, unless another holds it by then. It is as atomic as the store's
    ``add`` is: among all processes that reach the store, or only in this one, see the store's guarantees. Clocks of
    different machines should agree within a fraction of `ttl`.

    Parameters
    ----------
    store : Store or AsyncStore
        Any store that holds str and numbers, or its asynchronous face.
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
    if isinstance(store, Store):
        return _held(_Attempt(store, name, ttl, wait))
    return _awaited(store, _Attempt(store.sync, name, ttl, wait))


@contextmanager
def _held(attempt: "_Attempt") -> Iterator[HeldLock]:
    try:
        while not attempt.take():
            time.sleep(attempt.pause())
        yield attempt.held
    finally:
        attempt.let_go()


@asynccontextmanager
async def _awaited(face: Face, attempt: "_Attempt") -> AsyncGenerator[HeldLock, None]:
    try:
        while not await face.run(attempt.take):  # noqa: ASYNC110 - what is awaited is in a store
            await asyncio.sleep(attempt.pause())
        yield attempt.held
    finally:
        await _to_its_end(asyncio.ensure_future(face.run(attempt.let_go)))


async def _to_its_end(task: "asyncio.Future[None]") -> None:
    """Wait for a task that must not be cancelled, and pass on afterwards that its caller was."""
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    task.result()
    if cancelled is not None:
        raise cancelled


class _Attempt:
    """One caller's way to a lock: it takes it, or says how long to pause before the next try."""

    def __init__(self, store: Store[Any, Any], name: str, ttl: float, wait: float | None) -> None:
        self._store, self._name, self._ttl, self._wait = store, name, ttl, wait
        self._deadline = time.monotonic() + (0.0 if wait is None else wait)
        self._holder, self._pause = token_hex(8), _FIRST_PAUSE
        self._value: dict[str, Any] | None = None

    @property
    def held(self) -> HeldLock:
        """The lock, once it was taken."""
        assert self._value is not None  # noqa: S101 - for type checkers: it was taken
        return HeldLock(self._name, self._value["token"], self._value["until"])

    def take(self) -> bool:
        """Try once. Return whether the lock is held now."""
        store, name = self._store, self._name
        present: Any = store.get(name, MISSING)
        if present is not MISSING and present["until"] >= time.time():
            return False
        token = store.increment(f"{name}:fence")
        value = {"holder": self._holder, "token": token, "until": time.time() + self._ttl}
        if store.add(name, value) if present is MISSING else store.replace(name, present, value):
            self._value = value
        return self._value is not None

    def pause(self) -> float:
        """Return the seconds until the next try.

        Raises
        ------
        LockedError
            If the time to wait is over.
        """
        rest = self._deadline - time.monotonic()
        if rest <= 0:
            raise LockedError(
                f"lock {shortened(self._name)} in {self._store!r} is held by another"
                + ("" if self._wait is None else f" and was not released in {self._wait} s")
                + "; it expires by itself: wait longer, or find out who holds it"
            )
        # So that those who wait do not march.
        pause = min(rest, self._pause * random.uniform(0.5, 1.0))  # noqa: S311
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        return pause

    def let_go(self) -> None:
        """Remove the lock where this caller holds it."""
        if self._value is not None:
            self._store.discard(self._name, self._value)
