"""Files of rows: how each kind is read and written."""

import csv
import json
import pickle
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

import click

from spoonbill.backends.sqlite.table import quoted
from spoonbill.cli.values import to_json
from spoonbill.filesystems import write_atomically

__all__ = ["READERS", "WRITERS", "Reading", "count", "read", "write"]

Pairs = Iterator[tuple[Any, Any]]

_BATCH: Final = 10_000


@dataclass(frozen=True)
class Reading:
    """How to read a file.

    Attributes
    ----------
    field : str or None
        The field that is the key; None numbers the rows.
    table : str or None
        The table of a SQLite file, or the number of a database in a dump of Redis.
    trust : bool
        Whether pickles may be read.
    """

    field: str | None = None
    table: str | None = None
    trust: bool = False


def _keyed(found: Iterable[dict[str, Any]], how: Reading) -> Pairs:
    for number, row in enumerate(found):
        if how.field is None:
            yield str(number), row
        elif how.field not in row:
            raise click.ClickException(f"row {number} has no field {how.field!r}; it has {', '.join(map(str, row))}")
        else:
            yield row[how.field], {name: value for name, value in row.items() if name != how.field}


def _jsonl(file: Path, how: Reading) -> Pairs:
    with file.open(encoding="utf-8") as lines:
        yield from _keyed((json.loads(line) for line in lines if line.strip()), how)


def _csv(file: Path, how: Reading) -> Pairs:
    with file.open(encoding="utf-8", newline="") as lines:
        yield from _keyed(csv.DictReader(lines), how)


def _arrow_module(name: str) -> Any:
    try:
        return __import__(f"pyarrow.{name}", fromlist=[name])
    except ImportError:
        raise click.ClickException("Parquet and Arrow need pyarrow: pip install pyarrow") from None


def _parquet(file: Path, how: Reading) -> Pairs:
    found = _arrow_module("parquet").ParquetFile(file)
    yield from _keyed((row for batch in found.iter_batches(_BATCH) for row in batch.to_pylist()), how)


def _arrow(file: Path, how: Reading) -> Pairs:
    with _arrow_module("ipc").open_file(file) as found:
        numbers = range(found.num_record_batches)
        yield from _keyed((row for number in numbers for row in found.get_batch(number).to_pylist()), how)


