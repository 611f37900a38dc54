"""A store that fails by chance, before or after it did its work."""

import random
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Final

from spoonbill.common.generics import K, V
from spoonbill.common.locks import new_lock
from spoonbill.errors import StoreError, UnansweredError, UnsupportedError
from spoonbill.store import VERBS, Layer, Store
from spoonbill.store.binding import bind_each
from spoonbill.store.verbs import of_key

__all__ = ["Faulty"]

# The others reach no engine, or must not leave it open.
_CAN: Final = frozenset(VERBS) - {"canonical", "plan", "close"}


class Faulty(Layer[K, V]):
    """A layer whose calls fail by chance, as those of an engine across a bad network do.

    A read fails with a `StoreError`. A write fails in one of two ways, each as often: with a `StoreError` before it was
    done, or with an `UnansweredError` after it was done. A listing fails when it is asked for, not on the way.

    Parameters
    ----------
    store : Store
        Any store.
    rate : float, optional
        The share of calls that fail, 0 to 1.
    seed : int, optional
        Decides which calls fail, and how. One thread meets the same faults each time; errors name the seed.
    verbs : iterable of str, optional
        The verbs that can fail; by default every one that reaches the engine.

    Attributes
    ----------
    rate : float
        As given. It can be changed: 0 ends the faults, 1 lets every call fail.
    seed : int
        As given.
    faults : collections.Counter
        How often each verb failed.

    Raises
    ------
    ValueError
        If `rate` is not within 0 and 1.
    UnsupportedError
        If one of `verbs` is no verb that can fail.

    Examples
    --------
    >>> from spoonbill.datastores import InMemoryStore
    >>> store = Faulty(InMemoryStore(), rate=1, seed=4, verbs=["set"])
    >>> try:
    ...     store["a"] = 1
    ... except UnansweredError:
    ...     print("it may have been done:", store.get("a"))
    it may have been done: 1
    >>> store.faults["set"]
    1
    """

    def __init__(
        self, store: Store[Any, Any], rate: float = 0.1, seed: int = 0, verbs: Iterable[str] | None = None
    ) -> None:
        super().__init__(store)
        if not 0 <= rate <= 1:
            raise ValueError(f"rate is the share of calls that fail, 0 to 1, not {rate!r}")
        chosen = _CAN if verbs is None else frozenset(verbs)
        if unknown := chosen - _CAN:
            raise UnsupportedError(f"{sorted(unknown)} cannot fail; the verbs that can are {sorted(_CAN)}")
        self._dice = _Dice(rate, seed, repr(store))
        bind_each(self, self._dice.failing, because="fails by chance", leave=frozenset(VERBS) - chosen)

    @property
    def rate(self) -> float:
        return self._dice.rate

    @rate.setter
    def rate(self, rate: float) -> None:
        self._dice.rate = rate

    @property
    def seed(self) -> int:
        return self._dice.seed

    @property
    def faults(self) -> Counter[str]:
        return self._dice.faults


class _Dice:
    """What decides on the calls; apart from the layer, whose verbs must not hold it."""

    def __init__(self, rate: float, seed: int, place: str) -> None:
        self.rate = rate
        self.seed = seed
        self._place = place
        self.faults: Counter[str] = Counter()
        self._chance = random.Random(seed)  # noqa: S311 - to be repeated
        self._lock = new_lock()

    def failing(self, verb: str, function: Callable[..., Any]) -> Callable[..., Any]:
        writes = VERBS[verb].writes

        def call(*arguments: Any, **options: Any) -> Any:
            with self._lock:
                fails, after = self._chance.random() < self.rate, self._chance.random() < 0.5
            if not fails:
                return function(*arguments, **options)
            if writes and after:
                with suppress(KeyError):  # an answer too
                    function(*arguments, **options)
            with self._lock:
                self.faults[verb] += 1
            call_failed = f"{verb}{of_key(verb, arguments)} in {self._place} failed by Faulty (seed {self.seed})"
            if writes and after:
                raise UnansweredError(f"{call_failed}: it was done, and its answer is lost. Read the key to find out")
            raise StoreError(f"{call_failed}: nothing was done. Do it again")

        return call
