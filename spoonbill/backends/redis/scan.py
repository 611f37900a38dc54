"""Listing the keys of Redis servers: each name once, whatever happens meanwhile."""

from collections.abc import Iterator
from typing import Any

from spoonbill.backends.redis.connection import RedisConnection
from spoonbill.errors import StoreError

_COUNTS = (100, 1000)
_FIRST_COUNT = 10
_PASSES = 10


def scan_names(connection: RedisConnection, match: bytes) -> Iterator[list[bytes]]:
    """Yield the names that match, in lists; each name once.

    A name that is there all the time comes. One that comes or goes meanwhile may come or not; while a cluster moves
    slots, one that moves may be missed. A cursor means nothing to a server that started anew, so the servers are
    compared at the end, and where one changed all are scanned again.

    A server may list a name twice, so the names that came are held in memory while the listing runs: some 100 bytes and
    the name itself for each. The shares of a store bound that: each holds its own names alone.

    The first list is short, so that who needs one name does not read a thousand.
    """
    servers = connection.servers()
    seen: set[bytes] = set()
    if len(servers) == 1:
        cursor, names = scan_page(connection, servers[0], b"0", match, _FIRST_COUNT)
        if names:
            yield take_new(names, seen)
        if cursor == b"0":
            return
    mark = connection.mark()
    for _ in range(_PASSES):
        for server in connection.servers():
            yield from _pages(connection, server, match, seen)
        mark, before = connection.mark(), mark
        if mark == before:
            return
    raise StoreError(
        f"the servers changed in each of {_PASSES} scans, so their keys cannot be listed: wait until they stay up"
    )


def _pages(connection: RedisConnection, server: Any, match: bytes, seen: set[bytes]) -> Iterator[list[bytes]]:
    cursor, position = b"0", 0
    while True:
        cursor, names = scan_page(connection, server, cursor, match, _COUNTS[min(position, len(_COUNTS) - 1)])
        if names and (new := take_new(names, seen)):
            yield new
        if cursor == b"0":
            return
        position += 1


def scan_page(
    connection: RedisConnection, server: Any, cursor: bytes, match: bytes, count: int
) -> tuple[bytes, list[bytes]]:
    """Return the cursor of the next page, and the names of this one."""
    wanted = () if match == b"*" else ("MATCH", match)
    following, names = connection.ask(server, ("SCAN", cursor, *wanted, "COUNT", count))
    return following, names


def take_new(names: list[bytes], seen: set[bytes]) -> list[bytes]:
    """Return those of `names` that are not in `seen`, each once, and add them to it."""
    new = [name for name in dict.fromkeys(names) if name not in seen]
    seen.update(new)
    return new
