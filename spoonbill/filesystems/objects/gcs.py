"""Google Cloud Storage: writes under the condition of a generation, and pages of names."""

from collections.abc import Iterator
from typing import Any

from spoonbill.filesystems.concurrent import sends_once
from spoonbill.filesystems.folder import Info
from spoonbill.filesystems.objects.conditional import ConditionalFolder


class GcsFolder(ConditionalFolder):
    """A bucket, or a prefix in one."""

    in_order = True
    _checked = False

    async def _call(self, method: str, url: str, path: str, **options: Any) -> Any:
        bucket, name, _ = self.fs.split_path(path)
        try:
            return await self.fs._call(method, url, bucket, name, **options)  # noqa: SLF001 - see AsyncFolder
        except FileNotFoundError as error:
            raise await self._prove_absence(bucket, error) from error

    async def _once(self, method: str, url: str, *parts: str, **options: Any) -> None:
        """Send a request that is not safe to repeat: without the repetitions of gcsfs, and of aiohttp below it."""
        await self.fs._set_session()  # noqa: SLF001
        sends_once(self.fs.session)
        await type(self.fs)._request.__wrapped__(self.fs, method, url, *parts, **options)  # noqa: SLF001

    async def _delete(self, path: str, **condition: str) -> None:
        bucket, name, _ = self.fs.split_path(path)
        try:
            await self._once("DELETE", "b/{}/o/{}", bucket, name, **condition)
        except FileNotFoundError as error:
            raise await self._prove_absence(bucket, error) from error

    async def _prove_absence(self, bucket: str, error: OSError) -> OSError:
        """Return the error of an absent key as it is, where the bucket is there: the service says 404 of both."""
        if not self._checked:
            try:
                await self.fs._call("GET", "b/{}/o", bucket, maxResults=1, json_out=True)  # noqa: SLF001
            except FileNotFoundError:
                return OSError(f"NoSuchBucket: there is no bucket {bucket}")
            self._checked = True
        return error

    async def fetch(self, path: str, headers: dict[str, str] | None = None) -> tuple[bytes, str]:
        # The generation comes along in the reply, which a call of gcsfs's own would lose.
        reply, data = await self._call("GET", "b/{}/o/{}", path, alt="media", headers=headers or {})
        return data, reply["X-Goog-Generation"]

    def read_part(self, path: str, start: int, stop: int) -> bytes:
        if start >= min(stop, self.info(path)["size"]):
            return b""
        return self.run(self.fetch, path, {"Range": f"bytes={start}-{stop - 1}"})[0]  # type: ignore[no-any-return]

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
            await self.patiently(self._delete, path)
        except FileNotFoundError:
            return False
        self.fs.invalidate_cache(path.rpartition("/")[0])
        return True

    # -- in one step -------------------------------------------------------------------------------------------

    async def put_if(self, path: str, data: bytes, mark: str | None) -> bool:
        # gcsfs itself knows only the condition that there is no object, which is the generation 0.
        from gcsfs.core import quote

        bucket, name, _ = self.fs.split_path(path)
        url = f"{self.fs._location}/upload/storage/v1/b/{quote(bucket)}/o"  # noqa: SLF001
        body, kind = _multipart(name, data)
        try:
            await self._once(
                "POST", url, uploadType="multipart", headers=kind, data=body, ifGenerationMatch=mark or "0"
            )
        except FileNotFoundError as error:
            raise OSError(f"NoSuchBucket: nothing can be written to {path}") from error
        except FileExistsError:  # so gcsfs says 412
            return False
        return True

    async def delete_if(self, path: str, mark: str) -> bool:
        try:
            await self._delete(path, ifGenerationMatch=mark)
        except FileExistsError:  # so gcsfs says 412
            return False
        return True

    def infos(self, stem: str) -> Iterator[list[Info]]:
        return self._infos(stem)

    def infos_after(self, stem: str, after: str) -> Iterator[list[Info]]:
        return self._infos(stem, **({"startOffset": self.fs.split_path(self.path(after))[1]} if after else {}))

    def _infos(self, stem: str, **arguments: str) -> Iterator[list[Info]]:
        bucket, arguments["prefix"] = self.place_of(stem)
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
