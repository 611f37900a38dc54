"""Files on S3 keep the whole contract in a bridge: the service's own loop works, and the caller's goes on."""

import asyncio
import os
import random
import time
import uuid

import fsspec.asyn
import pytest

from spoonbill import AsyncStore, Cached, Tiered
from spoonbill.aio import in_bridge
from spoonbill.backends import Filesystem
from spoonbill.common.bridging.other_loop import run_on
from spoonbill.datastores import FilesystemStore, InMemoryStore
from spoonbill.testing import AsyncContract, Bridged, StoreContract
from tests.servers import s3_server

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # aiobotocore's own

SERVER = {}


@pytest.fixture(scope="module", autouse=True)
def server(s3_url):
    SERVER.update(s3_server.storage_options(s3_url))


@pytest.fixture(autouse=True)
def nothing_blocks(monkeypatch):
    """A call that fsspec itself would wait for in a bridge blocks the loop."""
    faults = []
    sync = fsspec.asyn.sync

    def watched(loop, function, *arguments, **options):
        if in_bridge():
            faults.append(function)
        return sync(loop, function, *arguments, **options)

    monkeypatch.setattr(fsspec.asyn, "sync", watched)
    monkeypatch.setattr("spoonbill.filesystems.concurrent.sync", watched)
    yield
    assert faults == []


def place():
    return f"s3://{s3_server.BUCKET}/{uuid.uuid4().hex}/data"


LONG = "SPOONBILL_STORM" in os.environ
"""Whether what takes a minute is run too, as `make storm` does."""


class TestBackend(Bridged, StoreContract):
    """The whole contract in a bridge."""

    __test__ = LONG
    many = 210
    values = (b"one", b"two", b"", b"x" * 5000, b"\x00\xff")

    def make(self, path):
        return Filesystem(place(), **SERVER)


class TestFace(AsyncContract):
    """The contract of the asynchronous face."""

    __test__ = LONG
    values = (1, {"a": [1, None]}, "text", b"bytes", [1])

    def make(self, path):
        return FilesystemStore(place(), **SERVER)


def test_the_mode_follows_from_the_folder(tmp_path):
    """S3 is bridged, also in stacks; with copies on the disk, and on the disk alone, it goes by threads."""
    remote = Filesystem(place(), **SERVER)
    assert Cached(remote).aio.mode == Tiered(InMemoryStore(), remote).aio.mode == "bridge"
    assert Filesystem(place(), cache=tmp_path / "copies", **SERVER).aio.mode == "threads"
    assert Filesystem(tmp_path / "files").aio.mode == "threads"


def test_a_storm_of_cancellations():
    """Of many writes, many of them cut off, each that returned is there, and one that was cut off lands no later."""
    store = FilesystemStore(place(), **SERVER)

    async def main():
        face = store.aio
        tasks = [asyncio.create_task(face.set(str(number), number)) for number in range(60)]
        for task in random.sample(tasks, 30):
            await asyncio.sleep(random.random() / 200)
            task.cancel()
        told = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 120)
        assert all(one is None or isinstance(one, asyncio.CancelledError) for one in told)
        held = await face.copy()
        assert all(held[str(number)] == number for number, one in enumerate(told) if one is None)
        await asyncio.sleep(0.2)
        assert await face.copy() == held
        await face.close()

    asyncio.run(main())


def test_the_loop_goes_on():
    """The loop of the caller runs while the service answers."""
    store = FilesystemStore(place(), **SERVER)

    async def main():
        task = asyncio.create_task(store.aio.set("a", b"x" * 100_000))
        await asyncio.sleep(0)
        assert not task.done()
        await task
        await AsyncStore(store).close()

    asyncio.run(main())


def test_work_of_another_loop_is_waited_for_when_it_is_cut_off():
    """A coroutine of another loop is cancelled too, and its caller goes on when it has ended; also before it began."""
    loop, ended = fsspec.asyn.get_loop(), []

    async def work(seconds):
        try:
            await asyncio.sleep(seconds)
            return "done"
        finally:
            await asyncio.sleep(0.05)
            ended.append(seconds)

    async def main():
        assert await run_on(loop, work, 0.01) == "done"
        for pause in (0, 0.05):
            task = asyncio.create_task(run_on(loop, work, 60))
            await asyncio.sleep(pause)
            start = time.monotonic()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(task, 30)
            assert time.monotonic() - start < 30
        assert ended[1:] in ([60], [60, 60])
        with pytest.raises(ZeroDivisionError):
            await run_on(loop, divide)

    async def divide():
        return 1 / 0

    asyncio.run(main())
