"""A store that makes the value of an absent key, as ``defaultdict`` does."""

from collections.abc import Callable
from typing import Any, TypeVar

from spoonbill.common.sentinels import MISSING
from spoonbill.store import Layer, Store

__all__ = ["Defaulting"]

K = TypeVar("K")
V = TypeVar("V")


class Defaulting(Layer[K, V]):
    """``store[key]`` of an absent key makes the value, stores it and returns it; every other read is as ever.

    Two that read at once get the same value: it is stored by `add`, and the first one wins. As with ``defaultdict``,
    ``get``, ``in`` and batches make nothing.

    Parameters
    ----------
    store : Store
        Any store.
    factory : callable
        Called without arguments, or with the key where `with_key` is True.
    with_key : bool, optional
        Whether the factory takes the key.

    Examples
    --------
    >>> from spoonbill.datastores import InMemoryStore
    >>> lists = Defaulting(InMemoryStore(), list)
    >>> with lists.edit("a", []) as value:
    ...     value.append(1)
    >>> lists["a"], lists["b"], len(lists)
    ([1], [], 2)
    """

    def __init__(self, store: Store[Any, Any], factory: Callable[..., V], *, with_key: bool = False) -> None:
        super().__init__(store)
        self._factory = factory
        self._with_key = with_key

    def __getitem__(self, key: K) -> V:
        value: Any = self.get(key, MISSING)
        while value is MISSING:
            made = self._factory(key) if self._with_key else self._factory()
            self.add(key, made)
            value = self.get(key, made)
        return value  # type: ignore[no-any-return]
