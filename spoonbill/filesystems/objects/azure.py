"""Azure Blob Storage: writes under the condition of an etag, and pages of names."""

from collections.abc import Iterator
from typing import Any

from spoonbill.filesystems.concurrent import sends_once
from spoonbill.filesystems.errors import codes_of, status_of
from spoonbill.filesystems.folder import Info
from spoonbill.filesystems.objects.conditional import ConditionalFolder


class AzureFolder(ConditionalFolder):
    """A container, or a prefix in one."""

    async def _on_blob(self, path: str, method: str, *arguments: Any, **options: Any) -> Any:
        """Call a method of the blob's own client, since adlfs passes on no conditions."""
        container, name, _ = self.fs.split_path(path)
        async with self.fs.service_client.get_blob_client(container=container, blob=name) as blob:
            try:
                return await getattr(blob, method)(*arguments, **options)
            except Exception as error:
                if status_of(error) == 404 and "ContainerNotFound" not in codes_of(error):
                    raise FileNotFoundError(path) from error
                raise

    async def _once(self, path: str, method: str, *arguments: Any, **options: Any) -> Any:
        """Call a method that is not safe to repeat: without the client's repetitions, and those of aiohttp below it."""
        transport = self.fs.service_client._pipeline._transport  # noqa: SLF001 - there is no option for it
        await transport.open()
        sends_once(transport.session)
        return await self._on_blob(path, method, *arguments, retry_total=0, **options)

    async def fetch(self, path: str, **span: int) -> tuple[bytes, str]:
        stream = await self._on_blob(path, "download_blob", **span)
        return await stream.readall(), stream.properties.etag

    def read_part(self, path: str, start: int, stop: int) -> bytes:
        if start >= min(stop, self.info(path)["size"]):
            return b""
        return self.run(self.fetch, path, offset=start, length=stop - start)[0]  # type: ignore[no-any-return]

    async def awrite(self, path: str, data: bytes) -> None:
        await self._on_blob(path, "upload_blob", data, overwrite=True)
        self.fs.invalidate_cache(path.rpartition("/")[0])

    async def ainfo(self, path: str) -> Info:
        found = await self._on_blob(path, "get_blob_properties")
        return {"name": path, "size": found.size, "etag": found.etag, "type": "file"}

    async def aremove(self, path: str) -> bool:
        try:
            await self.patiently(self._once, path, "delete_blob")
        except FileNotFoundError:
            return False
        self.fs.invalidate_cache(path.rpartition("/")[0])
        return True

    # -- in one step -------------------------------------------------------------------------------------------

    async def put_if(self, path: str, data: bytes, mark: str | None) -> bool:
        if mark is not None:
            return await self._call_if_unchanged(path, mark, "upload_blob", data, overwrite=True)
        try:
            await self._once(path, "upload_blob", data, overwrite=False)
        except Exception as error:
            if status_of(error) == 409 and "BlobAlreadyExists" in codes_of(error):
                return False
            raise
        return True

    async def delete_if(self, path: str, mark: str) -> bool:
        return await self._call_if_unchanged(path, mark, "delete_blob")

    async def _call_if_unchanged(self, path: str, etag: str, method: str, *arguments: Any, **options: Any) -> bool:
        """Call a method where the blob still has this etag; return whether it had."""
        from azure.core import MatchConditions

        unchanged = MatchConditions.IfNotModified
        try:
            await self._once(path, method, *arguments, etag=etag, match_condition=unchanged, **options)
        except FileNotFoundError:
            return False
        except Exception as error:
            if status_of(error) == 412:
                return False
            raise
        return True

    def infos(self, stem: str) -> Iterator[list[Info]]:
        container, start = self.place_of(stem)
        arguments: dict[str, Any] = {"prefix": start, "token": None}
        while True:
            page, token = self.run(self._page, container, **arguments)
            yield [
                {"name": f"{container}/{one.name}", "size": one.size, "etag": one.etag, "type": "file"}
                for one in page
                if not one.name.endswith("/")
            ]
            if not token:
                return
            arguments["token"] = token

    async def _page(self, container: str, prefix: str, token: str | None) -> tuple[list[Any], str | None]:
        async with self.fs.service_client.get_container_client(container=container) as client:
            pages = client.list_blobs(name_starts_with=prefix).by_page(continuation_token=token)
            async for page in pages:
                return [one async for one in page], pages.continuation_token
        return [], None
