"""What to do with a value that a strict store does not hold, by its type."""

import dataclasses
import enum
import os
from typing import Any, Final

__all__ = ["advice_for"]

_BY_ROOT: Final = {
    ("pandas", "DataFrame"): "frame.to_dict('list') makes plain columns of it, frame.to_parquet() bytes",
    ("pandas", "Series"): "series.to_numpy() makes an array of it",
    ("polars", "DataFrame"): "frame.to_dict(as_series=False) makes plain columns of it",
    ("polars", "Series"): "series.to_numpy() makes an array of it",
    ("pyarrow", "Table"): "table.to_pydict() makes plain columns of it",
    ("pydantic", "BaseModel"): "value.model_dump() makes a dict of it, type(value)(**stored) the model again",
    ("PIL", "Image"): 'image.save(buffer, "PNG") with an io.BytesIO() makes bytes of it',
    ("torch", "Tensor"): "tensor.numpy(force=True) makes an array of it, or take a SafetensorsLmdbStore",
    ("jax", "Array"): "numpy.asarray(value) makes an array of it, or take a SafetensorsLmdbStore",
    ("jaxlib", "ArrayImpl"): "numpy.asarray(value) makes an array of it, or take a SafetensorsLmdbStore",
    ("tensorflow", "Tensor"): "value.numpy() makes an array of it, or take a SafetensorsLmdbStore",
    ("scipy", "spmatrix"): "value.tocoo() has its rows, columns and data as arrays",
}


def advice_for(value: Any) -> str:
    """Return how a value becomes one that a strict store holds; it never tells to open the store in another way.

    Examples
    --------
    >>> from pathlib import Path
    >>> advice_for(Path("a"))
    'str(path) makes a str of it'
    """
    return next(found for found in (way(value) for way in _WAYS) if found)


def _by_shape(value: Any) -> str:
    if isinstance(value, os.PathLike):
        return "str(path) makes a str of it"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return "dataclasses.asdict(value) makes a dict of it, type(value)(**stored) the object again"
    if hasattr(type(value), "__attrs_attrs__"):
        return "attrs.asdict(value) makes a dict of it, type(value)(**stored) the object again"
    return "register_enum(type(value)) lets stores hold it" if isinstance(value, enum.Enum) else ""


def _by_package(value: Any) -> str:
    names = ((kind.__module__.partition(".")[0], kind.__name__) for kind in type(value).__mro__)
    return next((_BY_ROOT[name] for name in names if name in _BY_ROOT), "")


def _by_base(value: Any) -> str:
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return "tuple(value) or value._asdict() makes a plain one of it"
    bases = (plain for plain in _PLAIN if isinstance(value, plain))
    return next((f"{plain.__name__}(value) makes a plain {plain.__name__} of it" for plain in bases), "")


def _otherwise(value: Any) -> str:
    if callable(value):
        return "store its name, and look it up when it is read"
    return "make it a dict, a list or bytes of what it holds"


_PLAIN: Final = (bool, int, float, str, bytes, list, tuple, dict, set, frozenset)
_WAYS: Final = (_by_shape, _by_package, _by_base, _otherwise)
