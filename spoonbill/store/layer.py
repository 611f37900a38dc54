"""Layers: stores around a store."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar, TypeVar

from spoonbill.common.equality import python_equal
from spoonbill.common.sentinels import MISSING, RAISE, absent
from spoonbill.errors import StackError, UnsupportedError
from spoonbill.query import Plan, Query, Step
from spoonbill.store.base import Verbs
from spoonbill.store.binding import Form
from spoonbill.store.mapping import Store
from spoonbill.store.verbs import VERBS

K = TypeVar("K")
V = TypeVar("V")

_INHERITED = ("limits", "guarantees", "dialect", "strict", "holds_bytes", "read_only", "lists_keys", "features")


class Layer(Store[K, V]):
    """A store around a store.

    A layer defines the verbs that it changes. Every other verb is bound straight to the inner store's when the layer
    is made, so it costs nothing, or, where it rests on a verb that the layer does define, falls back to the derived
    form. `leaves` lists verbs to bind all the same, since the class knows that its changes do not touch them.

    Parameters
    ----------
    inner : Store
        The store below.

    Raises
    ------
    StackError
        If `inner` is no store.
    """

    leaves: ClassVar[tuple[str, ...]] = ()
    inner: Store[Any, Any]

    _states_contract = True
    _is_layer: ClassVar[bool] = True

    def __init__(self, inner: Store[Any, Any]) -> None:
        if not isinstance(inner, Store):
            raise StackError(
                f"{type(self).__name__} wraps a store, not {type(inner).__name__}: "
                "InMemoryStore(mapping) makes a store of any mapping"
            )
        self.inner = inner
        self._lock = inner._lock  # noqa: SLF001 - the lock belongs to the engine
        for trait in _INHERITED:
            if getattr(type(self), trait) is Verbs.__dict__[trait]:
                setattr(self, trait, getattr(inner, trait))
        # A feature that is a method of the inner store's is not this layer's: no layer forwards what it does not know.
        self.features = frozenset(
            name for name in self.features if hasattr(type(self), name) or not hasattr(inner, name)
        )
        for verb, form in self._forms.items():
            if form is Form.BOUND:
                vars(self)[verb] = getattr(inner, verb)

    # What ``super()`` means in a layer: the inner store's verb. The rest of the table is added below the class.

    def get(self, key: K, default: Any = None) -> Any:
        return self.inner.get(key, default)

    def set(self, key: K, value: V, **options: Any) -> None:
        self.inner.set(key, value, **options)

    def delete(self, key: K) -> bool:
        return self.inner.delete(key)

    def iter(self) -> Iterator[K]:
        return self.inner.iter()

    def native(self, verb: str) -> bool:
        return self._forms.get(verb) is not Form.DERIVED and self.inner.native(verb)

    @property
    def raw(self) -> Store[Any, Any]:
        return self.inner.raw

    def translate(self, query: Query) -> Query:
        """Return what is asked of the inner store for `query`: at least every match must come back."""
        return query

    def _below(self, query: Query, note: str) -> Plan:
        """Return the inner store's plan for the translated query, with this layer's step before it."""
        asked = self.translate(query)
        step = Step(where=type(self).__name__, runs=note, drops="" if asked == query else "what it cannot pass on")
        below = self.inner.plan(asked)
        return dataclasses.replace(below, steps=(step, *below.steps), finished_here=str(query))


def _forward(verb: str) -> Callable[..., Any]:
    def forward(self: Layer[Any, Any], *arguments: Any, **options: Any) -> Any:
        return getattr(self.inner, verb)(*arguments, **options)

    forward.__name__ = verb
    forward.__doc__ = Verbs.__dict__[verb].__doc__
    return forward


for _verb in VERBS.keys() - Layer.__dict__.keys():
    setattr(Layer, _verb, _forward(_verb))


def set_with_ttl(layer: Layer[Any, Any], key: Any, value: Any, options: dict[str, Any]) -> None:
    """Set in the store below `layer`, with its time to live where one was asked for.

    Raises
    ------
    UnsupportedError
        If the engine cannot expire entries.
    """
    if options.get("ttl") is not None and "ttl" not in layer.features:
        raise UnsupportedError(f"{layer!r} cannot expire entries: leave ttl= out, or use a store that can (RedisStore)")
    layer.inner.set(key, value, **{name: option for name, option in options.items() if option is not None})


class ValueLayer(Layer[K, V]):
    """A layer that changes values: write `encode` and `decode`.

    Two dumps of one value need not be equal bytes (sets, pickles and nonces are not): `replace` compares what it
    loads, then swaps the stored bytes for which it holds.
    """

    leaves = ("has", "count", "iter", "delete", "delete_many", "clear", "partitions", "canonical", "flush", "close")

    def encode(self, value: V, key: K) -> Any:  # noqa: ARG002 - the key is there for layers that sign or encrypt with it
        """Return what the inner store shall hold for `value`."""
        return value

    def decode(self, data: Any, key: K) -> V:  # noqa: ARG002 - as above
        """Return the value for what the inner store holds. The inverse of `encode`."""
        return data  # type: ignore[no-any-return]

    def get(self, key: K, default: Any = None) -> Any:
        data = self.inner.get(key, MISSING)
        return default if data is MISSING else self.decode(data, key)

    def set(self, key: K, value: V, **options: Any) -> None:
        if options:
            set_with_ttl(self, key, self.encode(value, key), options)
        else:
            self.inner.set(key, self.encode(value, key))

    def get_many(self, keys: Iterable[K], default: Any = None) -> list[Any]:
        keys = list(keys)
        found = self.inner.get_many(keys, MISSING)
        decode = self.decode
        return [default if data is MISSING else decode(data, key) for key, data in zip(keys, found, strict=True)]

    def set_many(self, pairs: Iterable[tuple[K, V]]) -> None:
        self.inner.set_many(self._dumped(pairs))

    def entries(self) -> Iterator[tuple[K, V]]:
        decode = self.decode
        for key, data in self.inner.entries():
            yield key, decode(data, key)

    def add(self, key: K, value: V) -> bool:
        return self.inner.add(key, self.encode(value, key))

    def replace(self, key: K, expected: V, value: V) -> bool:
        new = self.encode(value, key)
        while True:
            data = self.inner.get(key, MISSING)
            if data is MISSING or not python_equal(self.decode(data, key), expected):
                return False
            if self.inner.replace(key, data, new):
                return True

    def pop(self, key: K, default: Any = RAISE) -> Any:
        # Loaded before it is let go: data that cannot be read must not be lost by the attempt.
        data = self.inner.get(key, MISSING)
        if data is MISSING:
            return absent(key, default)
        value = self.decode(data, key)
        removed = self.inner.pop(key, MISSING)
        if removed is MISSING:
            return absent(key, default)
        return value if python_equal(removed, data) else self._load_or_put_back(removed, key)

    def _load_or_put_back(self, data: Any, key: K) -> V:
        """Load what another writer set between the read and the removal."""
        try:
            return self.decode(data, key)
        except Exception:
            self.inner.add(key, data)
            raise

    def translate(self, query: Query) -> Query:
        return query.without_conditions()

    def select(self, query: Query) -> Iterator[tuple[K, V]]:
        found = self.inner.select(self.translate(query))
        if query.keys_only:
            yield from found
            return
        decode = self.decode
        for key, data in found:
            if query.matches_key(key):  # tested before the work of loading
                yield key, decode(data, key)

    def plan(self, query: Query) -> Plan:
        return self._below(query, "decodes values")

    def check(self, key: K, value: V) -> None:
        self.inner.check(key, self.encode(value, key))

    def replace_all(self, pairs: Iterable[tuple[K, V]]) -> None:
        self.inner.replace_all(self._dumped(pairs))

    def _dumped(self, pairs: Iterable[tuple[K, V]]) -> Iterator[tuple[K, Any]]:
        encode = self.encode
        return ((key, encode(value, key)) for key, value in pairs)


class KeyLayer(Layer[K, V]):
    """A layer that changes keys: write `down` and `up`. Two keys must never come down as one."""

    leaves = ("count", "clear", "flush", "close")

    def down(self, key: K) -> Any:
        """Return the inner store's key for `key`."""
        return key

    def up(self, key: Any) -> K:
        """Return the key for the inner store's `key`. The inverse of `down`."""
        return key  # type: ignore[no-any-return]

    def get(self, key: K, default: Any = None) -> Any:
        return self.inner.get(self.down(key), default)

    def set(self, key: K, value: V, **options: Any) -> None:
        if options:
            set_with_ttl(self, self.down(key), value, options)
        else:
            self.inner.set(self.down(key), value)

    def delete(self, key: K) -> bool:
        return self.inner.delete(self.down(key))

    def iter(self) -> Iterator[K]:
        return map(self.up, self.inner.iter())

    def has(self, key: K) -> bool:
        return self.inner.has(self.down(key))

    def get_many(self, keys: Iterable[K], default: Any = None) -> list[Any]:
        return self.inner.get_many(map(self.down, keys), default)

    def set_many(self, pairs: Iterable[tuple[K, V]]) -> None:
        self.inner.set_many(self._lowered(pairs))

    def delete_many(self, keys: Iterable[K]) -> int:
        return self.inner.delete_many(map(self.down, keys))

    def entries(self) -> Iterator[tuple[K, V]]:
        up = self.up
        for key, value in self.inner.entries():
            yield up(key), value

    def add(self, key: K, value: V) -> bool:
        return self.inner.add(self.down(key), value)

    def replace(self, key: K, expected: V, value: V) -> bool:
        return self.inner.replace(self.down(key), expected, value)

    def pop(self, key: K, default: Any = RAISE) -> Any:
        value = self.inner.pop(self.down(key), MISSING)
        return absent(key, default) if value is MISSING else value

    def translate(self, query: Query) -> Query:
        return query.without_pattern()

    def select(self, query: Query) -> Iterator[tuple[K, V]]:
        up = self.up
        for key, value in self.inner.select(self.translate(query)):
            yield up(key), value

    def plan(self, query: Query) -> Plan:
        return self._below(query, "decodes keys")

    def partitions(self, count: int) -> list[Iterable[K]]:
        return [_Mapped(self.up, part) for part in self.inner.partitions(count)]

    def canonical(self, key: K) -> Any:
        return self.inner.canonical(self.down(key))

    def check(self, key: K, value: V) -> None:
        self.inner.check(self.down(key), value)

    def replace_all(self, pairs: Iterable[tuple[K, V]]) -> None:
        self.inner.replace_all(self._lowered(pairs))

    def _lowered(self, pairs: Iterable[tuple[K, V]]) -> Iterator[tuple[Any, V]]:
        down = self.down
        return ((down(key), value) for key, value in pairs)


class _Mapped(Iterable[K]):
    """An iterable with a function applied to each of its elements, anew for each loop."""

    def __init__(self, function: Callable[[Any], K], source: Iterable[Any]) -> None:
        self._function = function
        self._source = source

    def __iter__(self) -> Iterator[K]:
        return map(self._function, self._source)
