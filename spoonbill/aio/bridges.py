"""Calls in bridges, awaited by the event loop that they run in."""

from collections.abc import Callable
from functools import partial
from typing import Any, ParamSpec, TypeVar

from spoonbill.common.bridging.bridge import can_bridge, drive
from spoonbill.store import Store

__all__ = ["Bridges", "fits"]

P = ParamSpec("P")
R = TypeVar("R")


class Bridges:
    """Runs each call in the loop's own thread, in a greenlet that its waits suspend."""

    async def call(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a function in a bridge and return what it returned. A cancellation is raised where it waits."""
        return await drive(partial(function, *args, **kwargs))


def fits(store: Store[Any, Any]) -> bool:
    """Return whether the event loop can wait for every engine of a stack itself."""
    return can_bridge() and all(engine.awaits or engine.never_waits for engine in store.engines)
