"""Write docs/guarantees.md from what the stores say of themselves; with --check, only tell whether it is up to date."""

import sys
from pathlib import Path

from spoonbill import backends
from spoonbill.store import VERBS, Store

PAGE = Path(__file__).with_name("guarantees.md")
HEAD = """# What each store promises

This page is written from the stores' own `guarantees` and `limits`, which a program can ask for too. A verb is native
where the engine has a form of it; the others are derived from those, with the same result. In a stack,
`store.capabilities` tells which verbs are still native.
"""


def section(engine: type[Store]) -> str:
    """Return the section of one engine."""
    lines = [f"## {engine.__name__}", "", "| | |", "|---|---|"]
    lines += [f"| {name} | {sentence} |" for name, sentence in engine.guarantees.rows()]
    limits = {"longest key": engine.limits.key_bytes, "largest value": engine.limits.value_bytes}
    lines += [f"| {name} | {limit:,} bytes |" for name, limit in limits.items() if limit is not None]
    native = [f"`{verb}`" for verb in VERBS if verb in engine._defines - engine._composed]  # noqa: SLF001 - a class, not a store
    return "\n".join([*lines, f"| native verbs | {', '.join(native)} |", ""])


def page() -> str:
    """Return the whole page."""
    return "\n".join([HEAD, *(section(getattr(backends, name)) for name in sorted(backends.__all__))])


if __name__ == "__main__":
    if "--check" in sys.argv:
        if PAGE.read_text() != page():
            sys.exit("docs/guarantees.md is out of date: run `python docs/generate.py`")
    else:
        PAGE.write_text(page())
