"""Reading ahead: the next batch is read while the last one is written."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

__all__ = ["read_ahead"]

T = TypeVar("T")


def read_ahead(batches: Iterable[T]) -> Iterator[T]:
    """Yield `batches`, none of which is None, the next one of them read ahead in a thread."""
    from concurrent.futures import ThreadPoolExecutor

    source = iter(batches)
    with ThreadPoolExecutor(1, "spoonbill-reader") as reader:
        ahead = reader.submit(next, source, None)
        while (batch := ahead.result()) is not None:
            ahead = reader.submit(next, source, None)
            yield batch
