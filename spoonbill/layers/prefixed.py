"""A namespace in a store: the keys that begin with a prefix."""

from collections.abc import Callable
from typing import Any, TypeVar

from spoonbill.common.text import shortened
from spoonbill.errors import InvalidKeyError
from spoonbill.query import Plan, Query, prefixed
from spoonbill.store import KeyLayer, Store
from spoonbill.store.binding import bind, weakly

__all__ = ["Prefixed"]

K = TypeVar("K")
V = TypeVar("V")


class Prefixed(KeyLayer[str, V]):
    """A store of its own in another one: it lists, counts, clears and searches only keys that begin with its prefix.

    Namespaces nest, and none sees or harms a neighbour. Keys are str. A search sends the prefix down, so that an engine
    that can narrow by one reads no neighbour's entry.

    Parameters
    ----------
    store : Store
        Any store of str keys.
    prefix : str
        What its keys begin with in there; not empty.

    Examples
    --------
    >>> from spoonbill.datastores import InMemoryStore
    >>> everything = InMemoryStore({"order:1": "a book"})
    >>> users = Prefixed(everything, "user:")
    >>> users["ada"] = {"born": 1815}
    >>> list(users), list(everything)
    (['ada'], ['order:1', 'user:ada'])
    """

    def __init__(self, store: Store[Any, Any], prefix: str) -> None:
        if not isinstance(prefix, str) or not prefix:
            raise InvalidKeyError(f"Prefixed takes a prefix of at least one character, not {prefix!r}")
        super().__init__(store)
        self.prefix = prefix
        self._length = len(prefix)
        if self.limits.key_bytes is not None:
            self.limits = type(self.limits)(
                max(0, self.limits.key_bytes - len(prefix.encode())), self.limits.value_bytes
            )

        if type(self).down is Prefixed.down and type(self).get is KeyLayer.get:
            bind(self, "get", self._getter(), because=f"the key with {prefix!r} before it, without a call for that")

    def _getter(self) -> Callable[..., Any]:
        get, prefix, otherwise = self.inner.get, self.prefix, weakly(self, KeyLayer.get)

        def get_prefixed(key: Any, default: Any = None) -> Any:
            try:
                name = prefix + key
            except TypeError:
                return otherwise(key, default)
            return get(name, default)

        return get_prefixed

    def down(self, key: str) -> str:
        try:
            return self.prefix + key
        except TypeError:
            raise InvalidKeyError(
                f"{self!r} holds str keys, not {type(key).__name__} {shortened(key)}: put a Codec above it"
            ) from None

    def up(self, key: str) -> str:
        return key[self._length :]

    def owns(self, key: Any) -> bool:
        return isinstance(key, str) and key.startswith(self.prefix)

    def translate(self, query: Query) -> Query:
        pattern, exact = prefixed(query.pattern, self.prefix)
        return query.with_pattern(pattern, exact=exact)

    def plan(self, query: Query) -> Plan:
        return self._below(query, f"keys that begin with {self.prefix!r}")
