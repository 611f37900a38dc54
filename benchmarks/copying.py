"""Copies against the slower of reading their source and writing their target alone, in one interleaved run.

Then the growth of memory in a large one. Run it with ``python benchmarks/copying.py``; the results are written to
benchmarks/copying.json.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from timing import Work, keep, results, seconds, show

sys.path.insert(0, str(Path(__file__).parents[1]))

import spoonbill
from spoonbill.datastores import LmdbStore, RedisStore, SQLiteStore
from spoonbill.store import Store
from tests.servers import redis_server

ENTRIES = 30_000
MANY = 1_000_000
ROUNDS = 9
GOAL = 1.15
MEGABYTES = 64
ROW = {"name": "a name", "born": 1900, "tags": ["one", "two"], "score": 0.5}

MEMORY = """
import resource, sys, spoonbill
from spoonbill.datastores import LmdbStore, SQLiteStore
source, target = LmdbStore(sys.argv[1], durability="process"), SQLiteStore(sys.argv[2], durability="process")
warm = [key for key in source.keys(limit=5000)]
spoonbill.copy(source, target, conditions={"born": 1})
def private():
    wanted = ("Anonymous:",)
    with open("/proc/self/smaps_rollup") as lines:
        return sum(int(line.split()[1]) for line in lines if line.startswith(wanted)) / 1024
before = most = private()
def look(count):
    global most
    most = max(most, private())
spoonbill.copy(source, target, progress=look)
assert len(target) == len(source)
print(most - before)
"""


def of_copy(source: Store[Any, Any], target: Callable[[], Store[Any, Any]]) -> float:
    """Return the time of a copy over the slower of reading all and writing all, each the fastest of rounds in turn."""
    pairs = list(source.items())
    times: dict[str, list[float]] = {"read": [], "write": [], "copy": []}
    for _ in range(ROUNDS):
        written, copied = target(), target()
        works: dict[str, Work] = {
            "read": lambda: sum(1 for _ in source.items()),
            "write": partial(written.update, pairs),
            "copy": partial(spoonbill.copy, source, copied),
        }
        for name, work in works.items():
            times[name].append(seconds(work))
    best = {name: min(taken) for name, taken in times.items()}
    print({name: round(taken, 2) for name, taken in best.items()})
    return best["copy"] / max(best["read"], best["write"])


def grown(folder: Path) -> float:
    """Return by how many megabytes the private memory of a process grows in a copy of a million entries."""
    with LmdbStore(folder / "many", durability="process") as source:
        source.update((f"key {number:07}", {**ROW, "n": number}) for number in range(MANY))
    command = [sys.executable, "-c", MEMORY, str(folder / "many"), str(folder / "many.db")]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> int:
    folder = Path(tempfile.mkdtemp())
    rows: dict[str, tuple[float, float]] = {}
    numbers = iter(range(1000))
    with ExitStack() as stack:
        running = stack.enter_context(redis_server.server())

        def lmdb() -> Store[Any, Any]:
            return stack.enter_context(LmdbStore(folder / f"l{next(numbers)}", durability="process"))

        def sqlite() -> Store[Any, Any]:
            return stack.enter_context(SQLiteStore(folder / f"s{next(numbers)}.db", durability="process"))

        def redis() -> Store[Any, Any]:
            store = stack.enter_context(RedisStore(redis_server.url(running)))
            store.clear()
            return store

        files, tables, texts = lmdb(), sqlite(), lmdb()
        for store in (files, tables):
            store.update((f"key {number:07}", {**ROW, "n": number}) for number in range(ENTRIES))
        texts.update((f"key {number:07}", "a text of some length " * 3) for number in range(ENTRIES))
        for name, source, target in (
            ("LMDB to SQLite", files, sqlite),
            ("SQLite to LMDB", tables, lmdb),
            ("LMDB to LMDB", files, lmdb),
            ("LMDB to Redis", texts, redis),
        ):
            rows[name] = (of_copy(source, target), GOAL)
            print(name, rows[name])
    rows[f"MB of growth in a copy of {MANY:,} entries"] = (grown(folder), MEGABYTES)
    show(rows)
    keep(Path(__file__).with_suffix(".json"), results(rows, entries=ENTRIES, rounds=ROUNDS))
    shutil.rmtree(folder)
    return sum(measured > goal for measured, goal in rows.values())


if __name__ == "__main__":
    sys.exit(main())
