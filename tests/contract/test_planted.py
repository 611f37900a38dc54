"""Bugs that others have had are planted in small stores, and the conformance kit finds each of them."""

import pytest

from spoonbill import ValueLayer
from spoonbill.testing import LayerContract
from tests.contract.planted import caches, contents, pages, threads
from tests.contract.planted.base import BlindKit, Kit, Sound, TupleKit
from tests.contract.planted.running import found_by

BACKENDS = (*caches.PLANTED, *pages.PLANTED, *threads.PLANTED, *contents.PLANTED)


class Layers(LayerContract):
    """The kit on a layer."""

    def __init__(self, kind):
        self.kind = kind

    def wrap(self, inner):
        return self.kind(inner)


@pytest.mark.parametrize("kind", BACKENDS, ids=lambda kind: kind.__name__)
def test_the_kit_finds_it(kind, tmp_path):
    """A backend with one bug turns at least one test of the kit red, by what the store says alone."""
    assert found_by(BlindKit(kind), tmp_path)


@pytest.mark.parametrize("kind", contents.TUPLES, ids=lambda kind: kind.__name__)
def test_the_kit_finds_a_changed_type(kind, tmp_path):
    """A tuple that comes back as a list turns a test red where the kit's values have a tuple."""
    assert found_by(TupleKit(kind), tmp_path)


@pytest.mark.parametrize("kind", contents.LAYERS, ids=lambda kind: kind.__name__)
def test_the_kit_finds_a_lost_value(kind, tmp_path):
    """A layer that loses what it cannot decode turns a test red."""
    assert found_by(Layers(kind), tmp_path)


@pytest.mark.parametrize("contract", [Kit(Sound), BlindKit(Sound), Kit(caches.Caching), TupleKit(Sound)])
def test_a_store_without_a_bug_passes(contract, tmp_path):
    """What the planted stores differ from is green, so it is the bug that the kit finds."""
    if contract.kind is caches.Caching:
        contract.test_reads_see_the_medium = None  # it does remember
    red = found_by(contract, tmp_path)
    red.pop("test_reads_see_the_medium" if contract.kind is caches.Caching else "", None)
    assert red == {}


def test_a_layer_without_a_bug_passes(tmp_path):
    """A layer that changes nothing is green."""

    class Same(ValueLayer):
        """Changes nothing."""

    assert found_by(Layers(Same), tmp_path) == {}
