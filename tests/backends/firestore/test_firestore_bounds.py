"""Bounds of shares are names that other names are between, and are found by counting."""

from itertools import pairwise

import hypothesis.strategies as st
import pytest
from hypothesis import assume, given

from spoonbill.backends.firestore import bounds
from spoonbill.backends.firestore.filters import BY_NAME

NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/"), max_size=5)


@given(NAMES, NAMES | st.none())
def test_a_middle_is_between(low, high):
    """Whatever the two names are, the middle is above the first, below the second, and a legal part of a path."""
    assume(high is None or low < high)
    middle = bounds.between(low, high)
    if middle is None:
        # Nothing between but what no bound needs to tell apart: the second is the first and one least character.
        assert high is not None
        assert high[: len(low)] == low
        return
    assert low < middle
    assert high is None or middle <= high
    assert high is None or middle < high or len(high) == 1
    assert "/" not in middle
    assert middle.encode()


class Counted:
    """A collection that only counts."""

    def __init__(self, names):
        self.names = sorted(names)
        self.billed = self.counts = 0

    def count(self, tests):
        self.counts += 1
        low = next((test.operand for test in tests if test.sign == "from"), "")
        high = next((test.operand for test in tests if test.sign == "until"), "\U0010ffff" * 9)
        assert all(test.path == BY_NAME for test in tests)
        found = sum(low <= name < high for name in self.names)
        self.billed += 1 + found // 1000
        return found


@pytest.mark.parametrize(
    "name",
    [
        lambda number: f"user-{number:08}",
        lambda number: f"{number:x}",
        lambda number: f"logs~2F2024~2F{number % 3}~2F{number}",
        lambda number: chr(0x4E00 + number),
        lambda number: "a" * (number % 12) + str(number),
    ],
    ids=["padded", "hex", "paths", "chinese", "skewed"],
)
@pytest.mark.parametrize("count", [2, 8])
def test_shares_are_even_and_cheap(monkeypatch, name, count):
    """Each share is within a fifth of its even size, and counting bills a tenth of reading all, at most."""
    monkeypatch.setattr(bounds, "query_message", lambda _, tests=(): tests)
    monkeypatch.setattr(bounds, "listed", lambda counted, *_, **__: iter([(counted.names[0], {})]))
    collection = Counted({name(number) for number in range(10_000)})
    edges = ["", *bounds.find_bounds(collection, count), "\U0010ffff" * 9]
    sizes = [sum(low <= each < high for each in collection.names) for low, high in pairwise(edges)]
    assert len(sizes) == count
    assert sum(sizes) == 10_000
    assert max(sizes) <= 1.2 * 10_000 / count
    assert collection.billed < 1000
