"""DynamoDB's batch calls: what the service leaves undone is asked for again, more and more slowly."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from spoonbill.backends.dynamodb.errors import ThrottledError
from spoonbill.backends.shared.backoff import attempts
from spoonbill.backends.shared.documents import UnwrittenError

__all__ = ["get_all_items", "get_items", "write_requests"]

_CONCURRENCY = 4
"""Batch reads on their way at a time: the client holds ten connections, and the service bills the same."""
_ATTEMPTS = 9
_FIRST_PAUSE = 0.1


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
    ThrottledError
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
    with ThreadPoolExecutor(min(_CONCURRENCY, len(requests))) as pool:
        for items in pool.map(lambda request: list(get_items(client, table, request)), requests):
            yield from items


def write_requests(
    client: Any, table: str, requests: list[dict[str, Any]], name_of: Callable[[dict[str, Any]], Any]
) -> None:
    """Send one batch of at most 25 writes, for keys that are all different; `name_of` tells the name in one.

    Raises
    ------
    UnwrittenError
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
        raise UnwrittenError([name_of(request) for request in left], error) from error


def _attempts(what: str) -> Iterator[int]:
    yield from attempts(_FIRST_PAUSE, most=_ATTEMPTS)
    raise ThrottledError(f"the service left items of a batch {what} undone in {_ATTEMPTS} attempts")
