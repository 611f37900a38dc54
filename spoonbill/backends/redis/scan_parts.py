"""Parts of one Redis server: ranges of its hash table, each scanned from its own cursor.

A cursor of SCAN counts with its bits reversed, so that it keeps its meaning while the table grows and shrinks: read
from the lowest bit up, it is a position in the order of the keys' hashes, which never changes. So a table can be
entered anywhere. That is how these servers are made and no promise of theirs, so it is probed before it is used.
"""

from collections.abc import Iterator
from typing import Any

from spoonbill.backends.redis.connection import RedisConnection
from spoonbill.backends.redis.scan import scan_page, take_new
from spoonbill.errors import StoreError
from spoonbill.query import Part

SCAN = "scan"
"""The kind of a part: ``("scan", run_id, start, stop, bits)``, slices from `start` up to `stop` of 2^bits."""

_WORD = 64
_END = 1 << _WORD
_KEYS_A_SLICE = 64
"""A table has more places than slices then, so that no place belongs to two."""
_FEWEST_A_SLICE = 8
"""A table of so many keys a slice has not shrunk to fewer places than slices."""
_FINER = 4
"""Bits that slices are finer than the number of parts asks for, so that parts are even."""
_COUNT = 1000
_SPREAD = 4
"""A page that spans a share of the table holds that share of its keys, within this factor."""


def split_table(connection: RedisConnection, count: int) -> list[Part] | None:
    """Return up to `count` parts of the one server; None where it has too few keys or no such cursors."""
    server = connection.servers()[0]
    run_id = connection.run_of(server)
    size = connection.ask(server, ("DBSIZE",))
    finer = _FINER if count & (count - 1) else 0  # a power of two is even as it is
    bits = min((size // _KEYS_A_SLICE).bit_length() - 1, (count - 1).bit_length() + finer)
    if run_id is None or bits < 1 or count < 2 or not _counts_reversed(connection, server, size):
        return None
    slices = 1 << bits
    count = min(count, slices)
    bounds = [index * slices // count for index in range(count + 1)]
    return [(SCAN, run_id, bounds[index], bounds[index + 1], bits) for index in range(count)]


def scan_part(connection: RedisConnection, part: Part, match: bytes) -> Iterator[list[bytes]]:
    """Yield the names in a part that match, in lists; each that is there all the time exactly once.

    The names that came are held in memory, as in a listing of everything.

    Raises
    ------
    StoreError
        If the server is another one than when the part was made, or lost so many keys since that its table has fewer
        places than slices.
    """
    _, run_id, start, stop, bits = part
    server = connection.servers()[0]
    _check_server(connection, server, run_id, bits)
    first, end = start << _WORD - bits, stop << _WORD - bits
    seen: set[bytes] = set()
    position = first
    while position < end:
        following, names = _page(connection, server, position, match)
        if following > end:  # the rest of this page is the beginning of the next part
            others = _names_between(connection, server, end, following, match)
            names = [name for name in names if name not in others]
        position = following
        if new := take_new(names, seen):
            yield new
    _check_server(connection, server, run_id, bits)


def _page(connection: RedisConnection, server: Any, position: int, match: bytes) -> tuple[int, list[bytes]]:
    """Return the position after a page, and the names on it."""
    cursor, names = scan_page(connection, server, b"%d" % _reverse(position), match, _COUNT)
    following = _END if cursor == b"0" else _reverse(int(cursor))
    if following <= position:
        raise StoreError(
            "the cursors of this server's SCAN do not go forward as they did when it was split: split it again"
        )
    return following, names


def _names_between(connection: RedisConnection, server: Any, start: int, end: int, match: bytes) -> set[bytes]:
    found: set[bytes] = set()
    while start < end:
        start, names = _page(connection, server, start, match)
        found.update(names)
    return found


def _counts_reversed(connection: RedisConnection, server: Any, size: int) -> bool:
    """Return whether a page from the middle of the table goes forward, and holds as many keys as its span should."""
    middle = 1 << _WORD - 1
    try:
        following, names = _page(connection, server, middle, b"*")
        if following < _END:
            _page(connection, server, following, b"*")
    except StoreError:  # it does not go forward
        return False
    expected = size * (following - middle) / _END
    return len(names) < _SPREAD * expected and expected < _SPREAD * len(names)


def _check_server(connection: RedisConnection, server: Any, run_id: bytes, bits: int) -> None:
    if connection.run_of(server) != run_id:
        raise StoreError("the server is another one, or started anew, since its keys were split: split them again")
    if connection.ask(server, ("DBSIZE",)) < _FEWEST_A_SLICE << bits:
        raise StoreError("so many keys were removed since they were split that the parts mix: split them again")


def _reverse(number: int) -> int:
    """Return a number of 64 bits with its bits in the other order."""
    return int(f"{number:064b}"[::-1], 2)
