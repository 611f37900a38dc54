"""Commands on single entries."""

import json
import sys
from typing import Any

import click

from spoonbill.cli.common import asked, opened, store_argument
from spoonbill.cli.completion import complete_key
from spoonbill.cli.values import read_value, shown, to_json
from spoonbill.common.sentinels import MISSING

_KEY_HELP = "Keys are strings; with --json-key they are JSON, so that 5 is a number and [1, 2] a tuple."


def _key(text: str, *, json_key: bool) -> Any:
    if not json_key:
        return text
    try:
        key = json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is no JSON: {error}", param_hint="KEY") from None
    return tuple(key) if isinstance(key, list) else key


@click.command("get")
@store_argument
@click.argument("key", shell_complete=complete_key)
@click.option("--raw", is_flag=True, help="Write bytes and text as they are.")
@click.option("--json-key", is_flag=True, help=_KEY_HELP)
@click.option("--json", "as_json", is_flag=True, help="JSON, also of what it does not hold.")
def get_command(url: str, key: str, raw: bool, json_key: bool, as_json: bool) -> int:
    """Print the value of a key; exit code 1 where it is absent.

    \b
    Example: spoonbill get lmdb:users.lmdb ada
    """
    with opened(url) as store:
        value = store.get(_key(key, json_key=json_key), MISSING)
    if value is MISSING:
        click.echo(f"absent: {key}", err=True)
        return 1
    if raw and isinstance(value, (bytes, str)):
        sys.stdout.buffer.write(value if isinstance(value, bytes) else value.encode())
        sys.stdout.flush()
    else:
        click.echo(json.dumps(to_json(value), ensure_ascii=False) if as_json else shown(value))
    return 0


@click.command("set")
@store_argument
@click.argument("key", shell_complete=complete_key)
@click.argument("value")
@click.option("--raw", is_flag=True, help="The value is bytes, not JSON.")
@click.option("--text", is_flag=True, help="The value is text, not JSON.")
@click.option("--ttl", type=float, help="Seconds after which it expires.")
@click.option("--add", is_flag=True, help="Only where the key is absent; exit code 1 where it is not.")
@click.option("--json-key", is_flag=True, help=_KEY_HELP)
def set_command(
    url: str, key: str, value: str, raw: bool, text: bool, ttl: float | None, add: bool, json_key: bool
) -> int:
    """Set the value of a key: JSON, @file, or - for the standard input.

    \b
    Example: spoonbill set lmdb:users.lmdb ada '{"born": 1815}'
    """
    data = read_value(value, raw=raw or text)
    options = {} if ttl is None else {"ttl": ttl}
    with opened(url) as store:
        wanted = data.decode() if text else data
        name = _key(key, json_key=json_key)
        if add:
            return 0 if store.add(name, wanted, **options) else 1
        store.set(name, wanted, **options)
    return 0


@click.command("del")
@store_argument
@click.argument("keys", nargs=-1, shell_complete=complete_key)
@click.option("--all", "everything", is_flag=True, help="Remove every key.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json-key", is_flag=True, help=_KEY_HELP)
def del_command(url: str, keys: tuple[str, ...], everything: bool, yes: bool, json_key: bool) -> int:
    """Remove keys; exit code 1 where none of them was there.

    \b
    Example: spoonbill del lmdb:users.lmdb ada grace
    """
    if bool(keys) == everything:
        raise click.UsageError("give keys, or --all")
    with opened(url) as store:
        if everything:
            asked(f"remove all {len(store):,} entries of {store!r}", yes=yes)
            store.clear()
            return 0
        removed = store.delete_many([_key(key, json_key=json_key) for key in keys])
    click.echo(f"{removed} removed", err=True)
    return 0 if removed else 1


@click.command("ttl")
@store_argument
@click.argument("key", shell_complete=complete_key)
@click.option("--set", "seconds", type=float, help="Let it expire after this many seconds.")
@click.option("--keep", is_flag=True, help="Let it stay.")
@click.option("--json-key", is_flag=True, help=_KEY_HELP)
def ttl_command(url: str, key: str, seconds: float | None, keep: bool, json_key: bool) -> int:
    """Print the seconds after which a key expires, "stays" where it does not; or change that.

    \b
    Example: spoonbill ttl redis://localhost/0 session --set 60
    """
    with opened(url) as store:
        name = _key(key, json_key=json_key)
        if seconds is not None or keep:
            return 0 if store.touch(name, None if keep else seconds) else 1
        try:
            left = store.ttl(name)
        except KeyError:
            click.echo(f"absent: {key}", err=True)
            return 1
    click.echo("stays" if left is None else f"{left:.3f}")
    return 0
