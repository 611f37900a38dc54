"""The asynchronous face of every store: the same stack, awaited."""

from spoonbill.aio.opening import aopen
from spoonbill.aio.results import AsyncResults
from spoonbill.aio.store import AsyncStore

__all__ = ["AsyncResults", "AsyncStore", "aopen"]
