"""DynamoDB's batch calls: what the service leaves undone is asked for again, more and more slowly."""

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from spoonbill.backends.dynamodb.errors import ThrottledError

__all__ = ["get_all_items", "get_items", "write_requests"]

_AT_ONCE = 4
"""Batch reads on their way at a time: the client holds ten connections, and the service bills the same."""
_ATTEMPTS = 9
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 5.0

pause: Callable[[float], None] = time.sleep


def get_items(client: Any, table: str, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the items of one batch read of at most 100 keys, in no order.

    Parameters
    ----------
    client : object
        The low-level client.
    table : str
        The table's name.
    request : dict
        The keys, all different, and the options, as ``BatchGetItem`` takes them for a table.

    Raises
    ------
    Throttled
        If some were left undone again and again.
    """
    for _ in _attempts("read"):
        answer = client.batch_get_item(RequestItems={table: request})
        yield from answer["Responses"].get(table, ())
        request = answer.get("UnprocessedKeys", {}).get(table)
        if not request:
            return


def get_all_items(client: Any, table: str, requests: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the items of several batch reads, a few of them on their way at a time, in no order."""
    if len(requests) == 1:
        yield from get_items(client, table, requests[0])
        return
    with ThreadPoolExecutor(min(_AT_ONCE, len(requests))) as pool:
        for items in pool.map(lambda request: list(get_items(client, table, request)), requests):
            yield from items


def write_requests(client: Any, table: str, requests: list[dict[str, Any]]) -> None:
    """Send one batch of at most 25 writes, for keys that are all different.

    Raises
    ------
    Undone
        If some were left undone again and again, or a call failed after some were done.
    """
    left = requests
    try:
        for _ in _attempts("write"):
            answer = client.batch_write_item(RequestItems={table: left})
            left = answer.get("UnprocessedItems", {}).get(table)
            if not left:
                return
    except Exception as error:
        raise UndoneError(left, error) from error


class UndoneError(Exception):
    """A batch of writes of which some were not done.

    Attributes
    ----------
    requests : list
        Those that were not.
    cause : Exception
        Why.
    """

    def __init__(self, requests: list[dict[str, Any]], cause: Exception) -> None:
        super().__init__(str(cause))
        self.requests = requests
        self.cause = cause


def _attempts(what: str) -> Iterator[int]:
    """Count attempts; before each but the first comes a pause that doubles, shortened at random to part callers."""
    for attempt in range(_ATTEMPTS):
        if attempt:
            longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempt)
            pause(longest * random.uniform(0.5, 1))  # noqa: S311 - no secret
        yield attempt
    raise ThrottledError(f"the service left items of a batch {what} undone in {_ATTEMPTS} attempts")
