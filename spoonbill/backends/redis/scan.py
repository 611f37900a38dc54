"""Listing the keys of Redis servers: each name once, in bounded memory, whatever happens meanwhile."""

from array import array
from collections.abc import Iterable, Iterator
from typing import Any

from spoonbill.backends.redis.connection import Link
from spoonbill.errors import StoreError

_PARTS = 64
_SMALLEST = 64
_COUNTS = (100, 1000)
_FIRST_COUNT = 10
_PASSES = 10


class Seen:
    """Which names came by, as 64-bit hashes in flat tables: at most 20 bytes a name.

    Two names with one hash would be taken for one, and the second would not be listed. Among a million names that
    happens once in some 37 million listings (n² / 2⁶⁵). Python keys its hashes anew in each process, so nobody can
    choose names that collide, unless PYTHONHASHSEED is fixed.
    """

    def __init__(self) -> None:
        # Many small tables, so that the one that grows, and is there twice while it does, is a small part of all.
        self._tables = [array("q", bytes(8 * _SMALLEST)) for _ in range(_PARTS)]
        self._masks = [_SMALLEST - 1] * _PARTS
        self._room = [_room(_SMALLEST)] * _PARTS  # until a table grows

    def fresh(self, names: Iterable[bytes]) -> list[bytes]:
        """Return those of `names` that did not come by before."""
        tables, masks, room = self._tables, self._masks, self._room
        new: list[bytes] = []
        append = new.append
        for name in names:
            code = hash(name) or 1  # 0 is an empty place
            part = code & 63
            table = tables[part]
            mask = masks[part]
            at = code >> 6 & mask
            while there := table[at]:
                if there == code:
                    break
                at = at + 1 & mask
            else:
                table[at] = code
                append(name)
                room[part] = left = room[part] - 1
                if not left:
                    self._grow(part)
        return new

    def _grow(self, part: int) -> None:
        smaller = self._tables[part]
        size = 2 * len(smaller)
        self._tables[part] = table = array("q", bytes(8 * size))
        self._masks[part] = mask = size - 1
        self._room[part] = _room(size) - _room(size // 2)
        for code in filter(None, smaller):
            at = code >> 6 & mask
            while table[at]:
                at = at + 1 & mask
            table[at] = code

    @property
    def size(self) -> int:
        """The memory that the tables take, in bytes."""
        return sum(len(table) * table.itemsize for table in self._tables)


def _room(size: int) -> int:
    """Return how many hashes a table of `size` places takes: so many that it has 20 bytes for each when it doubled."""
    return size * 5 // 6


def scanned(link: Link, match: bytes) -> Iterator[list[bytes]]:
    """Yield the names that match, in lists; each name once.

    A name that is there all the time comes. One that comes or goes meanwhile may come or not; while a cluster moves
    slots, one that moves may be missed. A cursor means nothing to a server that started anew, so the servers are
    compared at the end, and where one changed all are scanned again.

    The first list is short, so that who needs one name does not read a thousand.
    """
    servers = link.servers()
    seen = Seen()
    if len(servers) == 1:
        cursor, names = _page(link, servers[0], b"0", match, _FIRST_COUNT)
        if names:
            yield seen.fresh(names)
        if cursor == b"0":
            return
    mark = link.mark()
    for _ in range(_PASSES):
        for server in link.servers():
            yield from _pages(link, server, match, seen)
        mark, before = link.mark(), mark
        if mark == before:
            return
    raise StoreError(
        f"the servers changed in each of {_PASSES} scans, so their keys cannot be listed: wait until they stay up"
    )


def _pages(link: Link, server: Any, match: bytes, seen: Seen) -> Iterator[list[bytes]]:
    cursor, position = b"0", 0
    while True:
        cursor, names = _page(link, server, cursor, match, _COUNTS[min(position, len(_COUNTS) - 1)])
        if names and (new := seen.fresh(names)):
            yield new
        if cursor == b"0":
            return
        position += 1


def _page(link: Link, server: Any, cursor: bytes, match: bytes, count: int) -> tuple[bytes, list[bytes]]:
    wanted = () if match == b"*" else ("MATCH", match)
    following, names = link.ask(server, ("SCAN", cursor, *wanted, "COUNT", count))
    return following, names
