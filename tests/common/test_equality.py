"""same(): Python's == on values that may hold arrays."""

import sys
import types

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spoonbill.common.equality import python_equal

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(0, 2)
    | st.sampled_from([0.0, 1.0, float("nan")])
    | st.text("ab", max_size=1),
    lambda parts: (
        st.lists(parts, max_size=2)
        | st.lists(parts, max_size=2).map(tuple)
        | st.dictionaries(st.integers(0, 1), parts, max_size=2)
    ),
    max_leaves=4,
)


@settings(max_examples=500, deadline=None)
@given(values, values)
def test_without_arrays_it_is_pythons_equality(a, b):
    """For plain values nothing differs from ==."""
    assert python_equal(a, b) == (a == b)
    assert python_equal(a, a) == (a == a)


@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: [x], lambda x: (1, x), lambda x: {"a": [x]}])
@pytest.mark.parametrize(
    ("a", "b", "equal"),
    [
        (np.arange(3), np.arange(3), True),
        (np.arange(6).reshape(2, 3), np.asfortranarray(np.arange(6).reshape(2, 3)), True),
        (np.arange(3), np.arange(3.0), False),
        (np.arange(3), np.arange(4), False),
        (np.arange(3), np.arange(3).reshape(1, 3), False),
        (np.arange(3), [0, 1, 2], False),
        (np.array([1]), 1, False),
        (1, np.array(1), False),
        (np.array([]), np.array([]), True),
        (np.array(5), np.array(5), True),
        (np.array([np.nan]), np.array([np.nan]), False),
        (np.array([1, "a"], object), np.array([1, "a"], object), True),
        (np.array([(1, 2.0)], "i4,f8"), np.array([(1, 2.0)], "i4,f8"), True),
        (np.array([(1, 2.0)], "i4,f8"), np.array([(1, 3.0)], "i4,f8"), False),
        (np.float64(1), 1.0, True),
        (np.arange(3), None, False),
    ],
)
def test_arrays_are_one_value_each(wrap, a, b, equal):
    """Same dtype, shape and elements; in containers too; never an ambiguous truth value."""
    assert python_equal(wrap(a), wrap(b)) is equal
    assert python_equal(wrap(b), wrap(a)) is equal


class Frame:
    def __init__(self, *cells):
        self.cells = cells

    def __eq__(self, other):
        return np.array([a == b for a, b in zip(self.cells, other.cells, strict=True)])

    __hash__ = None


def test_an_equality_with_many_answers_counts_where_all_are_true():
    """A data frame's == does not raise for being ambiguous."""
    assert python_equal(Frame(1, 2), Frame(1, 2))
    assert not python_equal(Frame(1, 2), Frame(1, 3))


def test_tensors_are_compared_without_importing_torch(monkeypatch):
    """A tensor has a dtype, a shape and a device; an array is no tensor."""

    class Tensor:
        def __init__(self, array, device="cpu"):
            self.array, self.dtype, self.shape, self.device = array, array.dtype, array.shape, device

        def __eq__(self, other):
            assert self.device == other.device
            return Tensor(self.array == other.array)

        __hash__ = None

        def all(self):
            return self.array.all()

        def to(self, device):
            return Tensor(self.array, device)

        def __bool__(self):
            raise RuntimeError("ambiguous")

    monkeypatch.setitem(sys.modules, "torch", types.SimpleNamespace(Tensor=Tensor))
    assert python_equal([Tensor(np.arange(3))], [Tensor(np.arange(3), "gpu")])
    assert not python_equal(Tensor(np.arange(3)), Tensor(np.arange(3.0)))
    assert not python_equal(Tensor(np.arange(3)), np.arange(3))
