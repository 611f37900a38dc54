"""What engines share that list their keys in order: even parts of them, and the plan of a search by prefixes."""

from collections.abc import Iterator
from itertools import islice, pairwise

from spoonbill.query import Plan, Query, Step

__all__ = ["bounds_of", "plan_of_prefixes"]


def bounds_of(keys: Iterator[bytes], total: int, count: int) -> list[bytes]:
    """Return the keys that begin the second and every later of `count` parts of `total` keys, as even as can be."""
    places = sorted({index * total // count for index in range(1, count)} - {0})
    found = (next(islice(keys, after - before - 1, None), None) for before, after in pairwise([-1, *places]))
    return [key for key in found if key is not None]


def plan_of_prefixes(store: object, query: Query) -> Plan | None:
    """Return the plan of a search that reads ranges of keys, None where its pattern tells no beginning."""
    prefixes = ("",) if query.pattern is None else query.pattern.prefixes
    if "" in prefixes:
        return None
    ranges = ", ".join(map(repr, prefixes))
    return Plan(
        steps=(Step(where=repr(store), runs=str(query)),),
        native=f"ranges of keys that begin with {ranges}",
        finished_here=str(query),
        scanned=f"keys that begin with {ranges}",
    )
