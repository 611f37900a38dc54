"""S3 and what speaks like it: conditional writes, pages of a thousand names, bulk deletes."""

import asyncio
from collections.abc import Iterator
from typing import Any

from aiobotocore.httpsession import AIOHTTPSession

from spoonbill.common.batching import batches
from spoonbill.common.boto import never_repeats, once
from spoonbill.filesystems.concurrent import raise_first, sends_once
from spoonbill.filesystems.errors import codes_of, status_of
from spoonbill.filesystems.folder import Folder, Info
from spoonbill.filesystems.objects.conditional import ConditionalFolder

_MOST = 1000
"""Names in one bulk delete."""
_PAUSE = 0.05
_DIRECTORY_BUCKET = "--x-s3"


class _Session(AIOHTTPSession):  # type: ignore[misc] # it has no types
    """The client's way to send, without the repetitions that aiohttp makes by itself."""

    async def _get_session(self, proxy_url: Any) -> Any:
        return sends_once(await super()._get_session(proxy_url))


class S3Folder(ConditionalFolder):
    """A bucket, or a prefix in one."""

    awaits = True

    def __init__(self, url: str, options: dict[str, Any]) -> None:
        configuration = {"max_pool_connections": 64, "http_session_cls": _Session, **options.get("config_kwargs", {})}
        super().__init__(url, {**options, "config_kwargs": configuration})
        self._checked = False

    async def _call(self, method: str, path: str, **arguments: Any) -> Any:
        bucket, name, _ = self.fs.split_path(path)
        try:
            return await self.fs._call_s3(method, Bucket=bucket, Key=name, **arguments)  # noqa: SLF001 - see AsyncFolder
        except FileNotFoundError as error:
            raise await self._prove_absence(bucket, error) from error

    async def _call_once(self, method: str, path: str, **arguments: Any) -> None:
        """Call a method that is not safe to repeat: s3fs repeats every call, and the client below it too."""
        from s3fs.errors import translate_boto_error

        bucket, name, _ = self.fs.split_path(path)
        await self.fs.set_session()
        client = await self.fs.get_s3(bucket)
        never_repeats(client)
        call = getattr(client, method)
        options = self.fs._get_s3_method_kwargs(call, Bucket=bucket, Key=name, **arguments)  # noqa: SLF001
        try:
            with once():
                await call(**options)
        except Exception as error:
            raised = translate_boto_error(error)
            if isinstance(raised, FileNotFoundError):
                raised = await self._prove_absence(bucket, raised)
            raise raised from error

    async def _prove_absence(self, bucket: str, error: OSError) -> OSError:
        """Return the error of an absent key as it is, where the bucket is there; a HEAD does not tell them apart."""
        if "NoSuchBucket" in codes_of(error):
            return OSError(f"NoSuchBucket: there is no bucket {bucket}")
        if codes_of(error) == {"404"} and not self._checked:
            try:
                await self.fs._call_s3("head_bucket", Bucket=bucket)  # noqa: SLF001
            except FileNotFoundError:
                return OSError(f"NoSuchBucket: there is no bucket {bucket}")
            self._checked = True
        return error

    async def fetch(self, path: str, **arguments: Any) -> tuple[bytes, str]:
        reply = await self._call("get_object", path, **arguments)
        try:
            return await reply["Body"].read(), reply["ETag"]
        finally:
            reply["Body"].close()

    def read_part(self, path: str, start: int, stop: int) -> bytes:
        if start >= stop:
            self.info(path)  # an absent key is an error here too
            return b""
        try:
            return self.run(self.fetch, path, Range=f"bytes={start}-{stop - 1}")[0]  # type: ignore[no-any-return]
        except OSError as error:
            if "InvalidRange" in codes_of(error):  # it begins behind the end
                return b""
            raise

    async def awrite(self, path: str, data: bytes) -> None:
        try:
            await self.fs._pipe_file(path, data)  # noqa: SLF001
        except FileNotFoundError as error:
            raise OSError(f"{', '.join(codes_of(error))}: {error}") from error

    async def ainfo(self, path: str) -> Info:
        reply = await self._call("head_object", path)
        return {"name": path, "size": reply["ContentLength"], "ETag": reply["ETag"], "type": "file"}

    async def aremove(self, path: str) -> bool:
        try:
            await self._call("head_object", path)  # a DELETE does not tell whether there was something
        except FileNotFoundError:
            return False
        await self._call("delete_object", path)
        self.fs.invalidate_cache(path)
        return True

    # -- in one step -------------------------------------------------------------------------------------------

    async def put_if(self, path: str, data: bytes, mark: str | None) -> bool:
        condition = {"IfNoneMatch": "*"} if mark is None else {"IfMatch": mark}
        while True:
            try:
                await self._call_once("put_object", path, Body=data, **condition)
            except FileNotFoundError:  # If-Match, and nothing there
                return False
            except OSError as error:
                if status_of(error) == 409:  # another conditional write is under way: S3 asks to come again
                    await asyncio.sleep(_PAUSE)
                    continue
                if status_of(error) == 412:
                    return False
                raise
            return True

    async def delete_if(self, path: str, mark: str) -> bool:
        try:
            await self._call_once("delete_object", path, IfMatch=mark)
        except FileNotFoundError:
            raise
        except OSError as error:
            if status_of(error) in {409, 412}:  # it was written, or taken, since it was read
                return False
            raise
        return True

    # -- many --------------------------------------------------------------------------------------------------

    def remove_many(self, paths: list[str]) -> int:
        found = self.gather(self.ainfo, ((path,) for path in paths))
        there = [path for path, one in zip(paths, found, strict=True) if not isinstance(one, FileNotFoundError)]
        raise_first([one for one in found if not isinstance(one, FileNotFoundError)])
        self.drop_many(there)
        return len(there)

    def drop_many(self, paths: list[str]) -> None:
        raise_first(self.gather(self._drop, ((batch,) for batch in batches(paths, _MOST))))

    async def _drop(self, paths: list[str]) -> None:
        bucket = self.fs.split_path(paths[0])[0]
        names = [{"Key": self.fs.split_path(path)[1]} for path in paths]
        reply = await self.fs._call_s3("delete_objects", Bucket=bucket, Delete={"Objects": names, "Quiet": True})  # noqa: SLF001
        self.fs.invalidate_cache(self.root)
        for refused in reply.get("Errors", ()):
            raise OSError(f"{refused.get('Code')} on {refused.get('Key')}: {refused.get('Message')}")

    def move_many(self, pairs: list[tuple[str, str]]) -> None:
        self.copy_many(self, pairs)
        self.drop_many([source for source, _ in pairs])

    def copy_many(self, source: Folder, pairs: list[tuple[str, str]]) -> None:
        super().copy_many(source, pairs)
        self.fs.invalidate_cache(self.root)

    @property
    def in_order(self) -> bool:  # type: ignore[override]
        """A directory bucket lists in no order, and a control character is no place where a listing can begin."""
        bucket = self.fs.split_path(self.root)[0]
        return self.root.isprintable() and not bucket.endswith(_DIRECTORY_BUCKET)

    def infos(self, stem: str) -> Iterator[list[Info]]:
        return self._infos(stem)

    def infos_after(self, stem: str, after: str) -> Iterator[list[Info]]:
        start = self.fs.split_path(self.path(after))[1]
        return self._infos(stem, **({"StartAfter": start} if after else {}))

    def _infos(self, stem: str, **arguments: Any) -> Iterator[list[Info]]:
        bucket, start = self.place_of(stem)
        arguments |= {"Bucket": bucket, "Prefix": start}
        while True:
            try:
                page = self.run(self.fs._call_s3, "list_objects_v2", **arguments)  # noqa: SLF001
            except FileNotFoundError as error:
                raise OSError(f"NoSuchBucket: there is no bucket {bucket}") from error
            found = page.get("Contents", ())
            yield [
                {"name": f"{bucket}/{one['Key']}", "size": one["Size"], "ETag": one["ETag"], "type": "file"}
                for one in found
                if not one["Key"].endswith("/")  # a folder that a console has drawn
            ]
            if not page.get("IsTruncated"):
                return
            arguments["ContinuationToken"] = page["NextContinuationToken"]
