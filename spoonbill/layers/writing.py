"""Writes through a cache, which drops what they change."""

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spoonbill.layers.cached import Cached

__all__ = ["Writing"]


class Writing:
    """A write through a cache. Cut off by an exception from outside, it leaves a mark, and the cache is forgotten."""

    def __init__(self, cached: "Cached[Any, Any]", keys: Iterable[Any] | None) -> None:
        self._cached = cached
        self._keys = keys

    def __enter__(self) -> float:
        """Return when the write began, by ``time.monotonic()``."""
        self._cached._begin_write(self, self._keys)  # noqa: SLF001 - one thing in two classes
        return time.monotonic()

    def __exit__(self, *_error: object) -> None:
        self._cached._end_write(self, self._keys)  # noqa: SLF001
