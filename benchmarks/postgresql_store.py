"""Ratios of PostgresStore against psycopg with the same statements, in one interleaved run against a real server.

Each row times two plain functions in turn and reports the ratio of the medians of the rounds. The results are written
to benchmarks/postgresql_store.json. Run it from the repository's root: ``python benchmarks/postgresql_store.py``. With
a number it searches a table of so many documents: ``python benchmarks/postgresql_store.py 1000000``.
"""

import json
import statistics
import sys
from pathlib import Path
from typing import Any

import psycopg
import timing
from timing import Rows, Work

sys.path.insert(0, str(Path(__file__).parents[1]))

from spoonbill import eq
from spoonbill.datastores import PostgresStore
from tests.servers.postgresql_server import PostgresServer

KEYS = [f"key-{number}" for number in range(300)]
PAIRS = {f"key-{number}": {"name": f"name {number}", "n": number} for number in range(10_000)}
ALIVE = "(expires IS NULL OR expires > statement_timestamp())"
WRITE = (
    "INSERT INTO bench (key, value, expires) VALUES (%s, %s, NULL) "
    "ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires = excluded.expires"
)


def ratio(ours: Work, theirs: Work, rounds: int = 31, **options: Any) -> float:
    """Return the ratio of the medians: over a socket the fastest round is luck."""
    return timing.ratio(ours, theirs, rounds, statistics.median, **options)


def rows(dsn: str) -> Rows:
    store: PostgresStore[str, Any] = PostgresStore(dsn, "bench")
    store.update(PAIRS)
    raw = psycopg.connect(dsn, autocommit=True)

    def get(key: str) -> Any:
        found = raw.execute(f"SELECT value::text FROM bench WHERE key = %s AND {ALIVE}", (key,)).fetchone()
        return json.loads(found[0]) if found else None

    def put(key: str, value: Any) -> None:
        raw.execute(WRITE, (key, json.dumps(value, ensure_ascii=False)))

    def get_many(keys: list[str]) -> dict[str, Any]:
        sql = f"SELECT key, value::text FROM bench WHERE key = ANY(%s) AND {ALIVE}"
        return {key: json.loads(text) for key, text in raw.execute(sql, (keys,))}

    def put_many() -> None:
        with raw.transaction():
            raw.cursor().executemany(WRITE, [(key, json.dumps(value)) for key, value in PAIRS.items()])

    def listed() -> list[Any]:
        with raw.transaction(), raw.cursor(name="all") as cursor:
            cursor.itersize = 1000
            cursor.execute(f"SELECT key, value::text FROM bench WHERE {ALIVE}")
            return [(key, json.loads(text)) for key, text in cursor]

    many = list(PAIRS)[:1000]
    measured = {
        "get": (ratio(lambda: [store[key] for key in KEYS], lambda: [get(key) for key in KEYS]), 1.15),
        "set": (ratio(lambda: [store.set(k, {"a": 1}) for k in KEYS], lambda: [put(k, {"a": 1}) for k in KEYS]), 1.15),
        "get_many of 1,000": (ratio(lambda: store.get_many(many), lambda: get_many(many)), 1.15),
        "items of 10,000": (ratio(lambda: list(store.items()), listed), 1.15),
        "update of 10,000 that are there, against executemany": (ratio(lambda: store.update(PAIRS), put_many, 7), 1.0),
        "update of 10,000 that are not": (
            ratio(lambda: store.update(PAIRS), put_many, 15, before=lambda: raw.execute("TRUNCATE bench")),
            0.3,
        ),
    }
    raw.close()
    store.close()
    return measured


def search_rows(dsn: str, count: int) -> Rows:
    """Find a hundred of many documents by an indexed field, with the same SQL."""
    with PostgresStore(dsn, "many") as store, psycopg.connect(dsn, autocommit=True) as raw:
        for start in range(0, count, 50_000):
            store.update({f"key-{n}": {"group": f"g{n // 100}", "n": n} for n in range(start, start + 50_000)})
        store.create_index("group")
        sql = f"SELECT key, value::text FROM many WHERE (value #> %s::text[]) = %s::jsonb AND {ALIVE}"

        def found(number: int) -> list[Any]:
            rows = raw.execute(sql, (["group"], json.dumps(f"g{number}"))).fetchall()
            return [(key, json.loads(text)) for key, text in rows]

        groups = range(0, count // 100, count // 2000)
        wanted = {number: sorted(found(number)) for number in groups}
        assert all(sorted(store.items({"group": eq(f"g{number}")})) == wanted[number] for number in groups)
        measured = ratio(
            lambda: [list(store.items({"group": eq(f"g{number}")})) for number in groups],
            lambda: [found(number) for number in groups],
        )
        return {f"an indexed search over {count:,} documents": (measured, 3.0)}


if __name__ == "__main__":
    with PostgresServer() as server:
        many = int(sys.argv[1]) if len(sys.argv) > 1 else 0
        measured = rows(server.dsn) | (search_rows(server.dsn, many) if many else {})
    timing.show(measured)
    if many:
        timing.keep(Path(__file__).with_suffix(".json"), timing.results(measured, psycopg=psycopg.__version__))
