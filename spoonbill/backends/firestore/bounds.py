"""Names that share out a collection about evenly, found by counting: a count bills one read for 1,000 documents."""

from typing import Final

from spoonbill.backends.firestore.filters import BY_NAME, Test
from spoonbill.backends.firestore.private_api import FirestoreConnection
from spoonbill.backends.firestore.pushdown import name_after
from spoonbill.backends.firestore.query import listed, query_message

__all__ = ["between", "find_bounds"]

_FEW: Final = 1000
"""Documents whose names are read in place of being counted."""

_TOLERANCE: Final = 0.05
"""How far a bound may be from its place, as a part of a share."""

_NEARLY_ALL: Final = 0.99

_MOST_COUNTS: Final = 200
"""Counts that one bound may cost."""

_ASCII: Final = 0x80
_END: Final = 0x110000


def find_bounds(connection: FirestoreConnection, count: int) -> list[str]:
    """Return the names, in order, that share out a collection about evenly: `count` - 1 at most, or fewer.

    Parameters
    ----------
    connection : FirestoreConnection
        The way to the collection.
    count : int
        How many shares.
    """
    if count == 1:
        return []
    total = connection.count(query_message(connection))
    if total <= _FEW:
        names = [name for name, _ in listed(connection, [()], keys_only=True)]
        return [names[place] for place in sorted({len(names) * share // count for share in range(1, count)} - {0})]
    bounds: list[str] = []
    slack = total / count * _TOLERANCE
    wanted = [total * share / count for share in range(1, count)]
    low, high = _common_range(connection, total)
    ranges: list[tuple[str, str | None, float, list[float], int]] = [(low, high, 0, wanted, 0)]
    while ranges:
        low, high, below, places, depth = ranges.pop()
        middle = between(low, high)
        if not places or middle is None or depth == _MOST_COUNTS:
            continue
        place = below + _count(connection, low, middle)
        if any(abs(each - place) <= slack for each in places):
            bounds.append(middle)
        ranges.append((low, middle, below, [each for each in places if each < place - slack], depth + 1))
        ranges.append((middle, high, place, [each for each in places if each > place + slack], depth + 1))
    return sorted(bounds)


def _common_range(connection: FirestoreConnection, total: int) -> tuple[str, str | None]:
    """Return the range of the names that begin as nearly all do: names often have a long beginning in common."""
    first = next((name for name, _ in listed(connection, [()], keys_only=True, limit=1)), "")
    least, most = 0, len(first)
    while least < most:
        size = (least + most + 1) // 2
        after = name_after(first[:size])
        if after is not None and _count(connection, "", after) >= total * _NEARLY_ALL:
            least = size
        else:
            most = size - 1
    return first[:least], name_after(first[:least]) if least else None


def _count(connection: FirestoreConnection, low: str, high: str) -> int:
    tests = [Test(BY_NAME, "from", low)] if low else []
    return connection.count(query_message(connection, [*tests, Test(BY_NAME, "until", high)]))


def between(low: str, high: str | None) -> str | None:
    """Return a name between two others, above the first and below the second (None: the end), or None if there is none.

    It halves the characters that can come first where the two differ, ASCII before all others.
    """
    at = 0
    while high is not None and at < len(low) and low[at] == high[at]:
        at += 1
    start = low[:at]
    first = ord(low[at]) if at < len(low) else -1
    last = _END if high is None else ord(high[at])
    middle = _ASCII if first < _ASCII - 1 and last > _ASCII else (first + last) // 2
    for code in (middle, middle + 1, middle - 1):
        if first < code < last and _is_free(code):
            name = start + chr(code)
            return name + "\0" if name in {".", ".."} else name
    if high is not None and len(high) > at + 1 and _is_free(last):
        return high[: at + 1]
    return None if first < 0 else _after(low, at)


def _after(low: str, at: int) -> str | None:
    rest = between(low[at + 1 :], None)
    return None if rest is None else low[: at + 1] + rest


def _is_free(code: int) -> bool:
    """Return whether a character can be in a name: no slash, and no half of a pair."""
    return code != ord("/") and not 0xD800 <= code <= 0xDFFF
