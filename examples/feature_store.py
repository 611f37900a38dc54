"""An online feature store on Redis: features of the world's airports, read in batches while a model scores them.

Redis shines where many programs read small values fast: a nightly job loads the slow features in bulk, a stream keeps
the fast ones fresh and lets them expire, and each serving process keeps the popular ones in a cache of its own.

Run it with ``python examples/feature_store.py redis://localhost:6379/0``. It keeps to its own prefixes.
"""

import sys
import time
from collections.abc import Callable
from math import inf
from typing import Any

import airportsdata
from rich.console import Console
from rich.table import Table

from spoonbill import Cached, glob
from spoonbill.datastores import RedisStore

console = Console(width=110)
summary = Table("what", "how many", "seconds", "per second", title="What was done, and how fast")
CANDIDATES = 200


def timed(what: str, count: int, work: Callable[[], Any]) -> Any:
    """Run `work`, and add a row to the summary."""
    start = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - start
    summary.add_row(what, f"{count:,}", f"{seconds:.4f}", f"{count / seconds:,.0f}")
    return result


def nightly() -> dict[str, dict[str, float]]:
    """Return the slow features of each airport, as a nightly job computes them."""
    return {
        code: {"elevation": float(row["elevation"]), "north": float(row["lat"]), "iata": float(bool(row["iata"]))}
        for code, row in airportsdata.load().items()
    }


def scores(rows: list[dict[str, float] | None], winds: list[float | None]) -> list[float]:
    """Score candidates: a model stands here. A feature that is absent or has expired counts as its default."""
    return [
        (row or {}).get("elevation", 0.0) / 1000 + (0.0 if wind is None else wind / 10)
        for row, wind in zip(rows, winds, strict=True)
    ]


def serve(url: str) -> None:
    """Load, serve, expire, count."""
    slow = RedisStore.open(url, codec="msgpack", prefix="features:airport:")
    live = RedisStore.open(url, codec="msgpack", prefix="features:wind:", ttl=0.5)
    counts = RedisStore.open(url, codec="msgpack", prefix="features:requests:")
    with slow, live, counts:
        features = nightly()
        timed("the nightly job: bulk load", len(features), lambda: slow.update(features))
        candidates = list(features)[:CANDIDATES]
        timed(
            "the stream: fresh winds, gone half a second later",
            CANDIDATES,
            lambda: live.update(dict.fromkeys(candidates, 12.5)),
        )

        def request(store: Any) -> list[float]:
            return scores(list(store.values(keys=candidates)), list(live.values(keys=candidates)))

        fresh = timed("a request: two batch reads", CANDIDATES, lambda: request(slow))
        cached = Cached(slow, maxsize=10_000, ttl=60)
        request(cached)
        timed("the same with a cache in front of the slow ones", CANDIDATES, lambda: request(cached))
        time.sleep(0.6)
        stale = request(cached)
        console.print(f"\nThe best score with winds: {max(fresh):.2f}, and after they expired: {max(stale):.2f}")
        console.print(f"The cache: {cached.stats}")

        counts.set("total", 0, ttl=inf)
        timed("requests counted by compare and set", 100, lambda: [count(counts, "total") for _ in range(100)])
        console.print(f"Requests counted, whoever else counts: {counts['total']}")
        german = list(slow.keys(glob("EDD*")))
        console.print(f"Airports whose code begins with EDD: {', '.join(sorted(german))}\n")
        console.print(summary)
        for store in (slow, live, counts):
            store.clear()  # the keys under its prefix, and no others


def count(store: RedisStore, key: str) -> None:
    """Add one to a number, whatever other processes do meanwhile."""
    while not store.replace(key, seen := store[key], seen + 1):
        pass


if __name__ == "__main__":
    serve(sys.argv[1] if len(sys.argv) > 1 else "redis://localhost:6379/0")
