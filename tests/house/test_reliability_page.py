"""The page on reliability names tests that are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = re.findall(r"`((?:[\w/]+)\.py)`", (ROOT / "docs" / "reliability.md").read_text("utf-8"))


def test_the_page_names_tests():
    """The page says by which tests its promises are proved."""
    assert len(set(NAMED)) > 20


@pytest.mark.parametrize("name", sorted(set(NAMED)))
def test_a_proof_is_there(name):
    """A file that the page names exists, below tests/ or from the root."""
    assert any((folder / name).is_file() for folder in (ROOT / "tests", ROOT))
