"""How deep values may be nested and how their keys may collide: one limit for everything that is written or read.

Bytes that others wrote must not decide how deep the machine's stack grows, nor how long a set takes to build. The
limits hold on both sides, so that whatever is written can be read.
"""

import copy
import gc
import sys
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any, Final

__all__ = ["MOST_COLLISIONS", "MOST_LEVELS", "collides", "copied", "is_deeper", "levels", "shown"]

MOST_LEVELS: Final = 500
"""How many lists, tuples, sets, frozensets and dicts may be nested inside each other, of all kinds together."""

MOST_COLLISIONS: Final = 128
"""How many keys of one dict, or elements of one set, may have the same ``hash``: their cost grows with the square."""

_CONTAINERS: Final = frozenset({list, dict, tuple, set, frozenset})
_MANY: Final = 4096


def levels(value: Any, most: int = MOST_LEVELS) -> Iterator[tuple[list[Any], set[type]]]:
    """Yield, level by level, the containers of a value and the types of what is in them.

    Parameters
    ----------
    value : object
        What to look through. Only the builtin containers are entered.
    most : int, optional
        The level after which to stop, whether or not there are more.

    Yields
    ------
    tuple of list and set
        The containers of one level, and the types of all their parts, keys as well.
    """
    containers = [value] if type(value) in _CONTAINERS else []
    for _ in range(most):
        # All parts of one level, in one call: a walk in Python would outweigh the encoding.
        parts = gc.get_referents(*containers)
        kinds = set(map(type, parts))
        yield containers, kinds
        if kinds.isdisjoint(_CONTAINERS):
            return
        containers = parts if kinds <= _CONTAINERS else _containers(parts)
        if len(containers) > _MANY:
            containers = _each_once(containers)


def is_deeper(value: Any, most: int = MOST_LEVELS, *, among: int = sys.maxsize) -> bool:
    """Return whether containers are nested inside each other in more than `most` levels, endless ones among them.

    Parameters
    ----------
    value : object
        What to look through.
    most : int, optional
        How many levels are allowed.
    among : int, optional
        How many containers there can be: where too few are left to be deep, the search ends.
    """
    containers = [value] if type(value) in _CONTAINERS else []
    for depth in range(1, most + 1):
        among -= len(containers)
        if depth + among <= most:
            return False
        parts = gc.get_referents(*containers)
        if not gc.get_referents(*parts):  # nothing in them has parts of its own: there is one level more at most
            return depth == most and bool(_containers(parts))
        containers = _containers(parts)
        if not containers:
            return False
        if len(containers) > _MANY:
            containers = _each_once(containers)
    return True


def _containers(parts: list[Any]) -> list[Any]:
    return [part for part in parts if type(part) in _CONTAINERS]


def _each_once(containers: list[Any]) -> list[Any]:
    """Without this a list of twice the same list, of twice the same list, ... would take for ever."""
    return list({id(container): container for container in containers}.values())


def collides(keys: Collection[Any]) -> bool:
    """Return whether more than `MOST_COLLISIONS` of these hashable keys have the same hash."""
    if len(keys) <= MOST_COLLISIONS:
        return False
    if len(keys) - len(set(map(hash, keys))) < MOST_COLLISIONS:
        return False
    return max(Counter(map(hash, keys)).values()) > MOST_COLLISIONS


def copied(value: Any) -> Any:
    """Return a deep copy of a value, however deep it is nested.

    Parameters
    ----------
    value : object
        Anything that :func:`copy.deepcopy` copies.

    Returns
    -------
    object
        What `deepcopy` returns; builtin containers that are nested beyond Python's recursion are copied without it.
    """
    try:
        return copy.deepcopy(value)
    except RecursionError:
        return _copied_deep(value)


def shown(value: Any) -> str:
    """Return the `repr` of a value for a message, or its type where it is nested beyond Python's recursion."""
    try:
        return repr(value)
    except RecursionError:
        return f"<{type(value).__name__} of many levels>"


def _copied_deep(value: Any) -> Any:
    """Copy containers from the innermost outwards; `deepcopy` then finds the parts of each in its memo."""
    memo: dict[int, Any] = {}
    open_nodes: set[int] = set()
    nodes = [value]
    while nodes:
        node = nodes[-1]
        parts = [
            part
            for part in gc.get_referents(node)
            if type(part) in _CONTAINERS and id(part) not in memo and id(part) not in open_nodes
        ]
        if parts and type(node) in _CONTAINERS and id(node) not in open_nodes:
            open_nodes.add(id(node))
            nodes.extend(parts)
            continue
        nodes.pop()
        memo[id(node)] = copy.deepcopy(node, memo)
    return memo[id(value)]
