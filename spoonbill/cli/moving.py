"""Commands that move entries between stores and files."""

import json
from pathlib import Path
from typing import Any

import click

from spoonbill.cli.common import (
    asked,
    bar,
    beside_bar,
    conditions_of,
    opened,
    pattern_of,
    search_options,
    store_argument,
)
from spoonbill.common.sentinels import MISSING
from spoonbill.transfer import copy, diff, sync


@click.command("copy")
@click.argument("source", metavar="SOURCE")
@click.argument("target", metavar="TARGET")
@search_options
@click.option("--check-first", is_flag=True, help="Try every entry before the first one is written.")
@click.option("--verify", is_flag=True, help="Read everything again and compare.")
@click.option(
    "--resume", type=click.Path(path_type=Path), help="A folder that notes what is done: an interrupted copy goes on."
)
def copy_command(
    source: str,
    target: str,
    pattern: str | None,
    expression: str | None,
    begin: str | None,
    where: tuple[str, ...],
    limit: int | None,
    check_first: bool,
    verify: bool,
    resume: Path | None,
) -> int:
    """Copy entries from one store to another; exit code 1 where a verified copy differs.

    \b
    Example: spoonbill copy lmdb:users.lmdb redis://localhost/0 --verify
    """
    if limit is not None:
        raise click.UsageError("copy takes no --limit")
    wanted: dict[str, Any] = {"conditions": conditions_of(where)} if where else {}
    chosen = pattern_of(pattern, expression, begin)
    if chosen != "*":
        wanted["pattern"] = chosen
    report = copy(source, target, progress=bar(), check_first=check_first, verify=verify, resume=resume, **wanted)
    click.echo(f"{report.copied:,} copied in {report.seconds:.1f} s", err=True)
    if verify:
        click.echo(f"{report.verified:,} verified, {report.different:,} different", err=True)
    return 1 if report.different else 0


@click.command("diff")
@click.argument("first", metavar="URL")
@click.argument("second", metavar="OTHER")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def diff_command(first: str, second: str, as_json: bool) -> int:
    """List the keys that OTHER lacks, has beside, or holds another value for; exit code 1 where there is one.

    \b
    Example: spoonbill diff lmdb:users.lmdb redis://localhost/0
    """
    found, say = 0, beside_bar()
    for found, one in enumerate(diff(first, second, progress=bar()), 1):  # noqa: B007 - the count is used below
        key = one.key if isinstance(one.key, str) else repr(one.key)
        say(json.dumps({"key": key, "kind": one.kind}) if as_json else f"{one.kind}\t{key}")
    return 1 if found else 0


@click.command("sync")
@click.argument("source", metavar="SOURCE")
@click.argument("target", metavar="TARGET")
@click.option("--delete", is_flag=True, help="Also remove what only the target has.")
@click.option("--yes", is_flag=True, help="Do not ask before removals.")
def sync_command(source: str, target: str, delete: bool, yes: bool) -> None:
    """Bring TARGET into step with SOURCE: only what differs is written.

    \b
    Example: spoonbill sync lmdb:users.lmdb redis://localhost/0 --delete
    """
    if delete:
        asked("remove entries that only the target has", yes=yes)
    report = sync(source, target, delete=delete, progress=bar())
    click.echo(f"{report.copied:,} written, {report.deleted:,} removed in {report.seconds:.1f} s", err=True)


@click.command("save")
@store_argument
@click.argument("file")
def save_command(url: str, file: str) -> None:
    """Save a store as one file, on disk or on any filesystem of fsspec.

    \b
    Example: spoonbill save lmdb:users.lmdb users.snapshot
    """
    with opened(url) as store:
        store.save(file, progress=bar())


@click.command("load")
@store_argument
@click.argument("file")
@click.option("--yes", is_flag=True, help="Do not ask.")
def load_command(url: str, file: str, yes: bool) -> None:
    """Replace the contents of a store by a saved file.

    \b
    Example: spoonbill load redis://localhost/0 users.snapshot --yes
    """
    with opened(url) as store:
        if store.keys(limit=1).first(MISSING) is not MISSING:
            asked(f"replace the {len(store):,} entries of {store!r}", yes=yes)
        store.load(file, progress=bar())
