"""The asynchronous face of a store."""

import inspect
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Generic, Literal, ParamSpec, Self, TypeVar, overload

from spoonbill.aio.bridges import Bridges
from spoonbill.aio.bridges import fits as _fits
from spoonbill.aio.results import AsyncResults
from spoonbill.aio.threads import THREADS, Threads
from spoonbill.common.bridging.bridge import can_bridge
from spoonbill.common.progress import Progress
from spoonbill.common.sentinels import MISSING, RAISE
from spoonbill.errors import UnsupportedError
from spoonbill.query import Pattern, Plan
from spoonbill.store import Store
from spoonbill.store.binding import given

__all__ = ["AsyncStore"]

K = TypeVar("K")
V = TypeVar("V")
D = TypeVar("D")
P = ParamSpec("P")
R = TypeVar("R")


class AsyncStore(Generic[K, V]):
    """A store whose verbs are awaited: another face of the same stack, which ``store.aio`` gives.

    Nothing is copied: what one face writes, the other reads, and both share one cache. Each verb runs as a whole, in a
    bridge or in a thread, so it means what it means in the store. A cancelled call in a bridge is given up where it
    waits; one in a thread is waited for, and then raises. In neither mode does a write land later than that, but what
    was sent may have been done.

    Parameters
    ----------
    store : Store
        Any store.
    mode : {"bridge", "threads"}, optional
        How the engine is waited for: by the event loop itself, in a greenlet, or by a thread. Left out, it is a bridge
        where greenlet is installed and every engine of the stack can be waited for so.
    threads : int, optional
        The most calls at once, by threads of this face alone; left out, all faces of the store share 40.

    Attributes
    ----------
    sync : Store
        The store itself.
    mode : str
        How the engine is waited for.

    Raises
    ------
    UnsupportedError
        If a bridge is asked for, and greenlet is missing, or an engine cannot be waited for so.

    Examples
    --------
    >>> import asyncio
    >>> from spoonbill.datastores import InMemoryStore
    >>> async def main():
    ...     async with InMemoryStore().aio as store:
    ...         await store.update({"a": 1, "b": 2})
    ...         print(await store.get("a"), await store.count())
    ...         async for key, value in store.items():
    ...             print(key, value)
    >>> asyncio.run(main())
    1 2
    a 1
    b 2
    """

    def __init__(
        self, store: Store[K, V], mode: Literal["bridge", "threads"] | None = None, threads: int | None = None
    ) -> None:
        if not isinstance(store, Store):
            raise TypeError(f"AsyncStore takes a store, not {type(store).__name__}: InMemoryStore(mapping) makes one")
        if mode not in {None, "bridge", "threads"}:
            raise ValueError(f"AsyncStore of {store!r} has no mode {mode!r}: there are 'bridge' and 'threads'")
        bridged = mode != "threads" and threads is None and _fits(store)
        if mode == "bridge" and not bridged:
            raise UnsupportedError(f"AsyncStore of {store!r} in a bridge: {_why_not(store, threads)}")
        self.sync = store
        self.mode: Literal["bridge", "threads"] = "bridge" if bridged else "threads"
        self._asked = mode, threads
        # The store holds the threads and not this face, so that there is no cycle to collect.
        self._threads: Threads = (
            vars(store).setdefault("_async_threads", Threads(THREADS)) if threads is None else Threads(threads)
        )
        self._calls: Bridges | Threads = Bridges() if bridged else self._threads

    def __repr__(self) -> str:
        mode, threads = self._asked
        shown = ("" if mode is None else f", mode={mode!r}") + ("" if threads is None else f", threads={threads}")
        return f"AsyncStore({self.sync!r}{shown})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.sync, *self._asked)

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run any other function of the store, or one of yours: ``await s.run(store.shares, 4)``.

        A method of a store is waited for as every verb is, any other function by a thread, so that it may block.

        Raises
        ------
        TypeError
            If it is a coroutine function, which needs no thread.
        """
        _refuse_coroutine("run", function)
        of_store = getattr(function, "__self__", None) is self.sync
        return await (self._calls if of_store else self._threads).call(function, *args, **kwargs)

    async def through(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a function of yours that does nothing but call stores of this stack and compute, as one call.

        It runs as a verb does: in a bridge its calls are waited for by the event loop, and what blocks otherwise holds
        it up; `run` is for functions that block.

        Raises
        ------
        TypeError
            If it is a coroutine function.
        """
        _refuse_coroutine("through", function)
        return await self._calls.call(function, *args, **kwargs)

    # -- one entry -----------------------------------------------------------------------------------------------

    @overload
    async def get(self, key: K, default: None = None) -> V | None: ...

    @overload
    async def get(self, key: K, default: V) -> V: ...

    @overload
    async def get(self, key: K, default: D) -> V | D: ...

    async def get(self, key: K, default: Any = None) -> Any:
        """Return the value of `key`, or `default` where it is absent."""
        return await self._calls.call(self.sync.get, key, default)

    async def set(self, key: K, value: V, *, ttl: float | None = None) -> None:
        """Replace the whole value of `key`."""
        await self._calls.call(self.sync.set, key, value, **given(ttl=ttl))

    async def delete(self, key: K) -> bool:
        """Remove `key`. Return whether it was there."""
        return await self._calls.call(self.sync.delete, key)

    async def has(self, key: Any) -> bool:
        """Return whether `key` is there."""
        return await self._calls.call(self.sync.has, key)

    async def add(self, key: K, value: V, *, ttl: float | None = None) -> bool:
        """Set `key` only where it is absent. Return whether it was set."""
        return await self._calls.call(self.sync.add, key, value, **given(ttl=ttl))

    async def replace(self, key: K, expected: V, value: V, *, ttl: float | None = None) -> bool:
        """Set `key` only where its value equals `expected`. Return whether it was set."""
        return await self._calls.call(self.sync.replace, key, expected, value, **given(ttl=ttl))

    async def discard(self, key: K, expected: V) -> bool:
        """Remove `key` only where its value equals `expected`. Return whether it was removed."""
        return await self._calls.call(self.sync.discard, key, expected)

    @overload
    async def pop(self, key: K) -> V: ...

    @overload
    async def pop(self, key: K, default: D) -> V | D: ...

    async def pop(self, key: K, default: Any = RAISE) -> Any:
        """Remove `key` and return its value, or `default`; without one, absence is a ``KeyError``."""
        return await self._calls.call(self.sync.pop, key, default)

    async def increment(self, key: K, by: float = 1, *, ttl: float | None = None) -> Any:
        """Add `by` to the number under `key`, and return the sum."""
        return await self._calls.call(self.sync.increment, key, by, **given(ttl=ttl))

    async def modify(
        self, key: K, function: Callable[[V], V], default: Any = MISSING, *, ttl: float | None = None
    ) -> V:
        """Replace the value of `key` by what a function makes of it; return the new value.

        The function runs where the call does: in a bridge it holds up the event loop as long as it computes.
        """
        _refuse_coroutine("modify", function)
        return await self._calls.call(self.sync.modify, key, function, default, **given(ttl=ttl))

    @asynccontextmanager
    async def edit(self, key: K, default: Any = MISSING, *, ttl: float | None = None) -> AsyncGenerator[V, None]:
        """Change a value in place: ``async with s.edit(key) as value: value["n"] += 1``."""
        block = self.sync.edit(key, default, **given(ttl=ttl))
        value = await self._calls.call(block.__enter__)
        yield value  # where the block raises, nothing is written: the store's own block is not ended
        await self._calls.call(block.__exit__, None, None, None)

    async def setdefault(self, key: K, default: V = None) -> V:  # type: ignore[assignment] # as Mapping's own
        """Return the value of `key`; where it is absent, set it to `default` first."""
        return await self._calls.call(self.sync.setdefault, key, default)

    async def popitem(self) -> tuple[K, V]:
        """Remove and return any one pair; an empty store is a ``KeyError``."""
        return await self._calls.call(self.sync.popitem)

    async def ttl(self, key: K) -> float | None:
        """Return the seconds after which `key` expires, None where it stays."""
        return await self._calls.call(self.sync.ttl, key)

    async def touch(self, key: K, ttl: float | None) -> bool:
        """Let `key` expire `ttl` seconds from now, None: never. Return whether it was there."""
        return await self._calls.call(self.sync.touch, key, ttl)

    async def check(self, key: K, value: V) -> None:
        """Raise the error that a set of this pair would raise. Writes nothing."""
        await self._calls.call(self.sync.check, key, value)

    # -- many entries --------------------------------------------------------------------------------------------

    async def get_many(self, keys: Iterable[K] | AsyncIterable[K], default: Any = None) -> list[Any]:
        """Return a value for each of `keys`, in order, `default` for each that is absent."""
        return await self._calls.call(self.sync.get_many, await _read(keys), default)

    async def set_many(
        self, pairs: Iterable[tuple[K, V]] | AsyncIterable[tuple[K, V]], *, ttl: float | None = None
    ) -> None:
        """Set every pair, as one batch of the engine. An asynchronous iterable is read in full first."""
        await self._calls.call(self.sync.set_many, await _read(pairs), **given(ttl=ttl))

    async def update(
        self, other: Mapping[K, V] | Iterable[tuple[K, V]] | AsyncIterable[tuple[K, V]] = (), /, **more: V
    ) -> None:
        """Set many pairs, as one batch of the engine; of several values for one key the last one wins."""
        update: Any = self.sync.update
        await self._calls.call(update, await _read(other), **more)

    async def delete_many(self, keys: Iterable[K] | AsyncIterable[K]) -> int:
        """Remove `keys`. Return how many were there."""
        return await self._calls.call(self.sync.delete_many, await _read(keys))

    async def replace_all(self, pairs: Iterable[tuple[K, V]] | AsyncIterable[tuple[K, V]]) -> None:
        """Replace the whole contents by `pairs`."""
        await self._calls.call(self.sync.replace_all, await _read(pairs))

    async def count(self) -> int:
        """Return the number of keys."""
        return await self._calls.call(self.sync.count)

    async def clear(self) -> None:
        """Remove every key."""
        await self._calls.call(self.sync.clear)

    async def copy(self) -> dict[K, V]:
        """Return a dict with every pair of the store."""
        return await self._calls.call(self.sync.copy)

    # -- listings and searches -----------------------------------------------------------------------------------

    def __aiter__(self) -> AsyncIterator[K]:
        return self.keys().__aiter__()

    def keys(self, pattern: Pattern | str = MISSING, limit: int | None = None) -> AsyncResults[K]:  # type: ignore[assignment]
        """Return the keys, or those that match, as `Store.keys` does."""
        return self._results("keys", *_some(pattern), **_limited(limit))

    def scan(self, pattern: Pattern | str = "*", limit: int | None = None) -> AsyncResults[K]:
        """Return the keys that match, read in bounded memory."""
        return self._results("scan", pattern, **_limited(limit))

    @overload
    def values(self, *, limit: int | None = None) -> AsyncResults[V]: ...

    @overload
    def values(self, keys: Iterable[K], *, limit: int | None = None) -> AsyncResults[V | None]: ...

    @overload
    def values(self, keys: Iterable[K], default: D, *, limit: int | None = None) -> AsyncResults[V | D]: ...

    def values(self, keys: Any = MISSING, default: Any = None, *, limit: int | None = None) -> Any:
        """Return the values, or those of `keys`, as `Store.values` does."""
        if keys is MISSING:
            return self._results("values", **_limited(limit))
        return self._results("values", keys, default, **_limited(limit))

    def items(self, conditions: Any = MISSING, limit: int | None = None) -> AsyncResults[tuple[K, V]]:
        """Return the pairs, or those that match, as `Store.items` does."""
        return self._results("items", *_some(conditions), **_limited(limit))

    def _results(self, method: str, *arguments: Any, **options: Any) -> AsyncResults[Any]:
        search = getattr(self.sync, method)
        return AsyncResults(self._calls, lambda: search(*arguments, **options), f"{method} of {self.sync!r}")

    async def explain(self, pattern: Any = MISSING, conditions: Any = MISSING, limit: int | None = None) -> Plan:
        """Tell how a search would run, as `Store.explain` does."""
        return await self._calls.call(self.sync.explain, pattern, conditions, limit)

    # -- the whole store -----------------------------------------------------------------------------------------

    async def save(self, url: str | Path, *, progress: Progress = False, **storage_options: Any) -> None:
        """Save every pair as one snapshot file, as `Store.save` does."""
        await self._threads.call(self.sync.save, url, progress=progress, **storage_options)

    async def load(self, url: str | Path, *, progress: Progress = False, **storage_options: Any) -> None:
        """Replace the contents by those of a snapshot, as `Store.load` does."""
        await self._threads.call(self.sync.load, url, progress=progress, **storage_options)

    async def verify(self, *, fix: bool = False, progress: Progress = False) -> dict[K, Exception]:
        """Read every value, and return the error of each key whose value is damaged."""
        return await self._threads.call(self.sync.verify, fix=fix, progress=progress)

    async def ping(self) -> float:
        """Reach the engine, and return how many seconds its answer took."""
        return await self._calls.call(self.sync.ping)

    async def flush(self) -> None:
        """Wait until everything written so far is where the engine keeps it."""
        await self._calls.call(self.sync.flush)

    @property
    def closed(self) -> bool:
        """Whether the store was closed."""
        return self.sync.closed

    async def close(self) -> None:
        """Close the store, for both faces, and let the threads end. Closing twice is no error."""
        await self.release()
        if self.mode == "bridge":
            self.sync.close()
        else:
            await self._threads.call(self.sync.close)
            self._threads.stop()

    async def release(self) -> None:
        """Let the threads of this face end, and close what this event loop opened; the store stays open."""
        if self.mode == "bridge":
            for engine in self.sync.engines:
                if engine.loop_handles is not None:
                    await engine.loop_handles.release()
        self._threads.stop()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()


def _why_not(store: Store[Any, Any], threads: int | None) -> str:
    if threads is not None:
        return "it has no threads= of its own"
    if not can_bridge():
        return "it needs greenlet: pip install 'spoonbill-framework[async]'"
    others = [repr(engine) for engine in store.engines if not (engine.awaits or engine.never_waits)]
    return f"{', '.join(others)} cannot be waited for so: leave mode out, or write mode='threads'"


async def _read(given_ones: Any) -> Any:
    """Return what a store can iterate over: an asynchronous iterable as a list, anything else as it is."""
    if isinstance(given_ones, AsyncStore):
        return given_ones.sync
    if isinstance(given_ones, AsyncIterable):
        return [one async for one in given_ones]
    return given_ones


def _some(argument: Any) -> tuple[Any, ...]:
    return () if argument is MISSING else (argument,)


def _limited(limit: int | None) -> dict[str, Any]:
    """Return the option where it is given, so that a plain call asks for a view."""
    return {} if limit is None else {"limit": limit}


def _refuse_coroutine(verb: str, function: Any) -> None:
    if inspect.iscoroutinefunction(function):
        raise TypeError(f"{verb}() calls a function in a thread, and {function!r} is a coroutine function: await it")
