"""A tensor as a page shows it: its shape, some figures, a heat map and a histogram."""

import math
from typing import Any, Final

__all__ = ["is_tensor", "tensor_view"]

_SIDE: Final = 96
_BINS: Final = 32
_MOST: Final = 1_000_000


def is_tensor(value: Any) -> bool:
    """Return whether a value is an array of numpy, torch, jax or tensorflow."""
    return hasattr(value, "dtype") and hasattr(value, "shape")


def tensor_view(value: Any) -> dict[str, Any]:
    """Return the view of a tensor. Figures of one with more than a million numbers are of evenly spaced ones."""
    shape = [int(size) for size in value.shape]
    view: dict[str, Any] = {"kind": "tensor", "dtype": str(value.dtype), "shape": shape, "size": math.prod(shape)}
    numbers = _as_floats(value)
    return view if numbers is None or numbers.size == 0 else {**view, **_figures(numbers), "heat": _heat(numbers)}


def _as_floats(value: Any) -> Any:
    """Return an array of numpy of 64-bit floats, None where these are no numbers."""
    import numpy as np

    if hasattr(value, "detach"):  # torch, whose bfloat16 numpy does not know
        value = value.detach().cpu().double()
    array = np.asarray(value)
    if array.dtype.kind in "OSUVMm" and not _is_small_float(array):
        return None
    return np.abs(array) if array.dtype.kind == "c" else array.astype(np.float64)


def _is_small_float(array: Any) -> bool:
    return "float" in array.dtype.name  # bfloat16 and its kin of ml_dtypes


def _figures(numbers: Any) -> dict[str, Any]:
    import numpy as np

    flat = numbers.reshape(-1)
    step = max(1, flat.size // _MOST)
    flat = flat[::step]
    finite = flat[np.isfinite(flat)]
    figures: dict[str, Any] = {"not_finite": int(flat.size - finite.size), "sampled": int(step)}
    figures["first"] = [_said(one) for one in flat[:8]]
    if finite.size == 0:
        return figures
    low, high = float(finite.min()), float(finite.max())
    counts, edges = np.histogram(finite, bins=_BINS if high > low else 1)
    figures |= {"min": _said(low), "max": _said(high), "mean": _said(finite.mean()), "std": _said(finite.std())}
    figures["histogram"] = [[_said(edge), int(count)] for edge, count in zip(edges, counts, strict=False)]
    return figures


def _heat(numbers: Any) -> dict[str, Any]:
    """Return rows of shades from 0 to 255, None for what is not finite; leading axes lie one below another."""
    import numpy as np

    flat = numbers.reshape(1, -1) if numbers.ndim < 2 else numbers.reshape(-1, numbers.shape[-1])
    if numbers.ndim < 2 and flat.size > _SIDE:
        width = math.ceil(math.sqrt(flat.size))
        flat = np.pad(flat.reshape(-1), (0, -flat.size % width), constant_values=np.nan).reshape(-1, width)
    rows = np.linspace(0, flat.shape[0] - 1, min(flat.shape[0], _SIDE)).astype(int)
    columns = np.linspace(0, flat.shape[1] - 1, min(flat.shape[1], _SIDE)).astype(int)
    cells = flat[np.ix_(rows, columns)]
    known = np.isfinite(cells)
    low, high = (float(cells[known].min()), float(cells[known].max())) if known.any() else (0.0, 0.0)
    shades = np.where(known, (cells - low) / ((high - low) or 1) * 255, 0)
    listed = [
        [int(shade) if there else None for shade, there in zip(*row, strict=True)]
        for row in zip(shades, known, strict=True)
    ]
    return {"cells": listed, "of": list(flat.shape), "low": _said(low), "high": _said(high)}


def _said(number: Any) -> str:
    return f"{float(number):.6g}"
