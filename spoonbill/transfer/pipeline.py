"""Reading ahead: the next batch is read while the last one is written."""

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

__all__ = ["read_ahead"]

T = TypeVar("T")


@contextmanager
def read_ahead(batches: Generator[T]) -> Iterator[Iterator[T]]:
    """Give `batches`, none of which is None, the next one of them read ahead in a thread.

    At the end of the block, also by an error, nothing reads any more, and `batches` is closed: the store that it reads
    may be closed then.
    """
    from concurrent.futures import ThreadPoolExecutor

    with closing(batches), ThreadPoolExecutor(1, "spoonbill-reader") as reader:
        yield _ahead(batches, reader)


def _ahead(batches: Generator[T], reader: "ThreadPoolExecutor") -> Iterator[T]:
    ahead = reader.submit(next, batches, None)
    while (batch := ahead.result()) is not None:
        ahead = reader.submit(next, batches, None)
        yield batch
