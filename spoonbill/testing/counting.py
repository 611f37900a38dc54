"""A store that counts the calls it gets."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from spoonbill.common.generics import K, V
from spoonbill.common.locks import new_lock
from spoonbill.store import Layer, Store
from spoonbill.store.binding import bind_each

__all__ = ["Counting"]


class Counting(Layer[K, V]):
    """A layer that counts the calls of each verb, to assert how many round trips a piece of code makes.

    Parameters
    ----------
    store : Store
        Any store.

    Attributes
    ----------
    counts : collections.Counter
        How often each verb was called here, whether it failed or not. A batch is one call. ``counts.clear()`` begins
        anew.

    Examples
    --------
    >>> from spoonbill.datastores import InMemoryStore
    >>> store = Counting(InMemoryStore())
    >>> store.update({"a": 1, "b": 2})
    >>> store["a"]
    1
    >>> store.counts
    Counter({'set_many': 1, 'get': 1})
    """

    def __init__(self, store: Store[Any, Any]) -> None:
        super().__init__(store)
        counts: Counter[str] = Counter()
        lock = new_lock()

        def wrapped(verb: str, function: Callable[..., Any]) -> Callable[..., Any]:
            def call(*arguments: Any, **options: Any) -> Any:
                with lock:
                    counts[verb] += 1
                return function(*arguments, **options)

            return call

        bind_each(self, wrapped, because="counted")
        self.counts = counts
