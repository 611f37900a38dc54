"""What an index into a tensor means for its bytes."""

import math
from typing import Any

from spoonbill.codecs.safetensors.header import BITS, TensorInfo
from spoonbill.errors import UnsupportedError

__all__ = ["check_index", "find_leading"]


_ALL = slice(None)
_BASIC = frozenset({slice, int, type(Ellipsis), type(None)})


def check_index(index: Any) -> None:
    """Refuse what is no basic index: a list or an array of positions would copy without bound.

    Raises
    ------
    UnsupportedError
        Naming the part that is none.
    """
    if type(index) is slice:
        return
    for part in index if type(index) is tuple else (index,):
        if type(part) not in _BASIC:
            raise UnsupportedError(
                f"an index is made of slices, ints, ... and None, not {type(part).__name__}: "
                "read the tensor and index that"
            )


def find_leading(info: TensorInfo, index: Any) -> tuple[tuple[int, ...], Any, int, int]:
    """Return the smallest run of whole rows that holds the part at `index`.

    Returns
    -------
    tuple
        The shape of the run, the index into it, and its first byte and the one after its last, in the file.
    """
    if type(index) is slice and index.step is None and info.shape and not BITS[info.dtype] % 8:  # nearly every slice
        low, high, _ = index.indices(info.shape[0])
        row = (info.end - info.start) // info.shape[0] if info.shape[0] else 0
        high = max(low, high)
        return (high - low, *info.shape[1:]), _ALL, info.start + low * row, info.start + high * row
    parts = index if isinstance(index, tuple) else (index,)
    whole = (info.shape, index, info.start, info.end)
    if not info.shape or not parts or not isinstance(parts[0], (int, slice)) or BITS[info.dtype] % 8:
        return whole
    rows = range(info.shape[0])
    first = parts[0]
    chosen = rows[first] if isinstance(first, slice) else range(rows[first], rows[first] + 1)
    if not chosen:
        return (0, *info.shape[1:]), (slice(None), *parts[1:]), info.start, info.start
    low, high = min(chosen[0], chosen[-1]), max(chosen[0], chosen[-1]) + 1
    row = math.prod(info.shape[1:]) * BITS[info.dtype] // 8
    step: Any = 0 if not isinstance(first, slice) else slice(None, None, chosen.step)
    return (high - low, *info.shape[1:]), (step, *parts[1:]), info.start + low * row, info.start + high * row
