"""A filesystem that does many things at once: a batch is many requests in flight, bounded, answered in order."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import partial
from typing import Any

from fsspec.asyn import sync

from spoonbill.common.bridging.bridge import in_bridge, wait_for
from spoonbill.common.bridging.other_loop import run_on
from spoonbill.common.failures import came_from_outside, raise_alone
from spoonbill.common.sentinels import MISSING
from spoonbill.common.traits import Guarantees
from spoonbill.filesystems.folder import Folder, Info

CONCURRENCY = 64
"""How many requests of one batch run at a time."""


class ConcurrentFolder(Folder):
    """An asynchronous filesystem of fsspec, driven from its own loop."""

    serial = False
    guarantees = Guarantees(
        threads="safe",
        processes="safe: a reader sees the old value or the new one, whole",
        fork="safe: the child opens its own connections",
        crash="what the service acknowledged is stored",
        iteration="the service's pages, each as of when the loop came to it",
        atomic="between the threads of this process; not between processes",
    )

    def run(self, function: Callable[..., Awaitable[Any]], *arguments: Any, **options: Any) -> Any:
        """Run a coroutine on the filesystem's loop, in a thread of its own, and wait for it."""
        if in_bridge():
            return wait_for(run_on(self.fs.loop, partial(function, **options), *arguments))
        return sync(self.fs.loop, function, *arguments, **options)

    async def aread(self, path: str) -> bytes:
        """Return what the file holds, in one request."""
        return await self.fs._cat_file(path)  # type: ignore[no-any-return] # noqa: SLF001 - how fsspec names its coroutines

    async def awrite(self, path: str, data: bytes) -> None:
        """Replace the file."""
        await self.fs._pipe_file(path, data)  # noqa: SLF001

    async def aremove(self, path: str) -> bool:
        """Remove a file; return whether it was there."""
        try:
            await self.fs._rm_file(path)  # noqa: SLF001
        except FileNotFoundError:
            return False
        return True

    async def amove(self, source: str, target: str) -> None:
        """Copy a file inside the service, and remove the old one."""
        await self.fs._cp_file(source, target)  # noqa: SLF001
        await self.aremove(source)

    async def ainfo(self, path: str) -> Info:
        """Return what is known about a file without reading it."""
        self.fs.invalidate_cache(path.rpartition("/")[0])
        info: Info = await self.fs._info(path)  # noqa: SLF001
        if info["type"] != "file":
            raise FileNotFoundError(path)
        return info

    def read(self, path: str) -> bytes:
        return self.run(self.aread, path)  # type: ignore[no-any-return]

    def read_part(self, path: str, start: int, stop: int) -> bytes:
        size = self.info(path)["size"]
        if start >= min(stop, size):
            return b""
        return self.run(self.fs._cat_file, path, start=start, end=min(stop, size))  # type: ignore[no-any-return] # noqa: SLF001

    def info(self, path: str) -> Info:
        return self.run(self.ainfo, path)  # type: ignore[no-any-return]

    def write(self, path: str, data: bytes) -> None:
        self.run(self.awrite, path, data)

    def move(self, source: str, target: str) -> None:
        self.run(self.amove, source, target)

    def remove(self, path: str) -> bool:
        return self.run(self.aremove, path)  # type: ignore[no-any-return]

    def read_many(self, paths: list[str]) -> list[Any]:
        found = self.gather(self.aread, ((path,) for path in paths))
        return [MISSING if isinstance(one, FileNotFoundError) else one for one in found]

    def write_many(self, files: dict[str, bytes]) -> list[Any]:
        return [one if isinstance(one, Exception) else None for one in self.gather(self.awrite, files.items())]

    def move_many(self, pairs: list[tuple[str, str]]) -> None:
        raise_first(self.gather(self.amove, pairs))

    def remove_many(self, paths: list[str]) -> int:
        return sum(raise_first(self.gather(self.aremove, ((path,) for path in paths))))

    def drop_many(self, paths: list[str]) -> None:
        self.remove_many(paths)

    def copy_many(self, source: Folder, pairs: list[tuple[str, str]]) -> None:  # noqa: ARG002 - the paths are whole
        raise_first(self.gather(self.fs._cp_file, pairs))  # noqa: SLF001

    def keep_many(self, pairs: list[tuple[str, str]]) -> None:
        found = self.gather(self.fs._cp_file, pairs)  # noqa: SLF001
        raise_first([one for one in found if not isinstance(one, FileNotFoundError)])  # removed meanwhile

    def gather(self, function: Callable[..., Awaitable[Any]], calls: Iterable[tuple[Any, ...]]) -> list[Any]:
        """Return for each call its result or its error, in order; `CONCURRENCY` of them run at a time.

        When it raises, as for Ctrl-C, none of the calls is under way any more.
        """
        calls = list(calls)
        waiting = enumerate(calls)
        ended = threading.Event()
        try:
            return self.run(_in_flight, function, waiting, len(calls), ended)  # type: ignore[no-any-return]
        except BaseException as error:
            if in_bridge() or not came_from_outside(error):  # in a bridge `run` has waited until all have ended
                raise
            for _ in waiting:  # take what no worker has taken yet
                pass
            ended.wait()
            raise


async def _in_flight(
    function: Callable[..., Awaitable[Any]],
    waiting: Iterator[tuple[int, tuple[Any, ...]]],
    count: int,
    ended: threading.Event,
) -> list[Any]:
    results: list[Any] = [None] * count

    async def work() -> None:
        for position, arguments in waiting:  # shared: each worker takes the next call
            try:
                results[position] = await function(*arguments)
            except Exception as error:
                results[position] = error

    try:
        await asyncio.gather(*(work() for _ in range(min(CONCURRENCY, count))))
    finally:
        ended.set()
    return results


def sends_once(session: Any) -> Any:
    """Return a session of aiohttp that leaves repeating to who knows whether it is safe; by itself it repeats PUT."""
    session._retry_connection = False  # noqa: SLF001 - there is no option for it
    return session


def raise_first(results: list[Any]) -> list[Any]:
    """Return `results`, or raise the first error among them."""
    for one in results:
        if isinstance(one, Exception):
            raise_alone(one)
    return results
