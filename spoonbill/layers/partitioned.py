"""The base of stores that keep each entry in one of several stores."""

import dataclasses
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any, Final, TypeVar

from spoonbill.common.batching import batches
from spoonbill.common.sentinels import MISSING, RAISE, absent
from spoonbill.errors import QueryError
from spoonbill.layers.write_once import WriteOnce
from spoonbill.query import Part, Plan, Query, Step
from spoonbill.store import Store
from spoonbill.store.binding import given
from spoonbill.store.layering.looking import stack_of
from spoonbill.store.layering.several import Several
from spoonbill.store.parts import check_count

__all__ = ["Partitioned"]

K = TypeVar("K")
V = TypeVar("V")

_KIND: Final = "stores"


class Partitioned(Several[K, V]):
    """Each entry is in one of several stores: write `home`. Batches, listings and searches are split and merged.

    A key in a store that is not its home is foreign: it is neither listed, counted, found nor cleared.
    """

    _composed = frozenset({"replace_all"})

    def _take_traits(self) -> None:
        super()._take_traits()
        self.read_only = all(store.read_only for store in self._stores)

    @abstractmethod
    def home(self, key: K) -> int:
        """Return the index of the store that has `key`, from 0; raise `InvalidKeyError` where none can have it."""

    def _asked(self, index: int, query: Query) -> Query | None:
        """Return what that store is asked for a query, at least all that matches; None where it can have no match."""
        del index
        return query.without_limit()

    def _of(self, key: K) -> Store[Any, Any]:
        return self._stores[self.home(key)]

    # -- one key -----------------------------------------------------------------------------------------------

    def get(self, key: K, default: Any = None) -> Any:
        return self._of(key).get(key, default)

    def has(self, key: Any) -> bool:
        return self._of(key).has(key)

    def set(self, key: K, value: V, *, ttl: float | None = None) -> None:
        self._of(key).set(key, value, **given(ttl=ttl))

    def delete(self, key: K) -> bool:
        return self._of(key).delete(key)

    def pop(self, key: K, default: Any = RAISE) -> Any:
        value = self._of(key).pop(key, MISSING)
        return absent(key, default) if value is MISSING else value

    def add(self, key: K, value: V, *, ttl: float | None = None) -> bool:
        return self._of(key).add(key, value, **given(ttl=ttl))

    def replace(self, key: K, expected: V, value: V, *, ttl: float | None = None) -> bool:
        return self._of(key).replace(key, expected, value, **given(ttl=ttl))

    def discard(self, key: K, expected: V) -> bool:
        return self._of(key).discard(key, expected)

    def increment(self, key: K, by: float = 1, *, ttl: float | None = None) -> Any:
        return self._of(key).increment(key, by, **given(ttl=ttl))

    def ttl(self, key: K) -> float | None:
        return self._of(key).ttl(key)

    def touch(self, key: K, ttl: float | None) -> bool:
        return self._of(key).touch(key, ttl)

    def canonical(self, key: K) -> Any:
        home = self.home(key)
        return home, self._stores[home].canonical(key)

    def check(self, key: K, value: V) -> None:
        self._of(key).check(key, value)

    # -- many keys ---------------------------------------------------------------------------------------------

    def _shared_out(self, things: Iterable[Any], key_of: Callable[[Any], Any]) -> list[tuple[int, list[Any]]]:
        shares: dict[int, list[Any]] = {}
        for thing in things:
            shares.setdefault(self.home(key_of(thing)), []).append(thing)
        return list(shares.items())

    def get_many(self, keys: Iterable[K], default: Any = None) -> list[Any]:
        keys = list(keys)
        values: list[Any] = [default] * len(keys)
        for index, share in self._shared_out(enumerate(keys), lambda pair: pair[1]):
            found = self._stores[index].get_many([key for _, key in share], default)
            for (position, _), value in zip(share, found, strict=True):
                values[position] = value
        return values

    def set_many(self, pairs: Iterable[tuple[K, V]], *, ttl: float | None = None) -> None:
        for some in batches(pairs, 5000):
            for index, share in self._shared_out(some, lambda pair: pair[0]):
                self._stores[index].set_many(share, **given(ttl=ttl))

    def delete_many(self, keys: Iterable[K]) -> int:
        return sum(self._stores[index].delete_many(share) for index, share in self._shared_out(keys, lambda key: key))

    def clear(self) -> None:
        self._refuse_to_clear()
        for index, store in enumerate(self._stores):
            for pairs in batches(list(self._own(index, store.select(self._listing(index))))):
                store.delete_many([key for key, _ in pairs])

    def replace_all(self, pairs: Iterable[tuple[K, V]]) -> None:
        self._refuse_to_clear()
        super().replace_all(pairs)

    def _refuse_to_clear(self) -> None:
        """Let a store that keeps what it has refuse to be cleared before another one has lost anything."""
        for store in self._stores:
            if store.read_only or any(isinstance(below, WriteOnce) for below in stack_of(store)):
                store.clear()

    # -- listing and searching ---------------------------------------------------------------------------------

    def _listing(self, index: int) -> Query:
        return self._asked(index, Query(keys_only=True)) or Query(keys_only=True)

    def _own(self, index: int, pairs: Iterator[tuple[Any, Any]]) -> Iterator[tuple[Any, Any]]:
        home = self.home
        return (pair for pair in pairs if home(pair[0]) == index)

    def iter(self) -> Iterator[K]:
        return (key for key, _ in self.select(Query(keys_only=True)))

    def count(self) -> int:
        return sum(1 for _ in self.iter())

    def entries(self) -> Iterator[tuple[K, V]]:
        return self.select(Query())

    def select(self, query: Query) -> Iterator[tuple[K, V]]:
        if query.part is not None:
            return self._select_part(query, query.part)
        return chain.from_iterable(map(self._found_in(query), range(len(self._stores))))

    def _found_in(self, query: Query) -> Callable[[int], Iterator[tuple[K, V]]]:
        def found(index: int) -> Iterator[tuple[K, V]]:
            asked = self._asked(index, query)
            return iter(()) if asked is None else self._own(index, self._stores[index].select(asked))

        return found

    def _select_part(self, query: Query, part: Part) -> Iterator[tuple[K, V]]:
        if part[0] != _KIND:
            raise QueryError(f"{self!r} did not make this part, of kind {part[:1]}: split the store that reads it")
        return chain.from_iterable(
            self._found_in(dataclasses.replace(query, part=inner))(index) for index, inner in part[1]
        )

    def split(self, count: int) -> list[Part]:
        check_count(count)
        each = max(1, count // len(self._stores))
        parts = [(index, part) for index, store in enumerate(self._stores) for part in store.split(each)]
        count = min(count, len(parts))
        return [
            (_KIND, tuple(parts[number * len(parts) // count : (number + 1) * len(parts) // count]))
            for number in range(count)
        ]

    def plan(self, query: Query) -> Plan:
        asked = [(store, self._asked(index, query)) for index, store in enumerate(self._stores)]
        plans = [store.plan(one) for store, one in asked if one is not None]
        steps = Step(type(self).__name__, f"asks {len(plans)} of {len(asked)} stores, one after the other")
        return Plan(
            steps=(steps, *(step for plan in plans for step in plan.steps)),
            native="; ".join(dict.fromkeys(plan.native for plan in plans if plan.native)),
            finished_here=str(query),
            scanned="; ".join(plan.scanned for plan in plans) or "nothing",
        )
