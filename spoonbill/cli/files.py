"""Commands that read and write files of rows."""

from pathlib import Path

import click

from spoonbill.cli import rows
from spoonbill.cli.common import bar, opened, pattern_of, search_options, store_argument
from spoonbill.cli.listing import found_pairs
from spoonbill.common.batching import batches
from spoonbill.common.progress import with_progress
from spoonbill.store.known_count import known_count


@click.command("import")
@store_argument
@click.argument("file", type=click.Path(path_type=Path, exists=True))
@click.option("--key", "field", help="The field that is the key; by default the row's number.")
@click.option("--format", "kind", type=click.Choice(sorted(rows.READERS)), help="By default by the file's name.")
@click.option("--table", help="The table of a SQLite file, or the database of a dump of Redis.")
@click.option("--trust", is_flag=True, help="Read pickles of shelve, diskcache, sqlitedict: they can run code.")
def import_command(url: str, file: Path, field: str | None, kind: str | None, table: str | None, trust: bool) -> None:
    """Read a file into a store: JSON Lines, CSV, Parquet, Arrow, SQLite, shelve, diskcache, sqlitedict, Redis RDB.

    \b
    Example: spoonbill import lmdb:airports.lmdb airports.jsonl --key iata
    """
    found = rows.read(file, kind, rows.Reading(field=field, table=table, trust=trust))
    count = 0
    total = rows.count(file, kind) if bar() else None
    with opened(url) as store:
        for some in batches(with_progress(found, bar(), "importing", total)):
            store.set_many(some)
            count += len(some)
    click.echo(f"{count:,} imported", err=True)


@click.command("export")
@store_argument
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--key", "field", default="key", show_default=True, help="The field that the key becomes.")
@click.option("--format", "kind", type=click.Choice(sorted(rows.WRITERS)), help="By default by the file's name.")
@search_options
def export_command(
    url: str,
    file: Path,
    field: str,
    kind: str | None,
    pattern: str | None,
    expression: str | None,
    begin: str | None,
    where: tuple[str, ...],
    limit: int | None,
) -> None:
    """Write the entries of a store to a file of rows: JSON Lines, CSV, Parquet, Arrow, or tensors as safetensors.

    \b
    Example: spoonbill export lmdb:airports.lmdb airports.parquet
    """
    with opened(url) as store:
        chosen = pattern_of(pattern, expression, begin)
        pairs = found_pairs(store, where, chosen, limit)
        everything = chosen == "*" and not where and limit is None
        total = known_count(store, bar()) if everything else None
        count = rows.write(file, kind, with_progress(pairs, bar(), "exporting", total), field)
    click.echo(f"{count:,} exported", err=True)
