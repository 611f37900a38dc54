"""A copy that is awaited: it runs in a thread, and ends between two batches where its task is cancelled."""

import asyncio
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final

from spoonbill.aio import AsyncStore
from spoonbill.transfer.report import Report

__all__ = ["awaited", "go_on"]


class _StoppedError(Exception):
    """The task that waits for a copy was cancelled."""


_cancelled: Final[ContextVar[threading.Event | None]] = ContextVar("spoonbill_transfer_cancelled", default=None)


def go_on() -> None:
    """End the copy of this thread where the task that waits for it was cancelled."""
    cancelled = _cancelled.get()
    if cancelled is not None and cancelled.is_set():
        raise _StoppedError


async def awaited(function: Callable[..., Report], source: Any, target: Any, **options: Any) -> Report:
    """Run a copy by the threads of the end that is an asynchronous face."""
    face = source if isinstance(source, AsyncStore) else target
    ends = [end.sync if isinstance(end, AsyncStore) else end for end in (source, target)]
    cancelled = threading.Event()

    def run() -> Report:
        _cancelled.set(cancelled)  # in the context of this call alone
        return function(*ends, **options)

    work = asyncio.ensure_future(face.run(run))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        cancelled.set()
        while not work.done():
            try:
                await asyncio.wait([work])
            except asyncio.CancelledError:
                continue
        if not work.cancelled():
            work.exception()  # seen: what matters is that the task was cancelled
        raise
