"""Every ordered pair of layers works, or is refused when it is built, with the order that works."""

import os
import re
from pathlib import Path

import pytest

from spoonbill import (
    Cached,
    Compressed,
    Encrypted,
    Expiring,
    Mirrored,
    Prefixed,
    StrictString,
    Tagged,
    Tiered,
    Typed,
    WriteOnce,
)
from spoonbill.backends import Lmdb, Memory
from spoonbill.datastores import LmdbStore
from spoonbill.errors import StackError
from tests.contract import exercise, orders_page
from tests.contract.orders import CLASSES, ON_BYTES, SAMPLES, Outcome, Pair, User, outcome_of

PAGE = Path(__file__).parents[2] / "docs" / "layers" / "orders.md"
WRITES = bool(os.environ.get("SPOONBILL_WRITE_DOCS"))
AGAIN = "docs/layers/orders.md is out of date: run tests/contract/test_orders.py with SPOONBILL_WRITE_DOCS=1"
NAMES = {name: row for row, name in CLASSES.items()}


def test_every_layer_has_a_sample():
    """A layer that is added to the registry is in the table, and in these tests."""
    assert SAMPLES.keys() == CLASSES.keys()


def order_of(error):
    """Return the order that an error names, the outermost layer first."""
    found = re.search(r"(?:other way round|with one|bytes|another kind): (\w+)\((?:(\w+)\()?(?:(\w+)\()?\.\.\.", error)
    assert found, error
    return [name for name in found.groups() if name is not None]


def assert_built(order, path, *, below):
    """See that the order which an error names can be built."""
    *names, last = order
    store = Lmdb(path / "order") if below or last == "Lmdb" else LmdbStore(path / "order")
    for name in reversed(names if last == "Lmdb" else order):
        store = SAMPLES[NAMES[name]].make(store, Memory())
    store.close()


def as_told(outcome):
    """Return an outcome with the order that works in place of the error, as the page tells it."""
    order = order_of(outcome.error) if outcome.error else []
    return Outcome(outcome.word, "(".join([*order, "..."]) + ")" * len(order))


def worked(pair, path):
    """Exercise a pair, or see that its refusal names an order that works; return what became of it."""
    outcome = outcome_of(pair, path / "built")
    if outcome.word == "refused":
        assert_built(order_of(outcome.error), path, below=pair.below)
        return as_told(outcome)
    others = (Memory(), Memory())
    pairs = pair.pairs()
    if "frozen" in pair:
        with pair.build(path / "store", others, without="frozen") as writer:
            writer.update(pairs)
    with pair.build(path / "store", others) as store:
        exercise.truthful(store)
        if "frozen" not in pair:
            store.update(pairs)
        exercise.same(store, pairs)
        exercise.searches(store, pairs)
        if {"frozen", "write_once"} & set(pair):
            other = others[1].copy() if pair.outer in {"routed", "sharded"} else {}
            exercise.refused(store, {key: value for key, value in pairs.items() if key not in other}, pairs)
        else:
            exercise.writes(store, pairs)
            exercise.expiry(store, pairs)
    return outcome


def seen(pairs, work, path):
    """Return what becomes of pairs, each in a folder of its own."""
    outcomes = {}
    for number, pair in enumerate(pairs):
        folder = path / str(number)
        folder.mkdir()
        outcomes[pair] = work(pair, folder)
    return outcomes


@pytest.mark.parametrize("outer", sorted(CLASSES))
def test_over_a_named_store(outer, tmp_path):
    """Over each layer around a named store it works, goes below the codec or names what works, as the page says."""
    outcomes = seen([Pair(outer, inner) for inner in sorted(CLASSES)], worked, tmp_path)
    if not WRITES:
        assert orders_page.row(outer, outcomes) in PAGE.read_text(), AGAIN


@pytest.mark.parametrize("outer", ON_BYTES)
def test_over_bytes(outer, tmp_path):
    """The same over each layer that can stand on an engine's bytes."""
    outcomes = seen([Pair(outer, inner, below=True) for inner in ON_BYTES], worked, tmp_path)
    if not WRITES:
        told = [line for line in PAGE.read_text().splitlines() if line.startswith(f"- `{CLASSES[outer]}(")]
        assert orders_page.lines_below(outer, outcomes) == told, AGAIN


def test_the_page_is_about_every_layer(tmp_path):
    """docs/layers/orders.md has a row a layer; SPOONBILL_WRITE_DOCS=1 writes it anew."""
    if WRITES:
        pairs = [Pair(outer, inner) for outer in CLASSES for inner in CLASSES]
        pairs += [Pair(outer, inner, below=True) for outer in ON_BYTES for inner in ON_BYTES]
        PAGE.write_text(
            orders_page.page(seen(pairs, lambda pair, folder: as_told(outcome_of(pair, folder / "built")), tmp_path))
        )
    page = PAGE.read_text()
    assert page.startswith(orders_page.head()), AGAIN
    assert re.findall(r"^\| `(\w+)`", page, re.MULTILINE) == [CLASSES[name] for name in sorted(CLASSES)], AGAIN


def test_three_layers_are_refused_as_two_are():
    """What makes no sense makes none with other layers in between, or in one of several stores."""
    for build, order in (
        (lambda: Encrypted(Prefixed(Compressed(Memory(), "gzip"), "p:"), b"k" * 32), "Compressed(Encrypted("),
        (lambda: Expiring(Cached(Expiring(Memory()))), "with one: Expiring("),
        (lambda: Expiring(Mirrored(Memory(), Expiring(Memory()))), "with one: Expiring("),
        (lambda: Expiring(Tiered(Memory(), WriteOnce(Memory()))), "WriteOnce(Expiring("),
        (lambda: Tagged(Cached(Typed(Memory(), User))), "Typed(Tagged("),
        (lambda: Typed(Prefixed(StrictString(Memory()), "p:"), User), "Typed(Codec("),
    ):
        with pytest.raises(StackError, match=re.escape(order)):
            build()
    Expiring(Tiered(Expiring(Memory(), 60), Memory()))  # the fast store's end is its own
