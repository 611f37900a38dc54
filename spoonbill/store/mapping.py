"""The mapping face of a store: dunders and dict methods, each a thin form over verbs."""

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar, overload

from spoonbill.common.equality import python_equal
from spoonbill.common.progress import Progress
from spoonbill.common.sentinels import MISSING, Missing
from spoonbill.errors import QueryError, UnsupportedError
from spoonbill.query import Pattern, Plan, Query, compile_query
from spoonbill.snapshots import file as snapshot
from spoonbill.store.base import Verbs
from spoonbill.store.shares import Share
from spoonbill.store.views import Results, StoreItemsView, StoreKeysView, StoreValuesView

K = TypeVar("K")
V = TypeVar("V")
D = TypeVar("D")
V_co = TypeVar("V_co", covariant=True)


class _KeysAndGetItem(Protocol[K, V_co]):
    def keys(self) -> Iterable[K]: ...

    def __getitem__(self, key: K, /) -> V_co: ...


def pairs_of(other: Any, more: Mapping[str, Any]) -> Iterator[tuple[Any, Any]]:
    """Yield the pairs that ``dict.update(other, **more)`` would take, read in batches where `other` is a store."""
    if isinstance(other, Mapping):
        yield from other.items()
    elif hasattr(other, "keys"):
        for key in other.keys():  # noqa: SIM118 - it has keys, and need not be iterable itself
            yield key, other[key]
    else:
        for position, pair in enumerate(other):
            key, value = _pair(pair, position)
            yield key, value
    yield from more.items()


def _pair(pair: Any, position: int) -> tuple[Any, Any]:
    try:
        key, value = pair
    except (TypeError, ValueError) as error:
        message = f"update: element {position} is no pair of a key and a value: {type(pair).__name__}"
        raise type(error)(message) from None
    return key, value


class Store(Verbs[K, V], MutableMapping[K, V]):
    """A key-value store: a ``MutableMapping`` made of four verbs.

    A backend writes `get`, `set`, `delete` and `iter`, for ``str`` keys and ``bytes`` values, and is complete: it can
    be layered, searched, saved, loaded and tested by the conformance kit. Each dict method is a thin form over the
    verbs, which `Verbs` describes.
    """

    _states_contract = True

    # -- one frame over a verb ---------------------------------------------------------------------------------

    def __getitem__(self, key: K) -> V:
        value = self.get(key, MISSING)
        if value is MISSING:
            raise KeyError(key)
        return value

    def __setitem__(self, key: K, value: V) -> None:
        self.set(key, value)

    def __delitem__(self, key: K) -> None:
        if not self.delete(key):
            raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        return self.has(key)

    def __iter__(self) -> Iterator[K]:
        return iter(self.iter())

    def __len__(self) -> int:
        return self.count()

    def __bool__(self) -> bool:
        return any(True for _ in self.iter())

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Mapping):
            return NotImplemented
        if len(self) != len(other):
            return False
        return all(python_equal(value, other.get(key, MISSING)) for key, value in self.entries())

    __hash__ = None  # type: ignore[assignment]

    def __or__(self, other: Mapping[K, V]) -> dict[K, V]:
        if not isinstance(other, Mapping):
            return NotImplemented
        return self.copy() | dict(other.items())

    def __ror__(self, other: Mapping[K, V]) -> dict[K, V]:
        if not isinstance(other, Mapping):
            return NotImplemented
        return dict(other.items()) | self.copy()

    def __ior__(self, other: Any) -> Self:  # type: ignore[misc] # as wide as dict's own |=
        self.update(other)
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __copy__(self) -> Self:
        raise UnsupportedError(f"{self!r} is a handle, not its data: store.copy() returns a dict of the data")

    @property
    def raw(self) -> "Store[Any, Any]":
        """The store at the bottom of the stack, which holds what the engine holds."""
        return self

    # -- dict's methods ----------------------------------------------------------------------------------------

    @overload
    def update(self, other: _KeysAndGetItem[K, V], /, **more: V) -> None: ...

    @overload
    def update(self, other: Iterable[tuple[K, V]] = ..., /, **more: V) -> None: ...

    def update(self, other: Any = (), /, **more: V) -> None:
        """Set many pairs, as one batch of the engine.

        Parameters
        ----------
        other : mapping, or iterable of pairs
            What to set. Of several values for one key the last one wins.
        **more
            Further pairs with str keys.
        """
        plain = type(other) is dict and not more  # goes down without a generator in between
        self.set_many(other.items() if plain else pairs_of(other, more))

    def setdefault(self, key: K, default: V = None) -> V:  # type: ignore[assignment] # as Mapping's own
        """Return the value of `key`; where it is absent, set it to `default` first, atomically as `add` is."""
        if self.read_only:
            self.add(key, default)  # refused, whether the key is there or not
        value: V | Missing = self.get(key, MISSING)
        while value is MISSING:
            self.add(key, default)
            value = self.get(key, MISSING)  # what came to be stored, also where another writer was faster
        return value

    def popitem(self) -> tuple[K, V]:
        """Remove and return any one pair.

        Raises
        ------
        KeyError
            If the store is empty.
        """
        for key in self.iter():
            value: V | Missing = self.pop(key, MISSING)
            if value is not MISSING:
                return key, value
        raise KeyError("popitem(): the store is empty")

    def copy(self) -> dict[K, V]:
        """Return a dict with every pair of the store."""
        return dict(self.entries())

    # -- views and searches ------------------------------------------------------------------------------------

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

    # -- snapshots ---------------------------------------------------------------------------------------------

    def save(self, url: str | Path, *, progress: Progress = False, **storage_options: Any) -> None:
        """Save every pair as one snapshot file, on disk or on any fsspec filesystem.

        Parameters
        ----------
        url : str or Path
            Where to. The file appears only when it is whole; a file that stood there is then replaced.
        progress : bool or callable, optional
            True shows a progress bar; a callable is called with the number of entries written so far.
        **storage_options
            For the fsspec filesystem.

        Raises
        ------
        CodecError
            If a value is of no plain type and this store is strict.
        """
        snapshot.write(url, self.entries(), allow_pickle=not self.strict, progress=progress, **storage_options)

    def load(self, url: str | Path, *, progress: Progress = False, **storage_options: Any) -> None:
        """Replace the contents of this store by those of a snapshot, of whatever kind the store was that saved it.

        The file is read once in full, verified and tried against this store, before anything here changes.

        Parameters
        ----------
        url : str or Path
            A file that `save` wrote.
        progress : bool or callable, optional
            As for `save`.
        **storage_options
            For the fsspec filesystem.

        Raises
        ------
        SnapshotError
            If the file is no snapshot, is torn or corrupted, or holds pickled values and this store is strict.
        """
        if self.read_only:
            self.replace_all(())  # refused before the file is read
        with snapshot.open_snapshot(url, allow_pickle=not self.strict, **storage_options) as entries:
            for key, value in entries(progress=progress):
                self.check(key, value)
            self.replace_all(entries(progress=progress))


class _Items(Results[tuple[K, V]]):
    """Results that can be narrowed to their values."""

    def of_values(self) -> Results[V]:
        return Results(lambda: (value for _, value in self._search()), self._description)
