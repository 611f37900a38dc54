"""A store whose every verb goes by the asynchronous face of the store below."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from spoonbill.common.generics import K, V
from spoonbill.store import Layer, Store
from spoonbill.store.binding import bind_each

__all__ = ["Awaited"]

_LISTINGS = frozenset({"iter", "entries"})
_SYNCHRONOUS = frozenset({"canonical", "select", "plan", "split"})  # no verbs of the asynchronous face


class Awaited(Layer[K, V]):
    """A layer that awaits ``store.aio`` for each call, in an event loop of its own, so that any test runs through it.

    ::

        class TestMyStoreAwaited(StoreContract):
            def make(self, path):
                return Awaited(MyStore(path / "data"))

    Parameters
    ----------
    store : Store
        Any store.
    """

    def __init__(self, store: Store[Any, Any]) -> None:
        super().__init__(store)
        face = store.aio

        def wrapped(verb: str, _: Callable[..., Any]) -> Callable[..., Any]:
            if verb in _LISTINGS:
                results = face.keys if verb == "iter" else face.items
                return lambda: _each(aiter(results()))
            awaited = getattr(face, verb)

            def call(*arguments: Any, **options: Any) -> Any:
                return asyncio.run(awaited(*arguments, **options))

            return call

        bind_each(self, wrapped, because="awaited", leave=_SYNCHRONOUS)


def _each(results: AsyncIterator[Any]) -> Iterator[Any]:
    with asyncio.Runner() as runner:
        while True:
            try:
                one = runner.run(_next(results))
            except StopAsyncIteration:
                return
            yield one


async def _next(results: AsyncIterator[Any]) -> Any:
    return await anext(results)
