"""The base of every layer: a store around a store."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, overload

from spoonbill.common.generics import D, K, V
from spoonbill.errors import StackError
from spoonbill.query import Plan, Query, Step
from spoonbill.store.base import Verbs
from spoonbill.store.binding import Form
from spoonbill.store.described import Described
from spoonbill.store.mapping import Store
from spoonbill.store.verbs import VERBS

_INHERITED = (
    "limits",
    "guarantees",
    "dialect",
    "match_seconds",
    "strict",
    "holds_bytes",
    "read_only",
    "lists_keys",
    "features",
    "ends_by_default",
)


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
    is_codec: ClassVar[bool] = False  # it turns objects to bytes, or keys to str: a codec above takes its place
    is_recipe: bool = False  # it is a named store: a name for the stack inside it
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
            if getattr(type(self), trait) is Described.__dict__[trait]:
                setattr(self, trait, getattr(inner, trait))
        # A feature that is a method of the inner store's is not this layer's: no layer forwards what it does not know.
        self.features = frozenset(
            name for name in self.features if hasattr(type(self), name) or not hasattr(inner, name)
        )
        for verb, form in self._forms.items():
            if form is Form.BOUND:
                vars(self)[verb] = getattr(inner, verb)

    # What ``super()`` means in a layer: the inner store's verb. The rest of the table is added below the class.

    @overload
    def get(self, key: K, default: None = None) -> V | None: ...

    @overload
    def get(self, key: K, default: V) -> V: ...

    @overload
    def get(self, key: K, default: D) -> V | D: ...

    def get(self, key: K, default: Any = None) -> Any:
        return self.inner.get(key, default)

    def set(self, key: K, value: V, *arguments: Any, **options: Any) -> None:
        self.inner.set(key, value, *arguments, **options)

    def delete(self, key: K) -> bool:
        return self.inner.delete(key)

    def iter(self) -> Iterator[K]:
        return self.inner.iter()

    def native(self, verb: str) -> bool:
        return self._forms.get(verb) is not Form.DERIVED and self.inner.native(verb)

    @property
    def suspends(self) -> bool:
        return self.awaits or self.inner.suspends

    @property
    def closed(self) -> bool:
        """Whether the store below was closed."""
        return self.inner.closed

    @property
    def client(self) -> Any:
        return self.inner.client

    @property
    def raw(self) -> Store[Any, Any]:
        return self.inner.raw

    @property
    def stands_on(self) -> tuple[Store[Any, Any], ...]:
        return (self.inner,)

    def over(self, inner: Store[Any, Any]) -> "Layer[Any, Any]":
        """Return this layer, as it was configured, over another store."""
        arguments, options = self._configuration
        kept = {name: option for name, option in options.items() if name not in {"store", "inner"}}
        return type(self)(inner, *arguments[1:], **kept)

    def order_with(self, other: str) -> str:
        """Return the order that works for this layer and another one, by its name, that cannot stand on it."""
        return f"{type(self).__name__}({other}(...))"

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
