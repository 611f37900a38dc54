"""The methods of a dict over the verbs of a store."""

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any, Protocol, Self, TypeVar, overload

from spoonbill.common.batching import BATCH
from spoonbill.common.equality import python_equal
from spoonbill.common.sentinels import MISSING, Missing
from spoonbill.store.attempts import attempts
from spoonbill.store.base import Verbs
from spoonbill.store.binding import given
from spoonbill.store.methods.editing import edited, modified

K = TypeVar("K")
V = TypeVar("V")
D = TypeVar("D")
V_co = TypeVar("V_co", covariant=True)


_FEW = 10
"""How many keys the first popitem lists."""


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


class DictMethods(Verbs[K, V], MutableMapping[K, V]):
    """The methods of a dict, each a thin form over verbs, and changes in place."""

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
        for _ in attempts(self, "setdefault", key):
            if value is not MISSING:
                return value
            added = self.add(key, default)
            value = self.get(key, MISSING)  # what came to be stored, also where another writer was faster
            if added and value is MISSING:
                return default  # it was set, and expired or was removed since
        return default

    def modify(self, key: K, function: Callable[[V], V], default: Any = MISSING, *, ttl: float | None = None) -> V:
        """Replace the value of `key` by ``function(value)``, atomically, and return the new value.

        The function gets a copy. It is called again where another writer was faster, so it should do nothing else.

        Parameters
        ----------
        key
            Whose value to change.
        function : callable
            Makes the new value of the old one.
        default : object, optional
            What stands for the value of an absent key.
        ttl : float, optional
            As for `set`.

        Raises
        ------
        KeyError
            If the key is absent and no default was given.

        Examples
        --------
        >>> from spoonbill.datastores import InMemoryStore
        >>> store = InMemoryStore({"tags": ["a"]})
        >>> store.modify("tags", lambda tags: [*tags, "b"])
        ['a', 'b']
        """
        return modified(self, key, function, default, given(ttl=ttl))  # type: ignore[no-any-return]

    def edit(self, key: K, default: Any = MISSING, *, ttl: float | None = None) -> AbstractContextManager[V]:
        """Change a value in place: ``with store.edit(key) as value: value["n"] += 1``.

        What the block made of the value is written back at its end. Nothing is written where the block raises, or where
        it changed nothing.

        Parameters
        ----------
        key
            Whose value to change.
        default : object, optional
            What stands for the value of an absent key.
        ttl : float, optional
            As for `set`.

        Raises
        ------
        KeyError
            If the key is absent and no default was given.
        ConflictError
            If another writer changed the value meanwhile; nothing is written then.
        """
        return edited(self, key, default, given(ttl=ttl))

    @classmethod
    def fromkeys(cls, keys: Iterable[K], value: Any = None) -> dict[K, Any]:
        """Return a dict of `keys`, each with `value`, as ``dict.fromkeys`` does: ``store.update(fromkeys(...))``."""
        return dict.fromkeys(keys, value)

    def popitem(self) -> tuple[K, V]:
        """Remove and return any one pair.

        Raises
        ------
        KeyError
            If the store is empty.
        """
        # Keys that were there are kept for the next calls, or each of them would list the store from its beginning.
        listed: list[K] = vars(self).setdefault("_keys_to_pop", [])
        for _ in attempts(self, "popitem", MISSING):
            while True:
                try:
                    key = listed.pop()
                except IndexError:  # also where another thread took the last one
                    break
                value: V | Missing = self.pop(key, MISSING)
                if value is not MISSING:
                    return key, value
            size = vars(self).get("_size_to_pop", _FEW)  # few at first: it may be the only call
            vars(self)["_size_to_pop"] = BATCH
            listed += reversed(list(islice(self.iter(), size)))
            if not listed:
                break
        raise KeyError("popitem(): the store is empty")

    def copy(self) -> dict[K, V]:
        """Return a dict with every pair of the store."""
        return dict(self.entries())
