"""The base of stores made of several stores."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from spoonbill.common.failures import pass_on, raise_alone
from spoonbill.common.generics import K, V
from spoonbill.common.locks import waiting_lock
from spoonbill.common.traits import Limits
from spoonbill.errors import StackError
from spoonbill.store.binding import Form
from spoonbill.store.mapping import Store


class Several(Store[K, V]):
    """A store made of several: what it promises is what all of them promise, and it flushes and closes them all.

    Parameters
    ----------
    stores : iterable of Store
        At least one; none twice.

    Raises
    ------
    StackError
        If one is no store, or is there twice.
    """

    def __init__(self, stores: Iterable[Store[Any, Any]]) -> None:
        self._stores: Sequence[Store[Any, Any]] = tuple(stores)
        name = type(self).__name__
        if not self._stores:
            raise StackError(f"{name} needs a store at least")
        for store in self._stores:
            if not isinstance(store, Store):
                raise StackError(f"{name} is made of stores, not of {type(store).__name__}")
        if len({id(store) for store in self._stores}) < len(self._stores):
            raise StackError(f"{name} needs different stores, and one of them is there twice")
        first = self._stores[0]
        self.dialect, self.match_seconds = first.dialect, first.match_seconds
        self._take_traits()
        if self.suspends:
            self._lock = waiting_lock()

    def _take_traits(self) -> None:
        stores = self._stores
        self.limits = Limits(
            _least(store.limits.key_bytes for store in stores), _least(store.limits.value_bytes for store in stores)
        )
        self.strict = all(store.strict for store in stores)
        self.holds_bytes = all(store.holds_bytes for store in stores)
        self.read_only = any(store.read_only for store in stores)
        self.ends_by_default = any(store.ends_by_default for store in stores)
        self.lists_keys = all(store.lists_keys for store in stores)
        common = frozenset.intersection(*(store.features for store in stores))
        # A feature that is a method of a store's is not this one's.
        self.features = frozenset(name for name in common if name == "ttl" or not hasattr(stores[0], name))
        told = [store.guarantees for store in stores]
        fields = [field.name for field in dataclasses.fields(told[0])]
        self.guarantees = dataclasses.replace(
            told[0], **{name: "; ".join(dict.fromkeys(getattr(one, name) for one in told)) for name in fields}
        )

    @property
    def stores(self) -> Sequence[Store[Any, Any]]:
        """The stores that it is made of."""
        return self._stores

    @property
    def stands_on(self) -> tuple[Store[Any, Any], ...]:
        return tuple(self._stores)

    @property
    def engines(self) -> tuple[Store[Any, Any], ...]:
        return tuple(engine for store in self._stores for engine in store.engines)

    @property
    def suspends(self) -> bool:
        return self.awaits or any(store.suspends for store in self._stores)

    def native(self, verb: str) -> bool:
        """Return whether `verb` leads to the engines' own forms of it, in each of the stores."""
        known = super().native(verb)  # refuses what is no verb
        defined = verb == "iter" or self._forms.get(verb) is Form.DEFINED
        return known and defined and all(store.native(verb) for store in self._stores)

    @property
    def closed(self) -> bool:
        """Whether one of the stores was closed."""
        return any(store.closed for store in self._stores)

    def ping(self) -> float:
        return max(store.ping() for store in self._stores)

    def flush(self) -> None:
        _in_all(self._stores, "flush")

    def close(self) -> None:
        _in_all(self._stores, "close")


def _in_all(stores: Iterable[Store[Any, Any]], verb: str) -> None:
    """Call a verb of every store, also where one of them raises, and then raise the first error."""
    errors: list[Exception] = []
    for store in stores:
        try:
            getattr(store, verb)()
        except Exception as error:
            pass_on(error)
            errors.append(error)
    if errors:
        raise_alone(errors.pop(0))


def _least(limits: Iterable[int | None]) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)
