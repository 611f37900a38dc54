"""Google Cloud Storage: writes under the condition of a generation, and pages of names."""

from collections.abc import Iterator
from typing import Any

from spoonbill.backends.filesystem_async import AsyncMedium
from spoonbill.backends.filesystem_medium import Info
from spoonbill.store import Guarantees, Limits


class GcsMedium(AsyncMedium):
    """A bucket, or a prefix in one."""

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
    _checked = False

    async def _call(self, method: str, url: str, path: str, **options: Any) -> Any:
        bucket, name, _ = self.fs.split_path(path)
        try:
            return await self.fs._call(method, url, bucket, name, **options)  # noqa: SLF001 - see AsyncMedium
        except FileNotFoundError as error:
            raise await self._proven(bucket, error) from error

    async def _proven(self, bucket: str, error: OSError) -> OSError:
        """Return the error of an absent key as it is, where the bucket is there: the service says 404 of both."""
        if not self._checked:
            try:
                await self.fs._call("GET", "b/{}/o", bucket, maxResults=1, json_out=True)  # noqa: SLF001
            except FileNotFoundError:
                return OSError(f"NoSuchBucket: there is no bucket {bucket}")
            self._checked = True
        return error

    async def _get(self, path: str, headers: dict[str, str] | None = None) -> tuple[bytes, str]:
        # The generation comes along in the reply, which a call of gcsfs's own would lose.
        reply, data = await self._call("GET", "b/{}/o/{}", path, alt="media", headers=headers or {})
        return data, reply["X-Goog-Generation"]

    async def aread(self, path: str) -> bytes:
        return (await self._get(path))[0]

    def read_part(self, path: str, start: int, stop: int) -> bytes:
        if start >= min(stop, self.info(path)["size"]):
            return b""
        return self.run(self._get, path, {"Range": f"bytes={start}-{stop - 1}"})[0]  # type: ignore[no-any-return]

    async def awrite(self, path: str, data: bytes) -> None:
        try:
            await self.fs._pipe_file(path, data)  # noqa: SLF001
        except FileNotFoundError as error:
            raise OSError(f"NoSuchBucket: nothing can be written to {path}") from error

    async def ainfo(self, path: str) -> Info:
        info: Info = await self._call("GET", "b/{}/o/{}", path, json_out=True)
        return {"name": path, "size": int(info["size"]), "generation": info["generation"], "type": "file"}

    async def aremove(self, path: str) -> bool:
        try:
            await self._call("DELETE", "b/{}/o/{}", path)
        except FileNotFoundError:
            return False
        self.fs.invalidate_cache(path.rpartition("/")[0])
        return True

    # -- in one step -------------------------------------------------------------------------------------------

    async def _put_if(self, path: str, data: bytes, generation: str) -> bool:
        """Write where the file is of this generation (0: where there is none); return whether it was.

        gcsfs itself knows only the condition that there is none.
        """
        from gcsfs.core import quote

        bucket, name, _ = self.fs.split_path(path)
        url = f"{self.fs._location}/upload/storage/v1/b/{quote(bucket)}/o"  # noqa: SLF001
        body, kind = _multipart(name, data)
        try:
            await self.fs._call(  # noqa: SLF001
                "POST", url, uploadType="multipart", headers=kind, data=body, ifGenerationMatch=generation
            )
        except FileNotFoundError as error:
            raise OSError(f"NoSuchBucket: nothing can be written to {path}") from error
        except FileExistsError:  # so gcsfs says 412
            return False
        self.fs.invalidate_cache(path.rpartition("/")[0])
        return True

    def create(self, path: str, data: bytes) -> bool:
        return self.run(self._put_if, path, data, "0")  # type: ignore[no-any-return]

    def swap(self, path: str, expected: bytes, data: bytes) -> bool:
        while True:
            try:
                held, generation = self.run(self._get, path)
            except FileNotFoundError:
                return False
            if held != expected:
                return False
            if self.run(self._put_if, path, data, generation):
                return True

    def take(self, path: str) -> bytes:
        while True:
            held, generation = self.run(self._get, path)
            try:
                self.run(self._call, "DELETE", "b/{}/o/{}", path, ifGenerationMatch=generation)
            except FileExistsError:  # so gcsfs says 412: it was written since it was read
                continue
            self.fs.invalidate_cache(path.rpartition("/")[0])
            return held  # type: ignore[no-any-return]

    def infos(self, stem: str) -> Iterator[list[Info]]:
        bucket, start, _ = self.fs.split_path(self.root + "/")
        arguments = {"prefix": f"{start.rstrip('/')}/{stem}".lstrip("/")}
        while True:
            try:
                page = self.run(self.fs._call, "GET", "b/{}/o", bucket, json_out=True, **arguments)  # noqa: SLF001
            except FileNotFoundError as error:
                raise OSError(f"NoSuchBucket: there is no bucket {bucket}") from error
            yield [
                {
                    "name": f"{bucket}/{one['name']}",
                    "size": int(one["size"]),
                    "generation": one["generation"],
                    "type": "file",
                }
                for one in page.get("items", ())
                if not one["name"].endswith("/")
            ]
            if not page.get("nextPageToken"):
                return
            arguments["pageToken"] = page["nextPageToken"]


def _multipart(name: str, data: bytes) -> tuple[bytes, dict[str, str]]:
    """Return the body of an upload in one request, and its header."""
    import json
    from uuid import uuid4

    mark = uuid4().hex  # no value holds it
    head = (
        f"--{mark}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{json.dumps({'name': name})}\r\n"
        f"--{mark}\r\nContent-Type: application/octet-stream\r\n\r\n"
    )
    body = head.encode() + data + f"\r\n--{mark}--".encode()
    return body, {"Content-Type": f'multipart/related; boundary="{mark}"'}
