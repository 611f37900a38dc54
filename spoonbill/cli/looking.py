"""Commands that look at a store."""

import json

import click

from spoonbill.cli.common import asked, bar, conditions_of, opened, pattern_of, search_options, store_argument
from spoonbill.common.plugins import all_engines
from spoonbill.common.sentinels import MISSING
from spoonbill.urls.named_stores import named_stores


@click.command("info")
@store_argument
@click.option("--json", "as_json", is_flag=True, help="The whole description as JSON.")
@click.option("--ping", is_flag=True, help="Also reach the engine.")
def info_command(url: str, as_json: bool, ping: bool) -> None:
    """Describe a store: its classes, limits, capabilities and guarantees.

    \b
    Example: spoonbill info 'lmdb:users.lmdb?prefix=u:'
    """
    with opened(url) as store:
        told = store.describe()
        if ping:
            told["ping"] = store.ping()
        text = repr(store)
    if as_json:
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
        return
    from rich.console import Console
    from rich.table import Table

    console = Console()
    console.print(text, highlight=False, markup=False)
    table = Table(show_header=False)
    rows = [
        *told["guarantees"].items(),
        *(("limit of " + name, f"{limit:,}") for name, limit in told["limits"].items()),
    ]
    rows.append(("native verbs", ", ".join(told["capabilities"])))
    if ping:
        rows.append(("answered in", f"{told['ping'] * 1000:.2f} ms"))
    for name, sentence in rows:
        table.add_row(name, sentence)
    console.print(table)


@click.command("explain")
@store_argument
@search_options
def explain_command(
    url: str, pattern: str | None, expression: str | None, begin: str | None, where: tuple[str, ...], limit: int | None
) -> None:
    """Tell how a search would run: what the engine does, what is tested here, and what is read.

    \b
    Example: spoonbill explain lmdb:users.lmdb --prefix a --where born='>1800'
    """
    with opened(url) as store:
        conditions = conditions_of(where) if where else MISSING
        click.echo(str(store.explain(pattern_of(pattern, expression, begin), conditions, limit)))


@click.command("verify")
@store_argument
@click.option("--fix", is_flag=True, help="Remove entries that cannot be read.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def verify_command(url: str, fix: bool, yes: bool) -> int:
    """Read everything, and name each key whose value cannot be read; exit code 1 where there is one.

    \b
    Example: spoonbill verify lmdb:users.lmdb
    """
    with opened(url) as store:
        if fix:
            asked(f"remove what cannot be read from {store!r}", yes=yes)
        damaged = store.verify(fix=fix, progress=bar())
    for key, error in damaged.items():
        click.echo(f"{key!r}\t{error}")
    click.echo(f"{len(damaged)} damaged", err=True)
    return 1 if damaged else 0


@click.command("stores")
@click.option("--json", "as_json", is_flag=True, help="JSON.")
def stores_command(as_json: bool) -> None:
    """List the engines with their schemes, and the stores that spoonbill.toml names.

    \b
    Example: spoonbill stores
    """
    engines = {row.name: list(row.schemes) for row in all_engines()}
    named = {name: table["url"] for name, table in named_stores().items()}
    if as_json:
        click.echo(json.dumps({"engines": engines, "stores": named}, indent=2))
        return
    for name, schemes in engines.items():
        click.echo(f"{name:12} {', '.join(f'{scheme}:' for scheme in schemes)}")
    for name, url in named.items():
        from spoonbill.urls.address import shown

        click.echo(f"{name:12} {shown(url)}")
