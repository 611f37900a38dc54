"""What each layer costs a verb above the store below it, in nanoseconds; results in benchmarks/layers.json.

Run it from the root: ``PYTHONPATH=. python benchmarks/layers.py``. Each layer stands over a dict with a form of its own
of every verb. A verb of the layer and the same verb of the dict are timed in turn, round after round; the difference of
the fastest rounds is kept. Batches are of 100 entries, and counted an entry.
"""

import gc
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from timing import keep, results, seconds

from tests.contract.orders import CLASSES, SAMPLES
from tests.layers.costs import Plain, value_of

ROUNDS = 151
CALLS = 200
KEYS = [f"user:{number}" for number in range(100)]
SINGLE: dict[str, Callable[[Any, Any], object]] = {
    "get": lambda store, _: store.get("user:1"),
    "has": lambda store, _: store.has("user:1"),
}
BATCHES: dict[str, Callable[[Any, Any], object]] = {
    "count": lambda store, _: store.count(),
    "get_many": lambda store, _: store.get_many(KEYS),
    "entries": lambda store, _: list(store.entries()),
}
WRITES: dict[str, Callable[[Any, Any], object]] = {
    "set": lambda store, value: [store.set(key, value) for key in KEYS],
    "set_many": lambda store, value: store.set_many([(key, value) for key in KEYS]),
}


class Bench:
    """A layer over a dict, and a dict alone."""

    def __init__(self, name: str) -> None:
        self.value = value_of(name)
        self.below = Plain()
        self.layer: Any = SAMPLES[name].make(self.below, Plain())
        self.alone = Plain()
        for store in (self.below if name == "frozen" else self.layer, self.alone):
            store.set_many([(key, self.value) for key in KEYS])

    def above(self, work: Callable[[Any, Any], object], times: int, *, empty: bool) -> float:
        """Return the nanoseconds that one of so many calls takes above the dict's own."""
        fastest = {id(self.layer): float("inf"), id(self.alone): float("inf")}
        calls = range(1 if empty else times)
        gc.collect()  # once: a round is short, so that one of them runs without an interruption
        for number in range(ROUNDS):
            for store in (self.layer, self.alone) if number % 2 else (self.alone, self.layer):
                if empty:  # the entries are new, also for a store that keeps what it has
                    (self.below if store is self.layer else store).clear()
                spent = seconds(lambda store=store: [work(store, self.value) for _ in calls])
                fastest[id(store)] = min(fastest[id(store)], spent)
        return (fastest[id(self.layer)] - fastest[id(self.alone)]) / times * 1e9


def costs(name: str) -> dict[str, int | None]:
    """Return the cost of each verb of a layer, None for one that it refuses."""
    bench = Bench(name)
    found: dict[str, int | None] = {}
    for verb, work in SINGLE.items():
        found[verb] = round(bench.above(work, CALLS, empty=False))
    for verb, work in BATCHES.items():
        found[verb] = round(bench.above(work, 1, empty=False) / len(KEYS))
    for verb, work in WRITES.items():
        found[verb] = None if name == "frozen" else round(bench.above(work, len(KEYS), empty=True))
    return found


def main() -> int:
    gc.disable()
    rows = {CLASSES[name]: costs(name) for name in sorted(SAMPLES)}
    for name, found in rows.items():
        print(f"{name:20}", *(f"{verb} {cost if cost is not None else '-':>7}  " for verb, cost in found.items()))
    keep(Path(__file__).with_name("layers.json"), {**results({}), "unit": "ns above the store below", "rows": rows})
    return 0


if __name__ == "__main__":
    sys.exit(main())
