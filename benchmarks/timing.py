"""What all benchmarks share: two pieces of work timed in turn, and their rows printed and kept."""

import gc
import json
import platform
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Work = Callable[[], Any]
Rows = dict[str, tuple[float, float]]
"""What was measured and its goal, by name."""


def seconds(work: Work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def ratio(
    ours: Work,
    theirs: Work,
    rounds: int = 25,
    of: Callable[[Iterable[float]], float] = min,
    before: Work = lambda: None,
) -> float:
    """Return our time over theirs: each the fastest (or the median) of rounds that are taken in turn.

    What is done `before` each of them is not timed.
    """
    for work in (ours, theirs):
        before()
        work()
    mine, raw = [], []
    for number in range(rounds):
        gc.collect()
        for work, times in ((ours, mine), (theirs, raw)) if number % 2 else ((theirs, raw), (ours, mine)):
            before()
            times.append(seconds(work))
    return of(mine) / of(raw)


def show(rows: Rows) -> None:
    """Print each row, and how many met their goals."""
    missed = sum(measured > goal for measured, goal in rows.values())
    for name, (measured, goal) in rows.items():
        print(f"{name:60} {measured:7.3f}   goal {goal:4.2f} {'  MISSED' if measured > goal else ''}")
    print(f"{len(rows) - missed} goals met, {missed} missed")


def results(rows: Rows, **facts: Any) -> dict[str, Any]:
    """Return rows as they are kept, with the facts that they depend on."""
    kept = {name: {"measured": round(measured, 3), "goal": goal} for name, (measured, goal) in rows.items()}
    about = {
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
    return {**about, **facts, "rows": kept}


def keep(path: Path, content: dict[str, Any]) -> None:
    """Write results beside the program that measured them."""
    path.write_text(json.dumps(content, indent=2) + "\n")
