"""Views and searches over the verbs of a store."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar, overload

from spoonbill.common.sentinels import MISSING
from spoonbill.errors import QueryError
from spoonbill.query import Pattern, Plan, Query, compile_query
from spoonbill.store.methods.dict_methods import DictMethods
from spoonbill.store.methods.views import Results, StoreItemsView, StoreKeysView, StoreValuesView
from spoonbill.store.shares import Share

K = TypeVar("K")
V = TypeVar("V")
D = TypeVar("D")
V_co = TypeVar("V_co", covariant=True)


class Searches(DictMethods[K, V]):
    """Views and searches: what ``keys``, ``values``, ``items`` and ``scan`` give."""

    _states_contract = True

    @overload
    def keys(self) -> StoreKeysView[K]: ...

    @overload
    def keys(self, pattern: "Pattern | str", limit: int | None = None) -> Results[K]: ...

    @overload
    def keys(self, *, limit: int | None) -> Results[K]: ...

    def keys(self, pattern: Any = MISSING, limit: int | None = None) -> Any:
        """Return a view of the keys or, with arguments, search them lazily.

        Parameters
        ----------
        pattern : Pattern or str, optional
            What a key matches: `glob`, `regex`, `like`, `prefix`, or a plain string in this store's dialect. Keys
            that are not strings are matched by their ``str()``. ``"*"`` alone is every key.
        limit : int, optional
            Stop after this many matches.
        """
        if pattern is MISSING and limit is None:
            return StoreKeysView(self)
        return self._search_keys("*" if pattern is MISSING else pattern, limit)

    def scan(self, pattern: "Pattern | str" = "*", limit: int | None = None) -> Iterator[K]:
        """Yield the keys that match, lazily and in bounded memory."""
        return iter(self._search_keys(pattern, limit, lazy=True))

    @overload
    def values(self) -> StoreValuesView[V]: ...

    @overload
    def values(self, keys: Iterable[K], *, limit: int | None = None) -> Results[V | None]: ...

    @overload
    def values(self, keys: Iterable[K], default: D, *, limit: int | None = None) -> Results[V | D]: ...

    @overload
    def values(self, *, limit: int | None) -> Results[V]: ...

    def values(self, keys: Any = MISSING, default: Any = None, *, limit: int | None = None) -> Any:
        """Return a view of the values or, with arguments, read a batch of them lazily.

        Parameters
        ----------
        keys : iterable of keys, optional
            Read these, in this order, duplicates included, with `default` for each absent key.
        default : object, optional
            What stands for an absent key.
        limit : int, optional
            Return this many values at the most.
        """
        if keys is MISSING:
            if limit is None:
                return StoreValuesView(self)
            return self._search_items(limit).of_values()
        if keys is None or isinstance(keys, (str, bytes)):
            raise QueryError(f"values(keys=...) of {self!r} takes an iterable of keys, not {keys!r}")
        compile_query(limit=limit)
        wanted = keys if limit is None else list(islice(keys, limit))
        if iter(wanted) is wanted:
            wanted = list(wanted)
        return Results(lambda: iter(self.get_many(wanted, default)), f"values of given keys in {self!r}")

    @overload
    def items(self) -> StoreItemsView[K, V]: ...

    @overload
    def items(self, conditions: object, limit: int | None = None) -> Results[tuple[K, V]]: ...

    @overload
    def items(self, *, limit: int | None) -> Results[tuple[K, V]]: ...

    def items(self, conditions: Any = MISSING, limit: int | None = None) -> Any:
        """Return a view of the items or, with arguments, search them lazily.

        Parameters
        ----------
        conditions : dict or Condition or Pattern or value, optional
            A dict names fields of the values: ``{"a": "1+", "b": 1, "c": gt(5)}``; a string is a pattern in this
            store's dialect, anything else that is no condition is compared for equality, and all must hold. What is
            not a dict is a condition on the value itself.
        limit : int, optional
            Stop after this many matches.
        """
        if conditions is MISSING:
            return StoreItemsView(self) if limit is None else self._search_items(limit)
        return self._search_items(limit, conditions=conditions)

    def shares(self, count: int, *, pattern: Any = MISSING, conditions: Any = MISSING) -> "list[Share[K, V]]":
        """Return 1 to `count` disjoint shares of the entries that match, for several processes to read at once.

        A share is small, pickles, and opens the store anew where it is unpickled. Together the shares hold every key
        that is there all the time, each once.

        Parameters
        ----------
        count : int
            The most shares to make.
        pattern : Pattern or str, optional
            As for `keys`.
        conditions : dict or Condition or Pattern or value, optional
            As for `items`.
        """
        query = self._query(pattern, conditions, None, keys_only=False)
        return [Share(self, query, part) for part in self.split(count)]

    def explain(self, pattern: Any = MISSING, conditions: Any = MISSING, limit: int | None = None) -> Plan:
        """Tell how a search would run: which part runs where, and what is scanned. Nothing is read.

        Parameters
        ----------
        pattern : Pattern or str, optional
            As for `keys`.
        conditions : dict or Condition or Pattern or value, optional
            As for `items`.
        limit : int, optional
            As for both.
        """
        return self.plan(self._query(pattern, conditions, limit, keys_only=conditions is MISSING))

    def _query(self, pattern: Any, conditions: Any, limit: int | None, *, keys_only: bool, lazy: bool = False) -> Query:
        wanted: dict[str, Any] = {
            "limit": limit,
            "keys_only": keys_only,
            "lazy": lazy,
            "dialect": self.dialect,
        }
        if pattern is None:
            raise QueryError(f'keys(None) of {self!r} has no meaning: write keys() or keys("*") for every key')
        if pattern is not MISSING:
            wanted["pattern"] = pattern
        if conditions is not MISSING:
            wanted["conditions"] = conditions
        query = compile_query(**wanted)
        return query if self.match_seconds is None else query.bounded(self.match_seconds)

    def _search_keys(self, pattern: Any, limit: int | None, *, lazy: bool = False) -> "Results[K]":
        query = self._query(pattern, MISSING, limit, keys_only=True, lazy=lazy)
        return Results(lambda: (key for key, _ in self.matches(query)), f"keys of {self!r} where {query}")

    def _search_items(self, limit: int | None, **wanted: Any) -> "_Items[K, V]":
        query = self._query(MISSING, wanted.get("conditions", MISSING), limit, keys_only=False)
        return _Items(lambda: self.matches(query), f"items of {self!r} where {query}")

    def matches(self, query: Query) -> Iterator[tuple[K, V]]:
        """Run `query`: the stack narrows it, this tests each pair again and counts matches against the limit."""
        if query.limit == 0:
            return iter(())
        matches = (pair for pair in self.select(query) if query.matches(*pair))
        return matches if query.limit is None else islice(matches, query.limit)


class _Items(Results[tuple[K, V]]):
    """Results that can be narrowed to their values."""

    def of_values(self) -> Results[V]:
        return Results(lambda: (value for _, value in self._search()), self._description)