def _connected(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{file}?mode=ro", uri=True)


def _sqlite(file: Path, how: Reading) -> Pairs:
    with closing(_connected(file)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        table = how.table or (tables[0] if len(tables) == 1 else None)
        if table is None or table not in tables:
            raise click.ClickException(f"give --table: {file} has {', '.join(tables) or 'no table'}")
        connection.row_factory = sqlite3.Row
        yield from _keyed(map(dict, connection.execute(f"SELECT * FROM {quoted(table)}")), how)  # noqa: S608 - a name, quoted


def _trusted(how: Reading, file: Path) -> None:
    if not how.trust:
        raise click.ClickException(
            f"{file} holds pickles, which can run code when they are read: say --trust if you trust it"
        )


def _shelve(file: Path, how: Reading) -> Pairs:
    import shelve

    _trusted(how, file)
    with shelve.open(str(file).removesuffix(".dat").removesuffix(".db"), "r") as shelf:
        yield from shelf.items()


def _sqlitedict(file: Path, how: Reading) -> Pairs:
    _trusted(how, file)
    table = quoted(how.table or "unnamed")
    with closing(_connected(file)) as connection:
        for key, value in connection.execute(f"SELECT key, value FROM {table}"):  # noqa: S608 - a name, quoted
            yield key, pickle.loads(value)


def _diskcache(file: Path, how: Reading) -> Pairs:
    _trusted(how, file)
    folder = file if file.is_dir() else file.parent
    with closing(_connected(folder / "cache.db")) as connection:
        for key, raw, mode, name, value in connection.execute("SELECT key, raw, mode, filename, value FROM Cache"):
            known = key if raw else pickle.loads(key)
            data = value if name is None else (folder / name).read_bytes()
            yield known, pickle.loads(data) if mode == 4 else data.decode() if mode == 3 and name else data


def _rdb(file: Path, how: Reading) -> Pairs:
    from spoonbill.cli.rdb import read_dump

    if how.table is not None and not how.table.isdecimal():
        raise click.UsageError("--table of a dump of Redis is the number of a database")
    return read_dump(file, int(how.table or 0))


def _write_lines(file: Path, pairs: Pairs, field: str) -> int:
    count = 0
    with write_atomically(file, {}) as out:
        for key, value in pairs:
            out.write((json.dumps(to_json(_flat(key, value, field)), ensure_ascii=False) + "\n").encode())
            count += 1
    return count


def _flat(key: Any, value: Any, field: str) -> dict[str, Any]:
    return {field: key, **value} if isinstance(value, dict) else {field: key, "value": value}


def _write_csv(file: Path, pairs: Pairs, field: str) -> int:
    rows = [_flat(key, to_json(value), field) for key, value in pairs]
    names = list(dict.fromkeys(name for row in rows for name in row))
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, names)
        writer.writeheader()
        writer.writerows(rows)
    return len(rows)


def _write_table(file: Path, pairs: Pairs, field: str, make: Callable[[Any, Any], Any]) -> int:
    import pyarrow as pa

    count, writer = 0, None
    while some := list(islice(pairs, _BATCH)):
        table = pa.Table.from_pylist([_flat(key, to_json(value), field) for key, value in some])
        if writer is None:
            writer = make(file, table.schema)
        writer.write_table(table.cast(writer.schema) if hasattr(writer, "schema") else table)
        count += len(some)
    if writer is not None:
        writer.close()
    return count


def _write_parquet(file: Path, pairs: Pairs, field: str) -> int:
    return _write_table(file, pairs, field, _arrow_module("parquet").ParquetWriter)


def _write_arrow(file: Path, pairs: Pairs, field: str) -> int:
    return _write_table(file, pairs, field, _arrow_module("ipc").new_file)


def _write_safetensors(file: Path, pairs: Pairs, field: str) -> int:  # noqa: ARG001 - names are the keys
    from spoonbill.datastores.tensors.safetensors_file import SafetensorsStore

    found = dict(pairs)
    rows = bool(found) and all(isinstance(value, dict) for value in found.values())
    tensors = _columns(list(found.values())) if rows else {str(key): value for key, value in found.items()}
    SafetensorsStore.export_safetensors(tensors, file)
    return len(found)


def _columns(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the fields that are a number in every row, each as a tensor; which others there are is told."""
    import numpy as np

    names = dict.fromkeys(name for row in rows for name in row)
    kept = [name for name in names if all(isinstance(row.get(name), (int, float)) for row in rows)]
    left = ", ".join(name for name in names if name not in kept)
    if left:
        click.echo(f"left out, since they are not numbers in every row: {left}", err=True)
    return {name: np.array([row[name] for row in rows]) for name in kept}


READERS: Final[dict[str, Callable[[Path, Reading], Pairs]]] = {
    "jsonl": _jsonl,
    "csv": _csv,
    "parquet": _parquet,
    "arrow": _arrow,
    "sqlite": _sqlite,
    "shelve": _shelve,
    "sqlitedict": _sqlitedict,
    "diskcache": _diskcache,
    "rdb": _rdb,
}
WRITERS: Final[dict[str, Callable[[Path, Pairs, str], int]]] = {
    "jsonl": _write_lines,
    "csv": _write_csv,
    "parquet": _write_parquet,
    "arrow": _write_arrow,
    "safetensors": _write_safetensors,
}
_ENDINGS: Final = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".sqlite": "sqlite",
    ".sqlite3": "sqlite",
    ".db": "sqlite",
    ".rdb": "rdb",
    ".safetensors": "safetensors",
}


def _kind(file: Path, kind: str | None, known: Iterable[str]) -> str:
    found = kind or _ENDINGS.get(file.suffix.lower())
    if found is None or found not in known:
        raise click.UsageError(f"{file.name} does not tell its format: give --format, one of {', '.join(known)}")
    return found


def read(file: Path, kind: str | None, how: Reading) -> Pairs:
    """Yield the keys and values of a file."""
    return READERS[_kind(file, kind, READERS)](file, how)


def count(file: Path, kind: str | None) -> int | None:
    """Return how many rows a file has, where that is quick to see: lines, or what Parquet says of itself."""
    found = _kind(file, kind, READERS)
    if found == "parquet":
        return int(_arrow_module("parquet").ParquetFile(file).metadata.num_rows)
    if found not in {"jsonl", "csv"}:
        return None
    with file.open("rb") as data:
        return sum(block.count(b"\n") for block in iter(lambda: data.read(1 << 20), b""))


def write(file: Path, kind: str | None, pairs: Iterable[tuple[Any, Any]], field: str) -> int:
    """Write pairs as rows, and return how many they were."""
    return WRITERS[_kind(file, kind, WRITERS)](file, iter(pairs), field)
