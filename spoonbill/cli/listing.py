"""Commands that list."""

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

import click

from spoonbill.cli.common import conditions_of, opened, pattern_of, search_options, store_argument
from spoonbill.cli.values import shown, to_json
from spoonbill.common.sentinels import MISSING


def found_keys(store: Any, where: tuple[str, ...], pattern: Any, limit: int | None) -> Iterator[Any]:
    """Yield the keys that match a pattern and conditions."""
    if not where:
        return iter(store.keys(pattern, limit))
    return (key for key, _ in found_pairs(store, where, pattern, limit))


def found_pairs(store: Any, where: tuple[str, ...], pattern: Any, limit: int | None) -> Iterator[tuple[Any, Any]]:
    """Yield the entries that match a pattern and conditions."""
    conditions = conditions_of(where) if where else MISSING
    if pattern == "*":
        return iter(store.items(conditions, limit))
    shares = store.shares(1, pattern=pattern, conditions=conditions)
    return islice((pair for share in shares for pair in share.entries()), limit)


@click.command("keys")
@store_argument
@search_options
@click.option("--json", "as_json", is_flag=True, help="One JSON value a line.")
def keys_command(
    url: str,
    pattern: str | None,
    expression: str | None,
    begin: str | None,
    where: tuple[str, ...],
    limit: int | None,
    as_json: bool,
) -> None:
    """List keys, one a line.

    \b
    Example: spoonbill keys lmdb:users.lmdb --glob 'a*' --limit 10
    """
    with opened(url) as store:
        for key in found_keys(store, where, pattern_of(pattern, expression, begin), limit):
            click.echo(
                json.dumps(to_json(key), ensure_ascii=False) if as_json else key if isinstance(key, str) else repr(key)
            )


@click.command("items")
@store_argument
@search_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, with key and value.")
def items_command(
    url: str,
    pattern: str | None,
    expression: str | None,
    begin: str | None,
    where: tuple[str, ...],
    limit: int | None,
    as_json: bool,
) -> None:
    """List keys with their values, one a line, with a tab between.

    \b
    Example: spoonbill items lmdb:users.lmdb --where born='>1800'
    """
    with opened(url) as store:
        for key, value in found_pairs(store, where, pattern_of(pattern, expression, begin), limit):
            if as_json:
                click.echo(json.dumps({"key": to_json(key), "value": to_json(value)}, ensure_ascii=False))
            else:
                click.echo(f"{key}\t{shown(value)}")


@click.command("count")
@store_argument
@search_options
def count_command(
    url: str, pattern: str | None, expression: str | None, begin: str | None, where: tuple[str, ...], limit: int | None
) -> None:
    """Print the number of keys, or of those that match.

    \b
    Example: spoonbill count lmdb:users.lmdb --prefix a
    """
    with opened(url) as store:
        wanted = pattern_of(pattern, expression, begin)
        everything = wanted == "*" and not where and limit is None
        click.echo(len(store) if everything else sum(1 for _ in found_keys(store, where, wanted, limit)))
