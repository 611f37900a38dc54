"""A service that writes and deletes under a condition: what every such one does with its conditions."""

from typing import Any

from spoonbill.common.traits import Guarantees, Limits
from spoonbill.filesystems.concurrent import ConcurrentFolder


class ConditionalFolder(ConcurrentFolder):
    """An object store whose objects have marks (etags, generations); a service writes the three hooks below."""

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

    # -- what a service writes ---------------------------------------------------------------------------------

    async def held(self, path: str) -> tuple[bytes, str]:
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
        return (await self.held(path))[0]

    def create(self, path: str, data: bytes) -> bool:
        return self._changed(self.put_if, path, data, None)

    def swap(self, path: str, expected: bytes, data: bytes) -> bool:
        while True:
            try:
                value, mark = self.run(self.held, path)
            except FileNotFoundError:
                return False
            if value != expected:
                return False
            if self._changed(self.put_if, path, data, mark):
                return True

    def take(self, path: str) -> bytes:
        while True:
            value, mark = self.run(self.held, path)
            if self._changed(self.delete_if, path, mark):
                return value  # type: ignore[no-any-return]

    def _changed(self, hook: Any, path: str, *arguments: Any) -> bool:
        done: bool = self.run(hook, path, *arguments)
        if done:
            self.fs.invalidate_cache(path.rpartition("/")[0])
        return done
