"""Ratios of RedisStore against redis-py with the same parser, in one interleaved run against a real server.

Each row times two plain functions in turn, spoonbill's and the client's doing the same work, round after round, and
reports the ratio of the medians of the rounds. The results are written to benchmarks/redis_store.json. Run it from the
repository's root: ``python benchmarks/redis_store.py``.
"""

import gc
import statistics
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import redis
import timing
from timing import Work

sys.path.insert(0, str(Path(__file__).parents[1]))

from spoonbill.codecs import get_codec
from spoonbill.datastores import RedisStore
from tests.servers.redis_server import server, url

CHUNK = 1000
MEMORY_GOAL = 5_000_000


def ratio(ours: Work, theirs: Work, rounds: int = 41) -> float:
    """Return the ratio of the medians: over a socket the fastest round is luck."""
    return timing.ratio(ours, theirs, rounds, statistics.median)


def chunks(things: Any, size: int = CHUNK) -> Iterator[list[Any]]:
    source = iter(things)
    while chunk := list(islice(source, size)):
        yield chunk


def single_rows(address: str) -> dict[str, tuple[float, float]]:
    """One key at a time: strings, as both hold them."""
    store = RedisStore(address)
    client = redis.Redis.from_url(address, decode_responses=True)
    keys = [f"key-{number}" for number in range(400)]
    store.update(dict.fromkeys(keys, "v" * 100))

    def each(work: Callable[[str], Any]) -> Work:
        return lambda: [work(key) for key in keys]

    def set_and_delete(put: Callable[[str, str], Any], drop: Callable[[str], Any]) -> Work:
        return lambda: [(put(key, "v"), drop(key)) for key in keys]

    rows = {
        "get": (ratio(each(store.__getitem__), each(client.get)), 1.05),
        "in": (ratio(each(store.__contains__), each(client.exists)), 1.05),
        "set": (ratio(each(lambda k: store.__setitem__(k, "w")), each(lambda k: client.set(k, "w"))), 1.05),
        "set and del": (
            ratio(set_and_delete(store.__setitem__, store.__delitem__), set_and_delete(client.set, client.delete)),
            1.05,
        ),
        "pop of an absent key": (
            ratio(each(lambda _: store.pop("absent", None)), each(lambda _: client.getdel("absent"))),
            1.05,
        ),
    }
    store.clear()
    store.close()
    client.close()
    return rows


def many_rows(address: str, codec: str, value: Any) -> dict[str, tuple[float, float]]:
    """Many keys at a time: redis-py's own batches, and the codec on top."""
    store = RedisStore(address, codec=codec)
    client = redis.Redis.from_url(address)
    dumps, loads = get_codec(codec).dumps, get_codec(codec).loads
    pairs = {f"key-{number:05d}": value for number in range(5000)}
    keys = list(pairs)

    def mset() -> None:
        for chunk in chunks(pairs.items()):
            client.mset({key: dumps(value) for key, value in chunk})

    def pipeline() -> None:
        with client.pipeline(transaction=False) as batch:
            for key, value in pairs.items():
                batch.set(key, dumps(value))
            batch.execute()

    def mget() -> list[Any]:
        return [loads(data) for chunk in chunks(keys) for data in client.mget(chunk)]

    def scan_and_mget() -> list[Any]:
        found = []
        for names in chunks(client.scan_iter(count=CHUNK)):
            found += [(name.decode(), loads(data)) for name, data in zip(names, client.mget(names), strict=True)]
        return found

    def scan() -> list[str]:
        return [name.decode() for name in client.scan_iter(count=CHUNK)]

    rows = {
        f"bulk update, {codec}": (ratio(lambda: store.update(pairs), mset, 21), 1.1),
        f"bulk update against a pipeline, {codec}": (ratio(lambda: store.update(pairs), pipeline, 7), 0.5),
        f"batch read, {codec}": (ratio(lambda: list(store.values(keys=keys)), mget, 21), 1.1),
        f"items, {codec}": (ratio(lambda: list(store.items()), scan_and_mget, 21), 1.2),
        f"keys, {codec}": (ratio(lambda: list(store.keys()), scan, 21), 1.6),
    }
    assert sorted(store.items()) == sorted(scan_and_mget()) == sorted(pairs.items())
    store.clear()
    store.close()
    client.close()
    return rows


def growth(address: str, count: int = 200_000) -> int:
    """Return by how many bytes the memory grows at most while `count` items are iterated."""
    with RedisStore(address) as store:
        store.update((f"key-{number}", "v" * 20) for number in range(count))
        next(iter(store.items()))
        gc.collect()
        tracemalloc.start()
        seen = sum(1 for _ in store.items())
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert seen == count, f"{seen} of {count} items"
        store.clear()
    return peak


def main() -> int:
    with server() as process:
        address = url(process)
        rows = single_rows(address)
        rows |= many_rows(address, "raw", b"v" * 100)
        rows |= many_rows(address, "msgpack", {"name": "Frankfurt", "elevation": 364, "tags": ["a", "b"]})
        peak = growth(address)
    timing.show(rows)
    print(f"{'memory of iterating 200,000 items':60} {peak:,} bytes   goal {MEMORY_GOAL:,}")
    memory = {"bytes of iterating 200,000 items": {"measured": peak, "goal": MEMORY_GOAL}}
    timing.keep(Path(__file__).with_suffix(".json"), timing.results(rows, **{"redis-py": redis.__version__}) | memory)
    return 0


if __name__ == "__main__":
    sys.exit(main())
