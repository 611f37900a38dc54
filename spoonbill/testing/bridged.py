"""Tests that run in a bridge, so that synchronous calls in them go by the clients of an event loop."""

import asyncio
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from spoonbill.common.bridging.bridge import drive

__all__ = ["Bridged"]


class Bridged:
    """Put it before a contract, and each of its tests runs in a bridge: the store waits by its event loop's handles.

    ::

        class TestMyStoreInBridges(Bridged, StoreContract):
            def make(self, path):
                return MyStore(path / "data")

    A subclass of one that is bridged is bridged too. Needs greenlet.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name in dir(cls):
            test = getattr(cls, name)
            if name.startswith("test_") and callable(test) and not hasattr(test, "runs_in_a_bridge"):
                setattr(cls, name, _in_a_bridge(test))


def _in_a_bridge(test: Callable[..., Any]) -> Callable[..., None]:
    @wraps(test)
    def run(*arguments: Any, **options: Any) -> None:
        asyncio.run(drive(partial(test, *arguments, **options)))

    vars(run)["runs_in_a_bridge"] = True
    return run
