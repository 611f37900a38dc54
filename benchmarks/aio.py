"""What it costs to await a store: ratios of processor time against raw clients, threads and another library.

Each row runs two coroutines in turn in one event loop, round after round, and reports the ratio of the medians of the
processor time of the rounds: what servers and neighbours do does not count. The results are written to
benchmarks/aio.json. Run it from the repository's root: ``python benchmarks/aio.py``.
"""

import asyncio
import gc
import os
import signal
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psycopg
import redis.asyncio
import timing
from key_value.aio.stores.redis import RedisStore as TheirRedisStore
from pymongo import AsyncMongoClient

sys.path.insert(0, str(Path(__file__).parents[1]))

from spoonbill import AsyncStore, Cached
from spoonbill.common.bridging.bridge import drive
from spoonbill.datastores import InMemoryStore, MongoDBStore, PostgresStore, RedisStore
from tests.servers.mongodb_server import mongodb_server
from tests.servers.postgresql_server import PostgresServer
from tests.servers.redis_server import server, url

Call = Callable[[], Awaitable[Any]]
ROUNDS = 15


async def one_by_one(call: Call, count: int) -> None:
    for _ in range(count):
        await call()


async def at_once(call: Call, count: int) -> None:
    await asyncio.gather(*(call() for _ in range(count)))


async def ratio(ours: Call, theirs: Call, way: Callable[[Call, int], Awaitable[None]], count: int) -> float:
    """Return our processor time over theirs."""
    times: dict[Call, list[float]] = {ours: [], theirs: []}
    for number in range(ROUNDS + 1):
        for call in (ours, theirs) if number % 2 else (theirs, ours):
            gc.collect()
            start = time.process_time()
            await way(call, count)
            times[call].append(time.process_time() - start)
    mine, raw = (statistics.median(found[1:]) for found in times.values())
    return mine / raw


async def no_server() -> timing.Rows:
    start = time.process_time()
    await one_by_one(lambda: drive(int), 50_000)
    rows = {"a call that does nothing, in a bridge, microseconds": ((time.process_time() - start) * 20, 5.0)}
    store = Cached(InMemoryStore({"a": {"n": 1}}))
    bridge, threads = store.aio, AsyncStore(store, mode="threads")
    found = await ratio(lambda: bridge.get("a"), lambda: threads.get("a"), one_by_one, 1000)
    await threads.release()
    return {**rows, "a hit in Cached: bridge over threads": (found, 1 / 8)}


async def with_redis(address: str, port: int) -> timing.Rows:
    store, documents = RedisStore(address), RedisStore(address, prefix="d:", codec="json")
    client = redis.asyncio.Redis(port=port, decode_responses=True)
    # The pool that it makes itself refuses more than 100 calls at once.
    pool = redis.asyncio.BlockingConnectionPool(port=port, max_connections=64, timeout=None, decode_responses=True)
    theirs = TheirRedisStore(client=redis.asyncio.Redis(connection_pool=pool))
    bridge, threads = store.aio, AsyncStore(store, mode="threads")
    await bridge.set("a", "v" * 100)
    await documents.aio.set("a", {"name": "ada", "age": 36})
    await theirs.put("a", {"name": "ada", "age": 36})

    def ours() -> Awaitable[Any]:
        return bridge.get("a")

    rows = {
        "Redis, gets one after another: bridge over redis.asyncio": (
            await ratio(ours, lambda: client.get("a"), one_by_one, 500),
            0.5,
        ),
        "Redis, 1,000 gets at once: bridge over threads": (
            await ratio(ours, lambda: threads.get("a"), at_once, 1000),
            0.5,
        ),
        "Redis, 1,000 documents at once: bridge over py-key-value": (
            await ratio(lambda: documents.aio.get("a"), lambda: theirs.get("a"), at_once, 1000),
            0.5,
        ),
    }
    await client.aclose()
    await theirs.close()
    await pool.disconnect()
    await bridge.close()
    await documents.aio.close()
    return rows


async def with_mongodb(port: int) -> timing.Rows:
    store = MongoDBStore(f"mongodb://127.0.0.1:{port}/", "tests", "raw")
    client: AsyncMongoClient[Any] = AsyncMongoClient(port=port)
    collection = client["tests"]["raw"]
    await store.aio.set("a", {"name": "ada", "age": 36})
    found = await ratio(lambda: store.aio.get("a"), lambda: collection.find_one({"_id": "a"}), one_by_one, 200)
    await client.close()
    await store.aio.close()
    return {"MongoDB, gets one after another: bridge over AsyncMongoClient": (found, 1.25)}


async def with_postgresql(dsn: str) -> timing.Rows:
    store = PostgresStore(dsn, "raw")
    await store.aio.set("a", {"name": "ada", "age": 36})
    connection = await psycopg.AsyncConnection.connect(dsn, autocommit=True)
    sql = "SELECT value FROM raw WHERE key = %s AND (expires IS NULL OR expires > now())"

    async def raw() -> Any:
        return await (await connection.execute(sql, ("a",))).fetchone()

    found = await ratio(lambda: store.aio.get("a"), raw, one_by_one, 200)
    await connection.close()
    await store.aio.close()
    return {"PostgreSQL, gets one after another: bridge over AsyncConnection": (found, 1.25)}


async def beside_a_silent_server(address: str, pid: int, mode: Any) -> tuple[float, float]:
    """Return the milliseconds of a hit in a cache beside 200 calls that hang, and how late the loop was at most."""
    store = Cached(RedisStore(address, retry_for=0))
    face = AsyncStore(store, mode=mode)
    await face.set("hit", "1")
    await face.get("hit")
    late, over = [0.0], asyncio.Event()

    async def watch() -> None:
        while not over.is_set():
            start = time.perf_counter()
            await asyncio.sleep(0.002)
            late.append(time.perf_counter() - start - 0.002)

    watching = asyncio.create_task(watch())
    os.killpg(pid, signal.SIGSTOP)
    try:
        hanging = [asyncio.create_task(face.get(str(number))) for number in range(200)]
        await asyncio.sleep(0.05)
        start = time.perf_counter()
        hit = asyncio.create_task(face.get("hit"))
        await asyncio.wait([hit], timeout=1)
        seconds = time.perf_counter() - start
    finally:
        os.killpg(pid, signal.SIGCONT)
    await asyncio.gather(hit, *hanging)
    over.set()
    await watching
    await face.close()
    return seconds * 1000, max(late) * 1000


def main() -> None:
    rows = asyncio.run(no_server())
    with server() as process:
        rows |= asyncio.run(with_redis(url(process), process.port))
        hit, late = asyncio.run(beside_a_silent_server(url(process), process.pid, "bridge"))
        rows["a hit in Cached beside 200 calls to a silent server, milliseconds"] = (hit, 1.0)
        rows["how late the loop was beside them at most, milliseconds"] = (late, 50.0)
        by_threads, _ = asyncio.run(beside_a_silent_server(url(process), process.pid, "threads"))
    with mongodb_server() as process:
        rows |= asyncio.run(with_mongodb(process.port))
    with PostgresServer() as process:
        rows |= asyncio.run(with_postgresql(process.dsn))
    timing.show(rows)
    facts = {"hit_beside_a_silent_server_by_threads_milliseconds": round(by_threads, 1)}
    print(facts)
    timing.keep(Path(__file__).with_name("aio.json"), timing.results(rows, **facts))


if __name__ == "__main__":
    main()
