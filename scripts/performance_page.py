"""The page of what was measured, from the results that the programs in benchmarks/ keep."""

import json
from pathlib import Path
from typing import Any

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"

HEAD = """# Performance

Each row is the time of spoonbill over that of the raw client, which does the same work at the same durability, in turn,
round by round, in one run: 1.0 is as fast, 0.5 takes half of the time. Rows of another unit say so. Each program reruns
with one command, and a row that misses its goal says so.
"""

PROGRAMS = {
    "run": "Embedded stores, layers and codecs",
    "sqlite_store": "SQLiteStore, against sqlite3 by hand, and against others",
    "rocksdb_store": "RocksDBStore, against rocksdict",
    "postgresql_store": "PostgresStore, against psycopg",
    "redis_store": "RedisStore, against redis-py",
    "documents": "Document stores, against their clients",
    "files": "Files on S3, against fsspec",
    "tensors": "Tensors, against safetensors",
    "copying": "Copies, against the slower of reading and writing",
    "aio": "Awaited stores",
}
RESULTS = {"run": "results"}
"""Where the results have another name than the program."""


def table(rows: dict[str, dict[str, float]], before: str = "") -> list[str]:
    """Return the lines of a table's rows."""
    lines = []
    for name, row in rows.items():
        missed = "missed" if row["measured"] > row["goal"] else ""
        lines.append(f"| {before}{name} | {row['measured']:.2f} | {row['goal']:g} | {missed} |")
    return lines


def section(program: str, title: str) -> str:
    """Return the part of the page for one program."""
    kept: dict[str, Any] = json.loads((BENCHMARKS / f"{RESULTS.get(program, program)}.json").read_text())
    lines = ["| what | measured | goal | |", "|---|---|---|---|"]
    if "rows" in kept:
        lines += table(kept["rows"])
        facts = {name: fact for name, fact in kept.items() if name != "rows"}
    else:
        for engine, own in kept.items():
            lines += table(own["rows"], f"{engine}: ")
        facts = {name: fact for name, fact in next(iter(kept.values())).items() if name != "rows"}
    told = ", ".join(f"{name.replace('_', ' ')} {fact}" for name, fact in facts.items())
    return "\n".join([f"## {title}", "", f"`python benchmarks/{program}.py`: {told}.", "", *lines]) + "\n"


def performance() -> str:
    """Return the page."""
    parts = [section(program, title) for program, title in PROGRAMS.items()]
    end = "What a layer costs a verb: [the table of layers](layers/cost.md).\n"
    return "\n".join([HEAD, *parts, end])
