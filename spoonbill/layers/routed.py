"""One mapping over several stores, by what the keys look like."""

from collections.abc import Mapping
from typing import Any, TypeVar

from spoonbill.common.text import shortened
from spoonbill.errors import InvalidKeyError
from spoonbill.keys import decode_key, encode_key
from spoonbill.layers.partitioned import Partitioned
from spoonbill.query import Pattern, Query, prefix
from spoonbill.store import Store

__all__ = ["Routed"]

K = TypeVar("K")
V = TypeVar("V")


class Routed(Partitioned[K, V]):
    """Each key goes to the store of the first route that it matches; listing, search and batches are over all.

    Keys are stored whole, the prefix included. A key that stands in a store and routes to another one is not seen. A
    search asks only the stores that can have a match.

    Parameters
    ----------
    routes : mapping of str or Pattern to Store
        A str is a prefix; `glob`, `regex`, ... are patterns. The first that matches wins. A key that is no str is
        matched by its ``str()``.
    default : Store, optional
        Has every other key; by default there is none, and such a key is refused.

    Raises
    ------
    InvalidKeyError
        On a write, if a key has no route.

    Examples
    --------
    >>> from spoonbill.datastores import InMemoryStore
    >>> from spoonbill import regex
    >>> users, numbers, rest = InMemoryStore(), InMemoryStore(), InMemoryStore()
    >>> store = Routed({"user:": users, regex("[0-9]+$"): numbers}, rest)
    >>> store.update({"user:ada": 1, "42": 2, "other": 3})
    >>> list(users), list(numbers), list(rest), len(store)
    (['user:ada'], ['42'], ['other'], 3)
    """

    def __init__(self, routes: Mapping[Any, Store[Any, Any]], default: Store[Any, Any] | None = None) -> None:
        self._patterns: list[Pattern] = [
            prefix(route) if isinstance(route, str) else _checked(route) for route in routes
        ]
        self._default = None if default is None else len(routes)
        super().__init__([*routes.values(), *([] if default is None else [default])])

    def home(self, key: K) -> int:
        text = key if isinstance(key, str) else str(decode_key(encode_key(key)))  # one text for keys that are equal
        for index, pattern in enumerate(self._patterns):
            if pattern.matches(text):
                return index
        if self._default is None:
            raise InvalidKeyError(f"key {shortened(key)} has no route in {self!r}: add one, or a default store")
        return self._default

    def _asked(self, index: int, query: Query) -> Query | None:
        query = query.without_limit()
        if index == self._default:
            return query
        beginnings = self._patterns[index].prefixes
        if not query.filters_keys or query.pattern is None:
            return query.with_pattern(self._patterns[index]) if query.part is None else query
        wanted = query.pattern.prefixes
        meets = any(one.startswith(other) or other.startswith(one) for one in wanted for other in beginnings)
        return query if meets or not wanted or not beginnings else None


def _checked(route: Any) -> Pattern:
    if not isinstance(route, Pattern):
        raise InvalidKeyError(f"a route is a prefix or a pattern such as glob(...), not {type(route).__name__}")
    return route
