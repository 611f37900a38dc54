"""A tour of spoonbill on real data: the world's airports through embedded stores. Run it with `make demo`."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import airportsdata
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from spoonbill import Cached, Codec, glob, gt
from spoonbill.datastores import FilesystemStore, InMemoryStore, LmdbStore, SQLiteStore

console = Console(width=110)
summary = Table("what", "how many", "seconds", "per second", title="What was done, and how fast")


def timed(what: str, count: int, work: Callable[[], Any]) -> Any:
    """Run `work`, and add a row to the summary."""
    start = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - start
    summary.add_row(what, f"{count:,}", f"{seconds:.3f}", f"{count / seconds:,.0f}")
    return result


def tour(folder: Path) -> None:
    """Load, read, search, stack, save and load."""
    airports = airportsdata.load()  # {"EDDF": {"name": "Frankfurt Airport", "country": "DE", "elevation": 364.0, ...}}
    codes = list(airports)

    with LmdbStore.open(folder / "airports.lmdb") as store:
        rows = tqdm(airports.items(), desc="airports into LmdbStore", unit=" rows")
        timed("bulk load into LmdbStore, one transaction", len(airports), lambda: store.update(rows))
        timed("point reads", 20_000, lambda: [store[code] for code in codes[:20_000]])
        timed("one batch read", len(codes), lambda: list(store.values(keys=codes)))
        timed("iteration over all items", len(codes), lambda: sum(1 for _ in store.items()))

        conditions = {"country": "CH", "elevation": gt(3000)}
        high = timed("items(conditions) over all", len(codes), lambda: list(store.items(conditions)))
        shown = Table("key", "name", "elevation (ft)", title="Swiss airfields above 3,000 ft")
        for code, airport in high[:6]:
            shown.add_row(code, airport["name"], f"{airport['elevation']:,.0f}")
        console.print(shown)

        german = timed("keys(glob('EDD*')): a range, no scan", 1, lambda: list(store.keys(glob("EDD*"))))
        console.print(f"\nAirports whose code begins with EDD: {', '.join(german)}\n")
        console.print("How that search ran:", style="bold")
        console.print(str(store.explain(glob("EDD*"))), highlight=False)

        with SQLiteStore.open(folder / "airports.db") as database:
            timed("bulk load into SQLiteStore, as JSON", len(airports), lambda: database.update(airports))
            timed("point reads from SQLite", 20_000, lambda: [database[code] for code in codes[:20_000]])
            timed("items(conditions), no index", len(codes), lambda: list(database.items(conditions)))
            database.create_index("country")
            found = timed("items(conditions), by an index", len(high), lambda: list(database.items(conditions)))
            console.print(f"\nLMDB and SQLite find the same airfields: {sorted(found) == sorted(high)}")
            console.print("How SQLite finds them:", style="bold")
            console.print(str(database.explain(conditions=conditions)), highlight=False)

        files = Cached(Codec(FilesystemStore(folder / "files"), "json"), maxsize=500)
        some = dict(store.items({"country": "IS"}))
        timed("one JSON file a key, Cached(Codec(FilesystemStore))", len(some), lambda: files.update(some))
        timed("reads of those files", len(some), lambda: list(files.values(keys=list(some))))
        timed("the same reads from the cache", len(some), lambda: list(files.values(keys=list(some))))
        console.print(f"\nThe cache: {files.stats}")

        snapshot = folder / "airports.snapshot"
        timed("save to one snapshot file", len(store), lambda: store.save(snapshot, progress=True))
        memory = InMemoryStore()
        timed("load it into an InMemoryStore", len(store), lambda: memory.load(snapshot, progress=True))
        console.print(f"\nThe two stores are equal: {memory == store}\n")
    console.print(summary)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        tour(Path(directory))
