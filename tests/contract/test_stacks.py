"""Random stacks of layers keep the contract: any order that makes sense, over engines of several kinds."""

import hypothesis.strategies as st
from hypothesis import settings

from spoonbill import StrictString
from spoonbill.testing import machine_for
from tests.contract.stacks import CODECS, OVER_OBJECTS, Boxed, stacks

KEYS = st.text(st.sampled_from("aAb/.*[%^~!\x00 \u00e9"), max_size=4) | st.integers(-3, 3) | st.tuples(st.booleans())
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
WORDS = st.text(st.sampled_from("aAb/.*[%^~!\x00 \u00e9"), max_size=4)

TestRandomStacks = machine_for(stacks(CODECS, OVER_OBJECTS), KEYS, VALUES).TestCase
TestRandomStacksOfStrings = machine_for(
    stacks((StrictString,), tuple(layer for layer in OVER_OBJECTS if layer is not Boxed)), WORDS, WORDS
).TestCase
TestRandomStacks.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
TestRandomStacksOfStrings.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)
