"""Equality of values as a store sees it: Python's ``==``, except that arrays are one value each."""

import sys
from collections.abc import Iterable
from typing import Any

__all__ = ["python_equal"]


def python_equal(a: Any, b: Any) -> bool:
    """Return whether two values are equal, arrays among them.

    Parameters
    ----------
    a, b : object
        The values, such as decoded ones that ``replace`` compares.

    Returns
    -------
    bool
        What ``a == b`` says. Two arrays or tensors (numpy, torch) are equal where they have the same dtype, the same
        shape and equal elements, also inside lists, tuples and dicts; an array equals nothing but an array. NaN equals
        nothing. An ``==`` that answers with many truths (a data frame's) counts where all of them are true.

    Guarantees
    ----------
    Imports neither numpy nor torch, and never raises for an ambiguous truth value. Lists, tuples and dicts
    may be nested to any depth.
    """
    if type(a) in _SCALARS and type(b) in _SCALARS:
        return bool(a == b)
    # Not by recursion: values are nested deeper than Python's own stack may be. A pair that was met before, in a value
    # that contains itself, is not compared again.
    pairs, met = [(a, b)], dict[tuple[int, int], Any]()
    while pairs:
        a, b = pairs.pop()
        parts = _parts(a, b)
        if parts is None:
            if not _same_leaf(a, b):
                return False
        elif len(a) != len(b):
            return False
        elif (id(a), id(b)) not in met:
            met[id(a), id(b)] = a, b  # kept, so that no other object gets their ids
            # Python's own containers hold that an object is equal to itself, NaN too.
            pairs.extend(pair for pair in parts if pair[0] is not pair[1])
    return True


_SCALARS = frozenset({type(None), bool, int, float, complex, str, bytes})
_ABSENT = object()  # equal to nothing


def _parts(a: Any, b: Any) -> Iterable[tuple[Any, Any]] | None:
    """Return the pairs of parts to compare where both are lists, tuples or dicts, else None."""
    for kind in (list, tuple):
        if isinstance(a, kind) and isinstance(b, kind):
            return zip(a, b, strict=False)
    if isinstance(a, dict) and isinstance(b, dict):
        return ((part, b.get(key, _ABSENT)) for key, part in a.items())
    return None


def _same_leaf(a: Any, b: Any) -> bool:
    if type(a) in _SCALARS and type(b) in _SCALARS:
        return bool(a == b)
    if _is_array(a) or _is_array(b):
        return _is_array(a) and _is_array(b) and _same_array(a, b)
    return _truth(a, b)


def _same_part(a: Any, b: Any) -> bool:
    return a is b or python_equal(a, b)


def _is_array(value: Any) -> bool:
    numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    return (numpy is not None and isinstance(value, numpy.ndarray)) or (
        torch is not None and isinstance(value, torch.Tensor)
    )


def _same_array(a: Any, b: Any) -> bool:
    numpy = sys.modules.get("numpy")
    kinds = [numpy is not None and isinstance(value, numpy.ndarray) for value in (a, b)]
    if kinds[0] != kinds[1] or a.dtype != b.dtype or a.shape != b.shape:
        return False
    if kinds[0] and a.dtype.hasobject and a.dtype.names is None:
        return all(map(_same_part, a.ravel().tolist(), b.ravel().tolist()))
    if not kinds[0] and a.device != b.device:
        b = b.to(a.device)
    return bool((a == b).all())


def _truth(a: Any, b: Any) -> bool:
    """Ask ``==``, and where its answer is no single truth, ask whether all of it is true."""
    answer = a == b
    try:
        return bool(answer)
    except (ValueError, TypeError, RuntimeError):
        if type(a) is not type(b):
            return False
        if hasattr(a, "equals"):
            return bool(a.equals(b))
        return bool(answer.all()) if hasattr(answer, "all") else False
