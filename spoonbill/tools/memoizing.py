"""Functions whose results a store remembers."""

import asyncio
import inspect
import threading
from collections.abc import Callable
from functools import update_wrapper
from typing import Any, Final, Generic, ParamSpec, TypeVar

from spoonbill.common.locks import new_lock
from spoonbill.common.sentinels import MISSING
from spoonbill.common.text import shortened
from spoonbill.errors import InvalidKeyError
from spoonbill.keys import encode_key
from spoonbill.store import Store
from spoonbill.store.binding import given
from spoonbill.tools.locking import lock

__all__ = ["Memoized", "memoize"]

P = ParamSpec("P")
R = TypeVar("R")

_LEASE: Final = 60.0


def memoize(
    store: Store[Any, Any],
    *,
    ttl: float | None = None,
    key: Callable[..., str] | None = None,
    single_flight: bool = True,
    lease: float = _LEASE,
) -> Callable[[Callable[P, R]], "Memoized[P, R]"]:
    """Return a decorator: what a function, or a coroutine function, returned is stored, and not computed again.

    The name of an entry is made of the function's name and its arguments, by the key scheme and never by pickle;
    ``f(1, b=2)`` and ``f(a=1, b=2)`` are one. An exception is not stored. A coroutine function awaits the store; a
    caller of it that is cancelled ends no computation that others may wait for.

    Parameters
    ----------
    store : Store
        Any store that holds the results under str keys.
    ttl : float, optional
        Seconds after which a result is computed anew; the store must be able to expire entries.
    key : callable, optional
        Returns the name of an entry for the arguments, where they are of kinds that no key holds.
    single_flight : bool, optional
        Two that ask for one missing result compute it once: in this process, and through a `lock` in the store between
        processes. False: each computes it.
    lease : float, optional
        Seconds after which another process computes a result whose first computer has not come back.

    Returns
    -------
    callable
        The decorated function has ``forget(*args)``, which removes a result, and ``key(*args)``, which tells its name.

    Examples
    --------
    >>> from spoonbill.datastores import InMemoryStore
    >>> @memoize(InMemoryStore())
    ... def square(number):
    ...     print("computing")
    ...     return number * number
    >>> square(3), square(number=3)
    computing
    (9, 9)
    """

    def decorate(function: Callable[P, R]) -> "Memoized[P, R]":
        kind = _MemoizedCoroutine if inspect.iscoroutinefunction(function) else Memoized
        return kind(function, store, ttl, key, lease if single_flight else None)

    return decorate


class Memoized(Generic[P, R]):
    """A function with remembered results; `memoize` makes it."""

    def __init__(
        self,
        function: Callable[P, R],
        store: Store[Any, Any],
        ttl: float | None,
        key: Callable[..., str] | None,
        lease: float | None,
    ) -> None:
        self._function: Callable[..., Any] = function
        self._store = store
        self._expiry = given(ttl=ttl)
        self._key = key
        self._lease = lease
        self._signature = inspect.signature(function)
        self._name = f"{function.__module__}.{function.__qualname__}"
        self._flights: dict[str, threading.Event] = {}
        self._guard = new_lock()
        update_wrapper(self, function)

    def key(self, *args: P.args, **kwargs: P.kwargs) -> str:
        """Return the name of the entry for these arguments.

        Raises
        ------
        InvalidKeyError
            If an argument is of a kind that no key holds; give ``key=`` then.
        """
        if self._key is not None:
            return self._key(*args, **kwargs)
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        parts = tuple(
            tuple(sorted(value.items())) if isinstance(value, dict) else value for value in bound.arguments.values()
        )
        try:
            return f"{self._name}:{encode_key(parts)}"
        except InvalidKeyError as error:
            raise InvalidKeyError(
                f"memoize cannot make a key of the arguments {shortened(parts)} of {self._name}: {error}; "
                "give memoize(..., key=) a function that makes a str of them"
            ) from error

    def forget(self, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Remove the result for these arguments. Return whether there was one."""
        return self._store.delete(self.key(*args, **kwargs))

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        name = self.key(*args, **kwargs)
        while True:
            value: Any = self._store.get(name, MISSING)
            if value is not MISSING:
                return value  # type: ignore[no-any-return]
            if self._lease is None:
                return self._computed(name, args, kwargs)  # type: ignore[no-any-return]
            with self._guard:
                flight = self._flights.get(name)
                if flight is None:
                    self._flights[name] = threading.Event()
            if flight is not None:
                flight.wait(self._lease)
                continue
            try:
                return self._first(name, args, kwargs)
            finally:
                with self._guard:
                    self._flights.pop(name).set()

    def _first(self, name: str, args: Any, kwargs: Any) -> R:
        """Compute as the only one of this process, and of all that reach the store."""
        lease = self._lease or _LEASE
        with lock(self._store, f"{name}:computing", lease, wait=2 * lease):
            value: Any = self._store.get(name, MISSING)
            return self._computed(name, args, kwargs) if value is MISSING else value  # type: ignore[no-any-return]

    def _computed(self, name: str, args: Any, kwargs: Any) -> Any:
        value = self._function(*args, **kwargs)
        self._store.set(name, value, **self._expiry)
        return value


class _MemoizedCoroutine(Memoized[P, R]):
    """The same for a coroutine function: it awaits the store, so that the loop goes on."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._tasks: dict[tuple[int, str], asyncio.Task[Any]] = {}

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._answer(self.key(*args, **kwargs), args, kwargs)  # type: ignore[return-value] # a coroutine

    async def _answer(self, name: str, args: Any, kwargs: Any) -> Any:
        value: Any = await self._store.aio.get(name, MISSING)
        if value is not MISSING:
            return value
        if self._lease is None:
            return await self._compute(name, args, kwargs)
        flight = (id(asyncio.get_running_loop()), name)
        task = self._tasks.get(flight)
        if task is None:
            task = self._tasks[flight] = asyncio.ensure_future(self._compute_alone(name, args, kwargs, self._lease))
            task.add_done_callback(lambda _: self._tasks.pop(flight, None))
        return await asyncio.shield(task)

    async def _compute_alone(self, name: str, args: Any, kwargs: Any, lease: float) -> Any:
        """Compute as the only one of this loop, and of all that reach the store."""
        face = self._store.aio
        async with lock(face, f"{name}:computing", lease, wait=2 * lease):
            value: Any = await face.get(name, MISSING)
            return await self._compute(name, args, kwargs) if value is MISSING else value

    async def _compute(self, name: str, args: Any, kwargs: Any) -> Any:
        value = await self._function(*args, **kwargs)
        await self._store.aio.set(name, value, **self._expiry)
        return value
