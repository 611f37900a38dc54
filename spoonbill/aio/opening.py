"""Opening a store by its address, for use with ``await``."""

import os
from typing import Any

from spoonbill.aio.store import AsyncStore
from spoonbill.aio.threads import Threads
from spoonbill.urls import open_store

__all__ = ["aopen"]


async def aopen(url: str | os.PathLike[str], **options: Any) -> AsyncStore[Any, Any]:
    """Open a store as `spoonbill.open` does, in a thread, and return its asynchronous face.

    Parameters
    ----------
    url : str
        As for `spoonbill.open`.
    **options
        As for `spoonbill.open`.

    Examples
    --------
    >>> import asyncio, spoonbill
    >>> async def main():
    ...     async with await spoonbill.aopen("memory:") as store:
    ...         await store.set("a", 1)
    ...         return await store.get("a")
    >>> asyncio.run(main())
    1
    """
    threads = Threads(1)
    try:
        return (await threads.call(open_store, url, **options)).aio
    finally:
        threads.stop()
