"""The base of layers that change keys."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar, TypeVar

from spoonbill.common.batching import batches
from spoonbill.common.sentinels import MISSING, RAISE, absent
from spoonbill.query import Plan, Query
from spoonbill.store.base import Verbs
from spoonbill.store.binding import bind, given
from spoonbill.store.layering.layer import Layer
from spoonbill.store.mapping import Store
from spoonbill.store.odd_keys import raise_unhashable

K = TypeVar("K")
V = TypeVar("V")

REFUSED = (TypeError, ValueError, AttributeError)
"""What a `down` raises of a key that it cannot take: errors of ours, and the plain ones of a stranger's function."""


class KeyLayer(Layer[K, V]):
    """A layer that changes keys: write `down` and `up`. Two keys must never come down as one.

    The store below may hold keys of others. Such a key is never listed, counted, cleared or found, and `owns` tells it:
    by default a key is this layer's where `up` and then `down` lead back to it. A layer to which every key below
    belongs sets ``owns_all = True``, and pays nothing for the question.

    Attributes
    ----------
    owns_all : bool
        Whether every key below is this layer's.

    Examples
    --------
    >>> from spoonbill.datastores import InMemoryStore
    >>> class Users(KeyLayer):
    ...     def down(self, key):
    ...         return f"user:{key}"
    ...
    ...     def up(self, key):
    ...         return key.removeprefix("user:")
    >>> everything = InMemoryStore({"user:1": "Ada", "order:1": "a book"})
    >>> Users(everything).clear()
    >>> everything.copy()
    {'order:1': 'a book'}
    """

    owns_all: ClassVar[bool] = False
    reads_odd_keys = True
    leaves: ClassVar[tuple[str, ...]] = ("split", "ping", "flush", "close")

    def __init__(self, inner: Store[Any, Any]) -> None:
        super().__init__(inner)
        if self.owns_all:
            self._bind_whole()

    def _bind_whole(self) -> None:
        """Leave to the store below what needs no look at each key, where no subclass has a word of its own."""
        for verb in ("count", "clear"):
            if getattr(type(self), verb) is getattr(KeyLayer, verb):
                bind(self, verb, getattr(self.inner, verb), because="left to the store below: it owns every key there")

    def down(self, key: K) -> Any:
        """Return the inner store's key for `key`."""
        return key

    def up(self, key: Any) -> K:
        """Return the key for the inner store's `key`. The inverse of `down`."""
        return key  # type: ignore[no-any-return]

    def owns(self, key: Any) -> bool:
        """Return whether the inner store's `key` is one that this layer could have written."""
        try:
            return bool(self.down(self.up(key)) == key)
        except (ValueError, TypeError, LookupError):
            return False

    # -- one key -----------------------------------------------------------------------------------------------

    def get(self, key: K, default: Any = None) -> Any:
        try:
            below = self.down(key)
        except REFUSED as error:
            raise_unhashable(key, error)
            return default
        return self.inner.get(below, default)

    def has(self, key: Any) -> bool:
        try:
            below = self.down(key)
        except REFUSED as error:
            raise_unhashable(key, error)
            return False
        return self.inner.has(below)

    def pop(self, key: K, default: Any = RAISE) -> Any:
        try:
            below = self.down(key)
        except REFUSED as error:
            raise_unhashable(key, error)
            return absent(key, default)
        value = self.inner.pop(below, MISSING)
        return absent(key, default) if value is MISSING else value

    def set(self, key: K, value: V, *, ttl: float | None = None) -> None:
        if ttl is None:
            self.inner.set(self.down(key), value)
        else:
            self.inner.set(self.down(key), value, ttl=ttl)

    def delete(self, key: K) -> bool:
        try:
            below = self.down(key)
        except REFUSED as error:
            raise_unhashable(key, error)
            return False
        return self.inner.delete(below)

    def add(self, key: K, value: V, *, ttl: float | None = None) -> bool:
        return self.inner.add(self.down(key), value, **given(ttl=ttl))

    def replace(self, key: K, expected: V, value: V, *, ttl: float | None = None) -> bool:
        return self.inner.replace(self.down(key), expected, value, **given(ttl=ttl))

    def discard(self, key: K, expected: V) -> bool:
        try:
            below = self.down(key)
        except REFUSED as error:
            raise_unhashable(key, error)
            return False
        return self.inner.discard(below, expected)

    def increment(self, key: K, by: float = 1, *, ttl: float | None = None) -> Any:
        return self.inner.increment(self.down(key), by, **given(ttl=ttl))

    def ttl(self, key: K) -> float | None:
        try:
            return self.inner.ttl(self.down(key))
        except KeyError:
            raise KeyError(key) from None

    def touch(self, key: K, ttl: float | None) -> bool:
        try:
            below = self.down(key)
        except REFUSED as error:
            raise_unhashable(key, error)
            return False
        return self.inner.touch(below, ttl)

    def canonical(self, key: K) -> Any:
        return self.inner.canonical(self.down(key))

    def check(self, key: K, value: V) -> None:
        self.inner.check(self.down(key), value)

    # -- many keys ---------------------------------------------------------------------------------------------

    def get_many(self, keys: Iterable[K], default: Any = None) -> list[Any]:
        keys = list(keys)
        try:
            below = list(map(self.down, keys))
        except REFUSED:  # one of them is absent
            return [self.get(key, default) for key in keys]
        return self.inner.get_many(below, default)

    def set_many(self, pairs: Iterable[tuple[K, V]], *, ttl: float | None = None) -> None:
        self.inner.set_many(self._lowered(pairs), **given(ttl=ttl))

    def delete_many(self, keys: Iterable[K]) -> int:
        keys = list(keys)
        try:
            below = list(map(self.down, keys))
        except REFUSED:
            return sum(1 for key in keys if self.delete(key))
        return self.inner.delete_many(below)

    def replace_all(self, pairs: Iterable[tuple[K, V]]) -> None:
        if self.owns_all:
            self.inner.replace_all(self._lowered(pairs))
        else:
            Verbs.replace_all(self, pairs)

    def _lowered(self, pairs: Iterable[tuple[K, V]]) -> Iterator[tuple[Any, V]]:
        down = self.down
        return ((down(key), value) for key, value in pairs)

    # -- listing -----------------------------------------------------------------------------------------------

    @property
    def _mine(self) -> Query:
        """What to ask below for this layer's keys alone, as far as a pattern can tell them."""
        return self.translate(Query(keys_only=True, lazy=True))  # in the order in which entries come

    def _lifted(self, pairs: Iterator[tuple[Any, V]]) -> Iterator[tuple[K, V]]:
        """Yield those pairs of the store below that are this layer's, under its keys."""
        up: Callable[[Any], K] = self.up
        if self.owns_all:
            return ((up(key), value) for key, value in pairs)
        owns = self.owns
        return ((up(key), value) for key, value in pairs if owns(key))

    def _owned(self) -> Iterator[Any]:
        """Yield the keys of the store below that are this layer's."""
        owns = self.owns
        return (key for key, _ in self.inner.select(self._mine) if owns(key))

    def iter(self) -> Iterator[K]:
        return map(self.up, self.inner.iter() if self.owns_all else self._owned())

    def entries(self) -> Iterator[tuple[K, V]]:
        return self._lifted(self.inner.entries() if self.owns_all else self.inner.select(self.translate(Query())))

    def count(self) -> int:
        owns = self.owns
        return sum(1 for key, _ in self.inner.select(self._mine) if owns(key))

    def clear(self) -> None:
        for keys in batches(list(self._owned())):
            self.inner.delete_many(keys)

    # -- searching ---------------------------------------------------------------------------------------------

    def translate(self, query: Query) -> Query:
        """Return what is asked of the inner store for `query`: at least every match must come back."""
        return query.without_pattern() if self.owns_all else query.without_pattern().without_limit()

    def select(self, query: Query) -> Iterator[tuple[K, V]]:
        return self._lifted(self.inner.select(self.translate(query)))

    def plan(self, query: Query) -> Plan:
        return self._below(query, "decodes keys")
