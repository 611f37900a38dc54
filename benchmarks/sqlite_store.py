"""Ratios of SQLiteStore against hand-written sqlite3 with the same statements and durability, in one interleaved run.

The results are written to benchmarks/sqlite_store.json. Run it from the repository's root with the number of documents
of the table that is searched: ``python benchmarks/sqlite_store.py 1000000``.
"""

import json
import sqlite3
import sys
import tempfile
import time
from itertools import count, repeat
from pathlib import Path
from typing import Any

import diskcache
import sqlitedict
import timing
from timing import Rows, Work

sys.path.insert(0, str(Path(__file__).parents[1]))

from spoonbill import eq
from spoonbill.datastores import SQLiteStore

KEYS = [f"key-{number}" for number in range(500)]
PAIRS = {f"key-{number}": {"name": f"name {number}", "n": number} for number in range(10_000)}
ALIVE = "(expires IS NULL OR expires > ?)"
WRITE = (
    "INSERT INTO spoonbill (key, value, expires) VALUES (?, ?, ?) "
    "ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires = excluded.expires"
)
dump = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def rows(path: str, durability: Any) -> Rows:
    store: SQLiteStore[str, Any] = SQLiteStore(path, durability=durability)
    store.update(PAIRS)
    raw = sqlite3.connect(path, isolation_level=None)
    raw.execute(f"PRAGMA synchronous={'FULL' if durability == 'disk' else 'NORMAL'}")

    def get(key: str) -> Any:
        sql = f"SELECT value FROM spoonbill WHERE key = ? AND {ALIVE}"
        found = raw.execute(sql, (key, time.time())).fetchone()
        return json.loads(found[0]) if found else None

    def put(key: str, value: Any) -> None:
        raw.execute(WRITE, (key, dump(value), None))

    def get_many(keys: list[str]) -> dict[str, Any]:
        marks = ", ".join(repeat("?", len(keys)))
        sql = f"SELECT key, value FROM spoonbill WHERE key IN ({marks}) AND {ALIVE}"
        return {key: json.loads(text) for key, text in raw.execute(sql, (*keys, time.time()))}

    def put_many() -> None:
        raw.execute("BEGIN IMMEDIATE")
        raw.executemany(WRITE, [(key, dump(value), None) for key, value in PAIRS.items()])
        raw.execute("COMMIT")

    def listed() -> list[Any]:
        sql = f"SELECT key, value FROM spoonbill WHERE {ALIVE} ORDER BY rowid"
        return [(key, json.loads(text)) for key, text in raw.execute(sql, (time.time(),))]

    numbers = count()

    def another() -> Any:
        return {"a": next(numbers)}  # SQLite writes nothing where a row stays as it is

    def each(work: Any) -> Work:
        return lambda: [work(key) for key in KEYS]

    measured = {
        f"get, {durability}": (timing.ratio(each(store.__getitem__), each(get)), 1.15),
        f"set, {durability}": (
            timing.ratio(each(lambda k: store.set(k, another())), each(lambda k: put(k, another())), 15),
            1.15,
        ),
        f"get_many of 500, {durability}": (timing.ratio(lambda: store.get_many(KEYS), lambda: get_many(KEYS)), 1.15),
        f"items of 10,000, {durability}": (timing.ratio(lambda: list(store.items()), listed, 9), 1.15),
        f"update of 10,000, {durability}": (timing.ratio(lambda: store.update(PAIRS), put_many, 9), 1.15),
    }
    raw.close()
    store.close()
    return measured


def peer_rows(folder: str) -> Rows:
    """Set and get the same documents as the peers do, which keep pickles in SQLite.

    All of them keep what was written when the process is killed, and may lose the last writes in a power cut.
    """
    store: SQLiteStore[str, Any] = SQLiteStore(f"{folder}/ours.db", durability="process")
    cache = diskcache.Cache(f"{folder}/cache")
    table = sqlitedict.SqliteDict(f"{folder}/dict.db", autocommit=True, journal_mode="WAL")
    table.conn.execute("PRAGMA synchronous=NORMAL")
    numbers = count()

    def sets(mapping: Any) -> Work:
        def work() -> None:
            for key in KEYS[:200]:
                mapping[key] = {"name": key, "n": next(numbers)}
            if mapping is table:
                table.commit(blocking=True)  # its writes are done by a thread of its own

        return work

    def gets(mapping: Any) -> Work:
        return lambda: [mapping[key] for key in KEYS[:200]]

    measured = {}
    for name, peer in (("diskcache", cache), ("sqlitedict", table)):
        for verb, work in (("set", sets), ("get", gets)):
            measured[f"{verb} against {name}"] = (timing.ratio(work(store), work(peer), 9), 0.33)
    table.close()
    cache.close()
    store.close()
    return measured


def search_rows(path: str, documents: int) -> Rows:
    """Find a hundred of many documents by an indexed field, with the same SQL."""
    with SQLiteStore(path, "many", durability="process") as store:
        for start in range(0, documents, 50_000):
            store.update({f"key-{n}": {"group": f"g{n // 100}", "n": n} for n in range(start, start + 50_000)})
        store.create_index("group")
        field = "CASE WHEN json_valid(value) THEN json_extract(value, '$.\"group\"') END"
        sql = f"SELECT key, value FROM many WHERE {field} = ? AND {ALIVE}"
        raw = sqlite3.connect(path)

        def found(number: int) -> list[Any]:
            return [(key, json.loads(text)) for key, text in raw.execute(sql, (f"g{number}", time.time()))]

        groups = range(0, documents // 100, documents // 2000)
        assert all(sorted(store.items({"group": eq(f"g{number}")})) == sorted(found(number)) for number in groups)
        assert len(found(3)) == 100
        measured = timing.ratio(
            lambda: [list(store.items({"group": eq(f"g{number}")})) for number in groups],
            lambda: [found(number) for number in groups],
        )
        raw.close()
        return {f"an indexed search over {documents:,} documents": (measured, 3.0)}


if __name__ == "__main__":
    many = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    with tempfile.TemporaryDirectory() as folder:
        measured = rows(f"{folder}/a.db", "process") | rows(f"{folder}/b.db", "disk")
        measured |= peer_rows(folder)
        measured |= search_rows(f"{folder}/c.db", many) if many else {}
    timing.show(measured)
    if many:
        timing.keep(Path(__file__).with_suffix(".json"), timing.results(measured, sqlite=sqlite3.sqlite_version))
