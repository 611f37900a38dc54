"""The group of commands: each is imported when it is run, so that help is quick."""

import os
import sys
from importlib import import_module
from typing import Any, Final

import click

__all__ = ["cli", "run"]

COMMANDS: Final = {
    "get": ("entries", "Print the value of a key."),
    "set": ("entries", "Set the value of a key."),
    "del": ("entries", "Remove keys."),
    "ttl": ("entries", "Print how long a key stays, or change it."),
    "keys": ("listing", "List keys."),
    "items": ("listing", "List keys with their values."),
    "count": ("listing", "Print the number of keys."),
    "info": ("looking", "Describe a store: its classes, limits and guarantees."),
    "explain": ("looking", "Tell how a search would run."),
    "verify": ("looking", "Read everything and report what cannot be read."),
    "stores": ("looking", "List engines, or the stores of spoonbill.toml."),
    "copy": ("moving", "Copy entries from one store to another."),
    "diff": ("moving", "List the keys in which two stores differ."),
    "sync": ("moving", "Bring a store into step with another."),
    "save": ("moving", "Save a store as one file."),
    "load": ("moving", "Replace the contents of a store by a saved file."),
    "import": ("files", "Read a file of rows into a store."),
    "export": ("files", "Write the entries of a store to a file of rows."),
    "browse": ("browsing", "Look into a store in the browser."),
    "bench": ("measuring", "Measure the verbs of a store."),
    "demo": ("measuring", "Try a store in memory with some real data."),
}


class LazyGroup(click.Group):
    """A group that knows its commands by name, and imports one when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click asks so
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click asks so
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"spoonbill.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click asks so
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="spoonbill-framework")
def cli() -> None:
    """Every key-value store from the terminal.

    A store is a URL, such as lmdb:///data/users, redis://localhost/0 or file:///folder, or a name in spoonbill.toml.

    \b
    Examples:
      spoonbill set lmdb:users.lmdb ada '{"born": 1815}'
      spoonbill items lmdb:users.lmdb --where born='>1800'
      spoonbill copy lmdb:users.lmdb redis://localhost/0
    """


def run() -> None:
    """Run a command, and exit with a code that means something."""
    try:
        code: Any = cli.main(prog_name="spoonbill", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("interrupted", err=True)
        code = 130
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except BrokenPipeError:  # the reader of a pipe has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as error:
        code = _told(error)
    sys.exit(code if isinstance(code, int) else 0)


def _told(error: Exception) -> int:
    from spoonbill.errors import SpoonbillError, StoreError

    if not isinstance(error, (SpoonbillError, OSError)):
        raise error
    click.echo(f"spoonbill: {error}", err=True)
    return 3 if isinstance(error, (StoreError, OSError)) else 2
