"""The page of orders, made of what became of each pair."""

from collections.abc import Iterable, Mapping

from tests.contract.orders import CLASSES, ON_BYTES, Outcome, Pair

Outcomes = Mapping[Pair, Outcome]

HEAD = """# Which layer may stand on which

The tests build every pair of layers, `outer(inner(LmdbStore(path)))`, exercise those that can be built, and write this
page (`tests/contract/test_orders.py`).

- **stands on**: the outer layer works on what the inner one gives.
- **goes below the codec**: the outer layer works on stored bytes, so it takes its place where they are:
  `Compressed(LmdbStore(path))` is what `Codec(Compressed(Lmdb(path)))` is. A codec takes the place of the codec that is
  there.
- **refused**: a `StackError` when the stack is built, whose text names the order that works. *Turned round* means
  `Cached(Compressed(...))` for `Compressed(Cached(...))`.

The **layers of bytes** are {bytes}. They are what a codec can stand on. The **layers of values** are the others:
{values}.

A method that only one layer has, such as `Tagged.evict` or `Expiring.sweep`, is on that layer alone: put it on the
outside, or reach it by `store.inner`.

| outer | stands on | goes below the codec of | refused on |
|---|---|---|---|
"""
BELOW = """
## On an engine's bytes

Below a codec, `Codec(outer(inner(Lmdb(path))))`, every layer but the codecs and `Typed` stands on each other one. Only
these are refused:

"""
_ON_BYTES = ("AnyKey", "Chunked", "Codec", "Compressed", "Encrypted", "Expiring", "HashedKeys", "Limited")
BYTES = (*_ON_BYTES, "SafetensorsCodec", "Signed", "StrictString")
VALUES = tuple(name for name in sorted(CLASSES.values()) if name not in BYTES)


def code(names: Iterable[str]) -> str:
    """Return names as code."""
    return ", ".join(f"`{name}`" for name in names)


def listed(names: Iterable[str]) -> str:
    """Return names as the cell of a table, groups of them by what they are called."""
    rest, told = set(names), []
    for called, group in (("every layer", (*BYTES, *VALUES)), ("layers of values", VALUES), ("layers of bytes", BYTES)):
        missing = set(group) - rest
        if len(missing) <= 4:
            told.append(called + (f" but {code(sorted(missing))}" if missing else ""))
            rest -= set(group)
    return ", ".join([*told, *([code(sorted(rest))] if rest else [])])


def row(outer: str, outcomes: Outcomes) -> str:
    """Return the row of a layer over a named store."""
    words: dict[str, list[str]] = {"works": [], "below the codec": []}
    refused: dict[str, str] = {}
    name = CLASSES[outer]
    for inner in sorted(CLASSES):
        outcome = outcomes[Pair(outer, inner)]
        if outcome.word == "refused":
            refused[CLASSES[inner]] = outcome.error
        else:
            words[outcome.word].append(CLASSES[inner])
    plain = [inner for inner, order in refused.items() if order == f"{inner}({name}(...))"]
    told = [f"{listed(plain)}: turned round"] if plain else []
    told += [f"`{inner}`: `{order}`" for inner, order in refused.items() if inner not in plain]
    return f"| `{name}` | {listed(words['works'])} | {listed(words['below the codec'])} | {'; '.join(told)} |"


def lines_below(outer: str, outcomes: Outcomes) -> list[str]:
    """Return what is refused of a layer on an engine's bytes, a line each."""
    refused = {inner: outcomes[Pair(outer, inner, below=True)] for inner in ON_BYTES}
    return [
        f"- `{CLASSES[outer]}({CLASSES[inner]}(...))`: `{outcome.error}`"
        for inner, outcome in refused.items()
        if outcome.word == "refused"
    ]


def head() -> str:
    """Return what stands above the table."""
    return HEAD.format(bytes=code(BYTES), values=code(VALUES))


def page(outcomes: Outcomes) -> str:
    """Return the page; an outcome's error is the order that works."""
    rows = [row(outer, outcomes) for outer in sorted(CLASSES)]
    below = [line for outer in ON_BYTES for line in lines_below(outer, outcomes)]
    return head() + "\n".join(rows) + "\n" + BELOW + "\n".join(below) + "\n"
