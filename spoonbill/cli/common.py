"""What commands share: opening stores, keys, conditions, and words that ask."""

import json
import sys
from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from spoonbill import eq, exists, ge, glob, gt, le, lt, ne, prefix, regex
from spoonbill.cli.completion import complete_store
from spoonbill.store import Store
from spoonbill.urls import open_store

__all__ = ["asked", "bar", "beside_bar", "conditions_of", "opened", "pattern_of", "search_options", "store_argument"]

F = TypeVar("F", bound=Callable[..., Any])

_SIGNS: Final[tuple[tuple[str, Callable[[Any], Any]], ...]] = (
    (">=", ge),
    ("<=", le),
    ("!=", ne),
    (">", gt),
    ("<", lt),
    ("=", eq),
)


def opened(url: str) -> Store[Any, Any]:
    """Open a store by its URL or name."""
    return open_store(url)


def store_argument(function: F) -> F:
    """Add the argument that names the store."""
    return click.argument("url", metavar="URL", shell_complete=complete_store)(function)


def search_options(function: F) -> F:
    """Add the options that choose entries."""
    for option in (
        click.option("--limit", type=int, help="Stop after this many."),
        click.option(
            "--where", multiple=True, metavar="FIELD=VALUE", help="A condition: a=1, a='>5', a='~ab.*', a=?, a=!?."
        ),
        click.option("--prefix", "begin", help="Keys that begin with this."),
        click.option("--regex", "expression", help="Keys that match this regular expression."),
        click.option("--glob", "pattern", help="Keys that match this pattern, such as 'user:*'."),
    ):
        function = option(function)
    return function


def pattern_of(pattern: str | None, expression: str | None, begin: str | None) -> Any:
    """Return the pattern of the options; only one of them may be given."""
    given = [word(text) for word, text in ((glob, pattern), (regex, expression), (prefix, begin)) if text is not None]
    if len(given) > 1:
        raise click.UsageError("give one of --glob, --regex and --prefix")
    return given[0] if given else "*"


def conditions_of(where: tuple[str, ...]) -> dict[str, Any]:
    """Return the conditions of ``--where`` options."""
    conditions: dict[str, Any] = {}
    for text in where:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise click.BadParameter(f"{text!r} is no FIELD=VALUE", param_hint="--where")
        conditions[name] = _condition(value)
    return conditions


def _condition(text: str) -> Any:
    if text in {"?", "!?"}:
        return exists(text == "?")
    if text.startswith("~"):
        return regex(text[1:])
    for sign, word in _SIGNS:
        if text.startswith(sign):
            return word(_value(text[len(sign) :]))
    return eq(_value(text))


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def asked(question: str, *, yes: bool) -> None:
    """Ask before something is lost; without a terminal ``--yes`` is wanted."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError(f"{question}: say --yes")
    click.confirm(question, abort=True, err=True)


def beside_bar() -> Callable[[str], object]:
    """Return what prints a line: where it shares a terminal with a bar, the bar makes room for it."""
    if not (bar() and sys.stdout.isatty()):
        return click.echo
    from tqdm.auto import tqdm

    return tqdm.write


def bar() -> bool:
    """Return whether to show a bar: where the errors go to a terminal."""
    return sys.stderr.isatty()
