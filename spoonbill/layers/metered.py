"""Counts and times of every verb, where a stack spends them."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from spoonbill.common.locks import new_lock
from spoonbill.common.sentinels import MISSING
from spoonbill.store import Layer, Store
from spoonbill.store.binding import bind_each

__all__ = ["Metered", "Stats"]

K = TypeVar("K")
V = TypeVar("V")

_NOT_TIMED = frozenset({"canonical", "plan"})
_OF_VALUES = {"get": 1, "set": 1, "add": 1, "pop": 1}


@dataclass
class Stats:
    """What one verb did since the layer was made, or since `Metered.reset`.

    Attributes
    ----------
    calls, errors : int
        How often it was called, and how often it raised; a KeyError is an answer, not an error.
    seconds : float
        The time of all calls together. Of a listing it is the time until the first entry was asked for.
    bytes : int
        The bytes of the values that single reads and writes moved, where they are bytes.
    hits : int
        Reads of single keys that found a value.
    """

    calls: int = 0
    errors: int = 0
    seconds: float = 0.0
    bytes: int = 0
    hits: int = 0


class Metered(Layer[K, V]):
    """Counts, times and sizes of every verb that passes here; with OpenTelemetry installed also as its metrics.

    A name says which place in a stack it measures: two of them around a cache show what the cache saves.

    Parameters
    ----------
    store : Store
        Any store.
    name : str, optional
        What this place is called in metrics; by default the class of the store inside.
    spans : bool, optional
        True also makes a span of OpenTelemetry of each call, where ``opentelemetry-api`` is installed.

    Examples
    --------
    >>> from spoonbill.datastores import InMemoryStore
    >>> store = Metered(InMemoryStore({"a": 1}))
    >>> store["a"], store.get("b")
    (1, None)
    >>> store.stats()["get"].calls, store.stats()["get"].hits
    (2, 1)
    """

    def __init__(self, store: Store[Any, Any], name: str | None = None, *, spans: bool = False) -> None:
        super().__init__(store)
        self.name = type(store).__name__ if name is None else name
        self._guard = new_lock()
        self._stats: dict[str, Stats] = {}
        self._exporter = _exporter(self.name, spans=spans)
        bind_each(self, self._metering, because=f"measured as {self.name!r}", leave=_NOT_TIMED)

    def _metering(self, verb: str, function: Callable[..., Any]) -> Callable[..., Any]:
        stats = self._stats[verb] = Stats()
        guard, clock, export = self._guard, time.perf_counter, self._exporter
        reads, place = verb in {"get", "pop"}, _OF_VALUES.get(verb)

        def metered(*arguments: Any, **options: Any) -> Any:
            start = clock()
            answer: Any = MISSING
            failed = False
            try:
                answer = function(*arguments, **options)
            except KeyError:
                raise
            except BaseException:
                failed = True
                raise
            finally:
                seconds = clock() - start
                moved = answer if reads else arguments[place] if place is not None and len(arguments) > place else None
                with guard:
                    stats.calls += 1
                    stats.seconds += seconds
                    stats.errors += failed
                    if reads and answer is not MISSING and answer is not (arguments[1] if len(arguments) > 1 else None):
                        stats.hits += 1
                    if type(moved) is bytes:
                        stats.bytes += len(moved)
                if export is not None:
                    export(verb, start, seconds, failed)
            return answer

        return metered

    def stats(self) -> dict[str, Stats]:
        """Return what each verb did that was called at all."""
        with self._guard:
            return {verb: Stats(**vars(one)) for verb, one in self._stats.items() if one.calls}

    def reset(self) -> None:
        """Begin to count anew."""
        with self._guard:
            for one in self._stats.values():
                vars(one).update(vars(Stats()))


def _exporter(name: str, *, spans: bool) -> Callable[[str, float, float, bool], None] | None:
    """Return what passes a call on to OpenTelemetry, None where its API is not installed."""
    try:
        from opentelemetry import metrics, trace
    except ImportError:
        return None
    meter = metrics.get_meter("spoonbill")
    duration = meter.create_histogram("spoonbill.call.duration", unit="s", description="Duration of calls to a store")
    failures = meter.create_counter("spoonbill.call.errors", description="Calls to a store that raised")
    tracer = trace.get_tracer("spoonbill") if spans else None

    def export(verb: str, _start: float, seconds: float, failed: bool) -> None:
        labels = {"store": name, "verb": verb}
        duration.record(seconds, labels)
        if failed:
            failures.add(1, labels)
        if tracer is not None:
            now = time.time_ns()
            span = tracer.start_span(f"{name}.{verb}", start_time=now - int(seconds * 1e9), attributes=labels)
            span.end(now)

    return export
