"""A store that keeps the history of the calls it gets."""

import threading
import time
from collections.abc import Callable, Hashable
from typing import Any

from spoonbill.common.generics import K, V
from spoonbill.common.locks import new_lock
from spoonbill.common.sentinels import MISSING, RAISE, absent
from spoonbill.store import Layer, Store
from spoonbill.testing.call import Call

__all__ = ["Recorder"]


class Recorder(Layer[K, V]):
    r"""A layer that records every call on a key, with its start, its end and its result, for `check_history`.

    A batch, `increment` and every other verb is derived from calls on single keys here, so that it is recorded too. The
    value of a key is read once before its first call. Threads share one recorder; nothing else may write to the store
    below meanwhile. Values must not be changed after they were given.

    Parameters
    ----------
    store : Store
        Any store. Entries cannot expire here: the time would be a writer that nobody records.

    Attributes
    ----------
    calls : list of Call
        The history, in the order of the starts.
    first : dict
        What each key held before its first call, by the key as the engine knows it; `MISSING` is absence.

    Examples
    --------
    >>> from spoonbill.datastores import InMemoryStore
    >>> store = Recorder(InMemoryStore())
    >>> store["a"] = 1
    >>> store.get("b")
    >>> print(*store.calls, sep="\n")
    set('a', 1) -> None
    get('b') -> absent
    """

    def __init__(self, store: Store[Any, Any]) -> None:
        super().__init__(store)
        self.features -= {"ttl"}
        self.calls: list[Call] = []
        self.first: dict[Hashable, Any] = {}
        self._history = new_lock()

    def get(self, key: K, default: Any = None) -> Any:
        value = self._record(Call("get", key), lambda: self.inner.get(key, MISSING))
        return default if value is MISSING else value

    def has(self, key: Any) -> bool:
        return bool(self._record(Call("has", key), lambda: self.inner.has(key)))

    def set(self, key: K, value: V) -> None:
        self._record(Call("set", key, value), lambda: self.inner.set(key, value))

    def delete(self, key: K) -> bool:
        return bool(self._record(Call("delete", key), lambda: self.inner.delete(key)))

    def add(self, key: K, value: V) -> bool:
        return bool(self._record(Call("add", key, value), lambda: self.inner.add(key, value)))

    def replace(self, key: K, expected: V, value: V) -> bool:
        call = Call("replace", key, value, expected)
        return bool(self._record(call, lambda: self.inner.replace(key, expected, value)))

    def pop(self, key: K, default: Any = RAISE) -> Any:
        value = self._record(Call("pop", key), lambda: self.inner.pop(key, MISSING))
        return absent(key, default) if value is MISSING else value

    def discard(self, key: K, expected: V) -> bool:
        return bool(self._record(Call("discard", key, expected=expected), lambda: self.inner.discard(key, expected)))

    def history(self) -> dict[Hashable, list[Call]]:
        """Return the calls of each key, by the key as the engine knows it, in the order of their starts."""
        with self._history:
            calls = list(self.calls)
        found: dict[Hashable, list[Call]] = {}
        for call in calls:
            found.setdefault(self.inner.canonical(call.key), []).append(call)
        return found

    def _record(self, call: Call, function: Callable[[], Any]) -> Any:
        name: Hashable = self.inner.canonical(call.key)
        call.thread = threading.current_thread().name
        with self._history:
            if name not in self.first:
                self.first[name] = self.inner.get(call.key, MISSING)
            call.start = time.perf_counter_ns()
            self.calls.append(call)
        try:
            call.result = function()
        except BaseException as error:
            call.error = error
            raise
        finally:
            call.end = time.perf_counter_ns()
        return call.result
