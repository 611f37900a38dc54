"""Stores for the time that an ASGI application runs."""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

from spoonbill.aio import AsyncStore, aopen
from spoonbill.store import Store

__all__ = ["lifespan"]

Opened = str | Store[Any, Any] | AsyncStore[Any, Any]
"""An address, a store, or an asynchronous face."""


def lifespan(
    **stores: Opened | Callable[[], Opened],
) -> Callable[[Any], AbstractAsyncContextManager[Mapping[str, AsyncStore[Any, Any]]]]:
    """Return the ``lifespan`` of an ASGI application, such as Starlette and FastAPI take: it opens and closes stores.

    Each is closed when the application ends, the last one first, whatever the others raise. A handler finds it by
    its name in ``request.state``.

    Parameters
    ----------
    **stores : str, Store, AsyncStore, or a function that returns one of them
        For each name what to open. A function is called when the application starts, so that workers that were forked
        open their own.

    Examples
    --------
    ::

        app = FastAPI(lifespan=lifespan(people="redis://localhost/0?cache=1000", files=lambda: S3Store("s3://bucket")))

        @app.get("/people/{name}")
        async def person(name: str, request: Request):
            return await request.state.people.get(name)
    """

    @asynccontextmanager
    async def opened(_application: Any) -> AsyncGenerator[Mapping[str, AsyncStore[Any, Any]], None]:
        async with AsyncExitStack() as stack:
            faces = {}
            for name, given in stores.items():
                faces[name] = await stack.enter_async_context(await _face(given))
            yield faces

    return opened


async def _face(given: Opened | Callable[[], Opened]) -> AsyncStore[Any, Any]:
    one = given if isinstance(given, (str, Store, AsyncStore)) else given()
    if isinstance(one, str):
        return await aopen(one)
    return one if isinstance(one, AsyncStore) else AsyncStore(one)
