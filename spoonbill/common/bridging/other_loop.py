"""Work of another event loop's thread, awaited until it has ended."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

__all__ = ["run_on"]


async def run_on(loop: asyncio.AbstractEventLoop, function: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
    """Run a coroutine on the loop of another thread, and return what it returns.

    Where the caller is cancelled the coroutine is too, and is waited for: what it sends never lands later than that.
    """
    here = asyncio.get_running_loop()
    ended: asyncio.Future[None] = here.create_future()
    begun: list[asyncio.Future[Any]] = []

    def begin() -> None:
        begun.append(asyncio.ensure_future(function(*arguments), loop=loop))
        begun[0].add_done_callback(tell)

    def settle() -> None:
        if not ended.done():
            ended.set_result(None)

    def tell(_: "asyncio.Future[Any]") -> None:
        with suppress(RuntimeError):  # that loop is closed
            here.call_soon_threadsafe(settle)

    loop.call_soon_threadsafe(begin)
    cancelled: asyncio.CancelledError | None = None
    while not ended.done():
        try:
            await asyncio.wait([ended])
        except asyncio.CancelledError as error:
            cancelled = error
            loop.call_soon_threadsafe(lambda: begun[0].cancel())  # noqa: PLW0108 - it may not have begun yet
    if cancelled is None:
        return begun[0].result()
    if not begun[0].cancelled():
        begun[0].exception()  # seen: what matters is that the caller was cancelled
    try:
        raise cancelled
    finally:
        del cancelled
