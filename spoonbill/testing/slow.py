"""A store that takes its time."""

from collections.abc import Callable
from typing import Any

from spoonbill.common.bridging.bridge import pause
from spoonbill.common.generics import K, V
from spoonbill.store import Layer, Store
from spoonbill.store.binding import bind_each

__all__ = ["Slow"]


class Slow(Layer[K, V]):
    """A layer whose every call waits before it goes on, as if the engine were far away.

    A batch and a listing wait once, as one round trip does.

    Parameters
    ----------
    store : Store
        Any store.
    seconds : float
        How long each call of a verb waits.

    Raises
    ------
    ValueError
        If `seconds` is negative or no number.

    Examples
    --------
    >>> from spoonbill.datastores import InMemoryStore
    >>> store = Slow(InMemoryStore({"a": 1}), 0.01)
    >>> store["a"]
    1
    """

    awaits = True

    def __init__(self, store: Store[Any, Any], seconds: float) -> None:
        super().__init__(store)
        if not 0 <= seconds < float("inf"):
            raise ValueError(f"seconds is how long each call waits, 0 or more, not {seconds!r}")
        self.seconds = seconds

        def wrapped(_verb: str, function: Callable[..., Any]) -> Callable[..., Any]:
            def call(*arguments: Any, **options: Any) -> Any:
                pause(seconds)
                return function(*arguments, **options)

            return call

        bind_each(self, wrapped, because=f"waits {seconds:g} s", leave=frozenset({"canonical", "plan"}))
