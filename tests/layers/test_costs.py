"""What each layer costs a verb, in frames and in calls of the store below, is what tests/layers/costs.json says."""

import json
import os
from pathlib import Path

import pytest

from spoonbill import Cached, Chunked, Defaulting, Expiring, MetadataIndex, Tiered
from spoonbill.backends import Memory
from spoonbill.testing import SpyStore
from tests.contract.orders import CLASSES, SAMPLES
from tests.layers.costs import VERBS, Plain, cost

FILE = Path(__file__).with_name("costs.json")
KNOWN = json.loads(FILE.read_text()) if FILE.exists() else {}


def seen(name):
    """Return the frames and the calls below of each verb, None for one that the layer refuses."""
    return {verb: cost(name, verb) for verb in VERBS}


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_a_layer_costs_what_the_table_says(name):
    """A frame more, or a call more, is seen here; SPOONBILL_WRITE_DOCS=1 writes the table anew."""
    found = seen(name)
    if os.environ.get("SPOONBILL_WRITE_DOCS"):
        table = {**(json.loads(FILE.read_text()) if FILE.exists() else {}), CLASSES[name]: found}
        lines = [f'  "{layer}": {json.dumps(verbs)}' for layer, verbs in sorted(table.items())]
        FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    else:
        assert found == KNOWN[CLASSES[name]]


def test_the_table_is_about_every_layer():
    """No layer is missing, and none is there that is gone."""
    assert sorted(json.loads(FILE.read_text())) == sorted(CLASSES.values())


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_a_verb_that_is_left_alone_costs_nothing(name):
    """What a layer binds to the store right below it takes no frame and one call."""
    store = SAMPLES[name].make(Plain(), Plain())
    below = getattr(store, "inner", None)
    for verb, found in KNOWN[CLASSES[name]].items():
        if isinstance(below, Plain) and getattr(store, verb) == getattr(below, verb):
            assert found == [0, 1], verb


def test_the_cheap_ones_are_cheap():
    """A get through Prefixed is one frame, any verb of Metered at most three, those of transparent layers none."""
    assert KNOWN["Prefixed"]["get"] == [1, 1]
    assert max(frames for frames, _ in KNOWN["Metered"].values()) <= 3
    for name in ("Search", "SafetensorsExport", "Defaulting"):
        assert set(map(tuple, KNOWN[name].values())) == {(0, 1)}
    assert KNOWN["Cached"]["get"][1] == 0


class AddingSpy(SpyStore):
    """A spy with a form of its own of add."""

    def add(self, key, value, *, ttl=None):
        self._called("add")
        return self.data.setdefault(key, value) is value


def made_by(store, call):
    """Return the verbs below that a call makes, in order."""
    spies = [one for one in (store.raw, getattr(store, "fast", None)) if isinstance(one, SpyStore)]
    for spy in spies:
        spy.calls.clear()
    call()
    return [verb for spy in spies for verb in spy.calls if verb not in {"check", "canonical"}]


def test_what_the_pages_say_of_rarer_calls():
    """A value in parts, a miss of two tiers, the first read of a default, and a miss of a cache over ends."""
    chunked = Chunked(SpyStore(), 10)
    chunked["a"] = bytes(100)
    assert made_by(chunked, lambda: chunked["a"]) == ["get", "get_many"]
    assert made_by(chunked, lambda: chunked.set("a", bytes(50))) == ["get", "set_many", "set", "delete_many"]
    slow = SpyStore()
    slow.data["a"] = 1
    tiered = Tiered(AddingSpy(), slow)
    assert sorted(made_by(tiered, lambda: tiered["a"])) == ["add", "get", "get"]
    assert len(made_by(tiered, lambda: tiered.set("a", 2))) == 3
    assert made_by(tiered, lambda: tiered["a"]) == ["get"]
    defaulting = Defaulting(AddingSpy(), list)
    assert made_by(defaulting, lambda: defaulting["a"]) == ["get", "add", "get"]
    cached = Cached(Expiring(SpyStore()))
    cached["a"] = b"1"
    assert made_by(cached, lambda: cached["a"]) == ["get", "get"]
    assert made_by(cached, lambda: cached["a"]) == []
    index = MetadataIndex(SpyStore(), Memory(), fields=("born",))
    assert made_by(index, lambda: index.set("a", {"born": 1})) == ["set", "get"]
