"""A service that writes and deletes under a condition: what every such one does with its conditions."""

import asyncio
import random
from typing import Any

from spoonbill.common.traits import Guarantees, Limits
from spoonbill.filesystems.concurrent import ConcurrentFolder
from spoonbill.filesystems.errors import is_not_done

_PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
"""Seconds before what a service turned away is sent again."""


class ConditionalFolder(ConcurrentFolder):
    """An object store whose objects have marks (etags, generations); a service writes the hooks below.

    A conditional request is sent once: the repetition of one whose answer was lost would meet its own effect, and take
    it for somebody else's. So the hooks go round the repetitions of the clients, and only what surely was not done is
    sent again, here.
    """

    atomic = frozenset({"add", "replace", "pop"})
    limits = Limits(key_bytes=1024)
    guarantees = Guarantees(
        threads="safe",
        processes="safe: a reader sees the old value or the new one, whole",
        fork="safe: the child opens its own connections",
        crash="what the service acknowledged is stored",
        iteration="the service's pages, each as of when the loop came to it",
        atomic="add, replace and pop: for everyone, by the service's conditional requests",
    )

    def place_of(self, stem: str) -> tuple[str, str]:
        """Return the bucket, and what the names in it begin with where they begin with `stem` here.

        The root is taken as it stands: ``bucket//folder`` is another folder than ``bucket/folder``.
        """
        bucket: str = self.fs.split_path(self.path("x"))[0]
        return bucket, self.path(stem)[len(bucket) + 1 :]

    # -- what a service writes ---------------------------------------------------------------------------------

    async def fetch(self, path: str) -> tuple[bytes, str]:
        """Return what the object holds and its mark, in one request."""
        raise NotImplementedError

    async def put_if(self, path: str, data: bytes, mark: str | None) -> bool:
        """Write where the object has this mark, or with None where there is no object; return whether it was so."""
        raise NotImplementedError

    async def delete_if(self, path: str, mark: str) -> bool:
        """Delete where the object has this mark; return whether it had. Absence may be a FileNotFoundError."""
        raise NotImplementedError

    # -- what follows from it ----------------------------------------------------------------------------------

    async def aread(self, path: str) -> bytes:
        # One request, where fsspec's filesystems send two or more: parts of one read could be of different values.
        return (await self.fetch(path))[0]

    def create(self, path: str, data: bytes) -> bool:
        return self._change(self.put_if, path, data, None)

    def swap(self, path: str, expected: bytes, data: bytes) -> bool:
        while True:
            try:
                value, mark = self.run(self.fetch, path)
            except FileNotFoundError:
                return False
            if value != expected:
                return False
            if self._change(self.put_if, path, data, mark):
                return True

    def take(self, path: str) -> bytes:
        while True:
            value, mark = self.run(self.fetch, path)
            if self._change(self.delete_if, path, mark):
                return value  # type: ignore[no-any-return]

    async def patiently(self, hook: Any, *arguments: Any) -> Any:
        """Call what sends one request, again with growing pauses where the service surely has not done it."""
        for pause in _PAUSES:
            try:
                return await hook(*arguments)
            except Exception as error:
                if not is_not_done(error):
                    raise
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - so that clients do not come all at once
        return await hook(*arguments)

    def _change(self, hook: Any, path: str, *arguments: Any) -> bool:
        done: bool = self.run(self.patiently, hook, path, *arguments)
        if done:
            self.fs.invalidate_cache(path.rpartition("/")[0])
        return done
