"""The parts of the pages of layers that are made from the code: drawings of stacks, and tables of costs."""

import contextlib
import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spoonbill import backends, datastores, layers
from spoonbill.registry import LAYERS
from spoonbill.store import Layer, Store
from spoonbill.store.layering.below_codec import BelowCodec
from spoonbill.store.layering.several import Several
from spoonbill.store.named import NamedStore

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "layers"
CLASSES = {row.name: row.layer.partition(":")[2] for row in LAYERS}
PART = re.compile(r"<!-- (stack|cost): (.+?) -->\n.*?<!-- end -->", re.DOTALL)
LEAST = 60  # nanoseconds that can be told from none

COST = """# What each layer costs

Written by `scripts/generate.py` from `benchmarks/layers.json` and from the counts that the tests hold.

## Time

Nanoseconds that a verb of the layer takes above the same verb of the store below it, which is a dict here; `get_many`,
`set_many`, `entries` and `count` for each entry, in batches of 100. 0 is less than 60 ns. {facts}
A request to a server takes 100,000 ns and more.

"""
CALLS = """
## Calls

How many calls of the store below a verb makes, which for a server are its requests; batches are of ten entries. 0 is an
answer from memory: the entry was read before. `tests/layers/test_costs.py` fails where a layer begins to make one more,
or to take one more Python frame.

"""


@dataclass
class User:
    """The class of objects in the drawing of `Typed`."""

    name: str


def _named(part: dict[str, Any]) -> str:
    given = [repr(argument) for argument in part.get("arguments", ())]
    given += [f"{name}={value!r}" for name, value in part.get("options", {}).items()]
    return f"{part['class']}({', '.join(given)})".replace("'***'", "...")


def drawing(store: Store[Any, Any]) -> list[str]:
    """Return a stack as lines of text, the outermost layer first, from what it says of itself."""
    told = store.describe()
    notes, below = [], store
    while isinstance(below, Layer) and not isinstance(below, NamedStore):
        above = isinstance(below, BelowCodec) and below._below_codec is not None  # noqa: SLF001 - one house
        notes.append("   works on the bytes, below the codec" if above else "")
        arguments, options = below._configuration  # noqa: SLF001
        below = arguments[0] if arguments else options["store"]
    lines = [_named(part) + note for part, note in zip(reversed(told["layers"]), notes, strict=True)]
    drawn = [line if not depth else "   " * (depth - 1) + "└─ " + line for depth, line in enumerate(lines)]
    bottom = type(below).__name__ if isinstance(below, Several) else _named(told["store"])
    depth = len(lines)
    drawn.append("   " * (depth - 1) + "└─ " + bottom if depth else bottom)
    if isinstance(below, Several):
        for one in below.stores:
            first, *rest = drawing(one)
            drawn += ["   " * depth + "├─ " + first, *("   " * depth + "│  " + line for line in rest)]
    return drawn


def stack(expression: str) -> str:
    """Return the drawing of the stack that an expression builds."""
    names: dict[str, Any] = {"User": User}
    for package in (layers, datastores, backends):
        names |= {name: getattr(package, name) for name in package.__all__}
    with contextlib.ExitStack() as opened:
        opened.enter_context(contextlib.chdir(opened.enter_context(tempfile.TemporaryDirectory())))
        lines = drawing(opened.enter_context(eval(expression, names)))  # noqa: S307 - of our own pages
    return "\n".join(["```text", *lines, "```"])


def _rows() -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    kept = json.loads((ROOT / "benchmarks" / "layers.json").read_text())
    return kept, kept["rows"], json.loads((ROOT / "tests" / "layers" / "costs.json").read_text())


def _time(cost: int | None) -> str:
    if cost is None:
        return "refused"
    return "0" if cost < LEAST else f"{round(cost, 1 - len(str(cost)) + 1):,}"


def _calls(found: list[int] | None) -> str:
    return "refused" if found is None else str(found[1])


def cost_of(layer: str) -> str:
    """Return what one layer costs, as a small table."""
    _, times, counts = _rows()
    verbs = ("get", "has", "set", "get_many", "set_many", "entries")
    lines = ["| | " + " | ".join(f"`{verb}`" for verb in verbs) + " |", "|---|" + "---|" * len(verbs)]
    lines.append("| ns above the store below | " + " | ".join(_time(times[layer][verb]) for verb in verbs) + " |")
    lines.append("| calls of the store below | " + " | ".join(_calls(counts[layer][verb]) for verb in verbs) + " |")
    return "\n".join([*lines, "", "Batches: ns an entry, calls for ten. [All layers](cost.md)."])


def cost() -> str:
    """Return the page of costs."""
    kept, times, counts = _rows()
    verbs = list(next(iter(times.values())))
    text = COST.format(facts=f"Measured on Python {kept['python']}, {kept['machine']}.")
    text += "| layer | " + " | ".join(f"`{verb}`" for verb in verbs) + " |\n|---|" + "---:|" * len(verbs) + "\n"
    for name, found in times.items():
        text += f"| `{name}` | " + " | ".join(_time(found[verb]) for verb in verbs) + " |\n"
    verbs = list(next(iter(counts.values())))
    text += CALLS + "| layer | " + " | ".join(f"`{verb}`" for verb in verbs) + " |\n|---|" + "---:|" * len(verbs) + "\n"
    for name, found in counts.items():
        text += f"| `{name}` | " + " | ".join(_calls(found[verb]) for verb in verbs) + " |\n"
    return text


def with_parts(page: str) -> str:
    """Return a page with its drawings and costs made anew."""

    def made(found: re.Match[str]) -> str:
        kind, what = found.groups()
        return f"<!-- {kind}: {what} -->\n{stack(what) if kind == 'stack' else cost_of(what)}\n<!-- end -->"

    return PART.sub(made, page)


def pages() -> dict[str, str]:
    """Return the pages of layers by their paths in the docs, as they should be."""
    written = {f"layers/{path.name}": with_parts(path.read_text()) for path in sorted(PAGES.glob("*.md"))}
    return {**written, "layers/cost.md": cost()}
