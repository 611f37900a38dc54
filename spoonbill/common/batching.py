"""Many things as a few lists of them."""

from collections.abc import Generator, Iterable
from itertools import islice
from typing import TypeVar

__all__ = ["BATCH", "batches"]

T = TypeVar("T")

BATCH = 500
"""How many keys the derived forms read or delete as one batch."""


def batches(things: Iterable[T], size: int = BATCH) -> Generator[list[T]]:
    """Yield `things` in lists of at most `size`."""
    source = iter(things)
    while batch := list(islice(source, size)):
        yield batch
