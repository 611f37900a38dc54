"""Calls that are made again where an engine fails for a moment."""

import time
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

from spoonbill.common.bridging.bridge import pause as sleep
from spoonbill.errors import ClosedError, FullError, MissingExtraError, PartialWriteError, StoreError
from spoonbill.store import VERBS, Layer, Store
from spoonbill.store.binding import bind

__all__ = ["Retrying"]

K = TypeVar("K")
V = TypeVar("V")

_READS: Final = frozenset({"get", "has", "count", "get_many", "ttl", "ping", "split", "flush"})
_WRITES: Final = frozenset({"set", "set_many", "clear", "touch", "replace_all"})  # what says how the state shall be
_OF_MANY: Final = frozenset({"get_many", "set_many", "replace_all"})  # what they are given may be read but once
_LISTINGS: Final = frozenset({"iter", "entries", "select"})


class Retrying(Layer[K, V]):
    """Makes a call again where the engine failed, with growing pauses and jitter, by the tenacity library.

    Only what may be repeated is: reads, and writes that say what the state shall be (`set`, `set_many`, `clear`,
    `touch`, `replace_all`). What depends on the state before (`add`, `replace`, `pop`, `delete`, `increment`) is made
    once: had it been done and its answer lost, the second one would say something that is not true. A listing is begun
    again only before its first entry. What is no failure of the engine (a KeyError, a value that does not fit) passes.

    Parameters
    ----------
    store : Store
        Any store.
    attempts : int, optional
        The most times that a call is made.
    seconds : float, optional
        A deadline: no call is begun later than this after the first one.
    pause : float, optional
        Seconds before the second call; each next pause is twice as long, up to `max_pause`, and jittered.
    max_pause : float, optional
        Seconds.

    Raises
    ------
    MissingExtraError
        If tenacity is not installed (the extra ``retry``).

    Examples
    --------
    >>> from spoonbill.datastores import InMemoryStore
    >>> Retrying(InMemoryStore({"a": 1}), attempts=3)["a"]
    1
    """

    awaits = True  # it pauses

    def __init__(
        self,
        store: Store[Any, Any],
        *,
        attempts: int = 5,
        seconds: float = 30.0,
        pause: float = 0.05,
        max_pause: float = 5.0,
    ) -> None:
        try:
            import tenacity
        except ImportError as error:
            raise MissingExtraError(
                "Retrying needs the tenacity library: pip install 'spoonbill-framework[retry]'"
            ) from error
        super().__init__(store)
        self._retrying: Any = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_is_passing),
            wait=tenacity.wait_random_exponential(multiplier=pause, max=max_pause),
            before_sleep=_note,
            sleep=sleep,
            reraise=True,
        )
        self._stop_within: Callable[[float], Any] = lambda left: (
            tenacity.stop_after_attempt(attempts) | tenacity.stop_after_delay(left)
        )
        self._seconds = seconds
        for verb in VERBS:
            if verb in _READS | _WRITES:
                repeat = self._repeating if verb in _OF_MANY else self._trying
                bind(self, verb, repeat(getattr(self.inner, verb)), because="made again where it fails")
            elif verb in _LISTINGS:
                bind(self, verb, self._relisting(getattr(self.inner, verb)), because="begun again where it fails")

    def _trying(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function, which goes to the library where it fails, and costs a frame where it does not."""
        retrying, stop_within, seconds, clock = self._retrying, self._stop_within, self._seconds, time.monotonic

        def call(*arguments: Any, **options: Any) -> Any:
            start = clock()
            try:
                return function(*arguments, **options)
            except StoreError as error:
                if not _is_passing(error):
                    raise
                failed = [error]

            def attempt() -> Any:
                if failed:  # the first one is made already
                    raise failed.pop()
                return function(*arguments, **options)

            return retrying.copy(stop=stop_within(seconds - (clock() - start)))(attempt)

        return call

    def _repeating(self, function: Callable[..., Any]) -> Callable[..., Any]:
        tried = self._trying(function)

        def call(*arguments: Any, **options: Any) -> Any:
            return tried(*(list(one) if isinstance(one, Iterator) else one for one in arguments), **options)

        return call

    def _relisting(self, function: Callable[..., Any]) -> Callable[..., Iterator[Any]]:
        def begin(*arguments: Any) -> tuple[list[Any], Iterator[Any]]:
            listed = iter(function(*arguments))
            for first in listed:
                return [first], listed
            return [], listed

        tried = self._trying(begin)

        def listing(*arguments: Any) -> Iterator[Any]:
            first, rest = tried(*arguments)
            yield from first
            yield from rest

        return listing


def _is_passing(error: BaseException) -> bool:
    return isinstance(error, StoreError) and not isinstance(error, (ClosedError, FullError, PartialWriteError))


def _note(state: Any) -> None:
    import logging

    logging.getLogger("spoonbill.retries").warning(
        "attempt %d failed: %s; again in %.2f s",
        state.attempt_number,
        state.outcome.exception(),
        state.next_action.sleep,
    )
