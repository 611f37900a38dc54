"""Commands that show what a store can do."""

import time
from collections.abc import Callable
from secrets import token_hex
from typing import Any, Final

import click

from spoonbill.cli.common import opened, store_argument
from spoonbill.layers import Prefixed
from spoonbill.store import Store

_AIRPORTS: Final = {
    "LSZH": {"name": "Zurich", "country": "CH", "elevation": 432},
    "LSGG": {"name": "Geneva", "country": "CH", "elevation": 430},
    "EDDF": {"name": "Frankfurt", "country": "DE", "elevation": 111},
    "EDDM": {"name": "Munich", "country": "DE", "elevation": 453},
    "LFPG": {"name": "Paris Charles de Gaulle", "country": "FR", "elevation": 119},
}


@click.command("bench")
@store_argument
@click.option("--count", default=1000, show_default=True, help="Entries.")
@click.option("--size", default=100, show_default=True, help="Bytes of a value.")
def bench_command(url: str, count: int, size: int) -> None:
    """Measure set, get and batches of a store, in a namespace that is removed again.

    \b
    Example: spoonbill bench redis://localhost/0 --count 5000
    """
    with opened(url) as store:
        space: Store[Any, Any] = Prefixed(store, f"bench-{token_hex(4)}:")
        pairs = {str(number): "x" * size for number in range(count)}
        try:
            for name, work, times in _work(space, pairs):
                start = time.perf_counter()
                work()
                seconds = time.perf_counter() - start
                click.echo(f"{name:10} {times / seconds:12,.0f} a second {seconds / times * 1e6:12,.1f} us each")
        finally:
            space.clear()


def _work(space: Store[Any, Any], pairs: dict[str, str]) -> list[tuple[str, Callable[[], object], int]]:
    count = len(pairs)
    return [
        ("set", lambda: [space.set(key, value) for key, value in pairs.items()], count),
        ("get", lambda: [space.get(key) for key in pairs], count),
        ("in", lambda: [key in space for key in pairs], count),
        ("update", lambda: space.update(pairs), count),
        ("get_many", lambda: space.get_many(pairs), count),
        ("keys", lambda: list(space), count),
        ("items", lambda: list(space.items()), count),
    ]


@click.command("demo")
@click.argument("url", default="memory:")
def demo_command(url: str) -> None:
    """Put some airports into a store, and show what can be asked.

    \b
    Example: spoonbill demo lmdb:airports.lmdb
    """
    with opened(url) as store:
        store.update(_AIRPORTS)
        click.echo(f"{len(store)} airports in {store!r}")
        for title, found in (
            ('keys("ED*")', list(store.keys("ED.*"))),
            ('items({"country": "CH"})', [key for key, _ in store.items({"country": "CH"})]),
        ):
            click.echo(f"{title:28} {', '.join(map(str, found))}")
        click.echo(str(store.explain("ED.*")))
