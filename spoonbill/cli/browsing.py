"""The command that shows a store in the browser."""

from contextlib import suppress

import click

from spoonbill.cli.common import opened, store_argument
from spoonbill.layers import Frozen


@click.command("browse")
@store_argument
@click.option("--write", is_flag=True, help="Let the page set and remove entries.")
@click.option("--port", default=0, help="The port on loopback; by default a free one.")
@click.option("--open/--no-open", "show", default=True, help="Open the browser.")
def browse_command(url: str, write: bool, port: int, show: bool) -> None:
    """Look into a store in the browser: keys, values, searches and how they run, the stack and its promises.

    The page is served on loopback until Ctrl-C, at an address that holds a new token each time. Nothing can be changed
    through it without --write.

    \b
    Example: spoonbill browse lmdb:users.lmdb
    """
    try:
        import starlette  # noqa: F401 - a look
        import uvicorn  # noqa: F401 - a look
    except ImportError:
        raise click.ClickException(
            "browse needs starlette and uvicorn: pip install 'spoonbill-framework[browse]'"
        ) from None

    from spoonbill.cli.browse.serving import serve

    def ready(address: str) -> None:
        click.echo(address)
        click.echo("Ctrl-C ends it", err=True)
        if show:
            click.launch(address)

    with opened(url) as store, suppress(KeyboardInterrupt):
        serve(store if write else Frozen(store), port=port, write=write, ready=ready)
