"""Numpy arrays as safetensors memory, and back. The other frameworks go through it."""

import importlib.util
from functools import cached_property
from typing import Any, Final

import numpy as np

from spoonbill.codecs.safetensors.frameworks import refuse
from spoonbill.errors import CodecError, UnsupportedError

__all__ = ["NumpyFramework"]

_PLAIN: Final[dict[str, np.dtype[Any]]] = {
    "U8": np.dtype("u1"),
    "I8": np.dtype("i1"),
    "I16": np.dtype("<i2"),
    "U16": np.dtype("<u2"),
    "F16": np.dtype("<f2"),
    "I32": np.dtype("<i4"),
    "U32": np.dtype("<u4"),
    "F32": np.dtype("<f4"),
    "C64": np.dtype("<c8"),
    "F64": np.dtype("<f8"),
    "I64": np.dtype("<i8"),
    "U64": np.dtype("<u8"),
}
_EXTENDED: Final = {
    "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
    "F8_E8M0": "float8_e8m0fnu",
}
_NAMES: Final = {
    **{str(dtype.name): name for name, dtype in _PLAIN.items()},
    **{extended: name for name, extended in _EXTENDED.items()},
    "bool": "BOOL",
}


class NumpyFramework:
    """Numpy arrays. bfloat16 and float8 are those of ml_dtypes, where it is installed.

    An array that is not C-contiguous is laid out anew and a big-endian one is swapped: the values come back equal.
    """

    name = "np"
    lends = frozenset({"frozen"})

    def __init__(self, device: str = "cpu") -> None:
        if device != "cpu":
            raise UnsupportedError(f'numpy arrays are on the device "cpu", not {device!r}')

    def layout(self, value: Any, /) -> tuple[str, tuple[int, ...]]:
        if type(value) not in {np.ndarray, np.memmap}:
            refuse(f"framework 'np' takes a numpy array, not {type(value).__qualname__}; {_how(value)}")
        if value.dtype.kind == "c" and value.dtype.itemsize != 8:
            refuse(f"the format's only complex dtype is complex64, not {value.dtype}; store .real and .imag, as a dict")
        dtype = _NAMES.get(value.dtype.name)
        if dtype is None:
            refuse(f"the format has no dtype for {value.dtype}; value.astype(...) gives one of {', '.join(_NAMES)}")
        return dtype, value.shape

    def memory(self, value: Any, /) -> Any:
        # Asked of the flags at each write: what is not C-contiguous would be written in the order of its memory.
        little = value.astype(value.dtype.newbyteorder("<"), copy=False)
        return np.ascontiguousarray(little).reshape(-1).view("u1")

    def load(self, dtype: str, shape: tuple[int, ...], buffer: Any, offset: int, copy: bool, /) -> Any:
        if dtype in _PLAIN:  # said here and not only in _view: the way of nearly every read
            array: Any = np.ndarray(shape, _PLAIN[dtype], buffer, offset)
        else:
            array = self.view(dtype, shape, buffer, offset)
        if copy:
            return array.copy()
        return array if array.flags.aligned else _frozen(array.copy())

    def part(self, dtype: str, shape: tuple[int, ...], buffer: Any, offset: int, index: Any, /, *, copy: bool) -> Any:
        chosen = self.view(dtype, shape, buffer, offset)[index]
        return np.array(chosen) if copy or type(chosen) is not np.ndarray else chosen

    def view(self, dtype: str, shape: tuple[int, ...], buffer: Any, offset: int) -> Any:
        """Return an array on the memory of `buffer` itself."""
        if dtype in _PLAIN:
            return np.ndarray(shape, _PLAIN[dtype], buffer, offset)
        if dtype == "BOOL":
            octets: Any = np.ndarray(shape, "u1", buffer, offset)
            if octets.size and octets.max() > 1:
                raise CodecError("a tensor of dtype BOOL holds bytes other than 0 and 1: it is corrupted")
            return octets.view("?")
        return np.ndarray(shape, self._extended_dtype(dtype), buffer, offset)

    def _extended_dtype(self, dtype: str) -> Any:
        if dtype in self._extended:
            return self._extended[dtype]
        if dtype in _EXTENDED:
            raise CodecError(
                f"numpy has {dtype} only through ml_dtypes: pip install ml_dtypes, or open it with framework='pt'"
            )
        raise CodecError(f"numpy has no dtype for {dtype}; the bytes are there: info(key) tells where")

    @cached_property
    def _extended(self) -> dict[str, Any]:
        if importlib.util.find_spec("ml_dtypes") is None:
            return {}
        import ml_dtypes

        return {
            name: np.dtype(getattr(ml_dtypes, kind)) for name, kind in _EXTENDED.items() if hasattr(ml_dtypes, kind)
        }


def _frozen(array: Any) -> Any:
    array.flags.writeable = False
    return array


def _how(value: Any) -> str:
    """Return how a value becomes an array; a tensor of another framework is best kept as what it is."""
    root = type(value).__module__.partition(".")[0]
    framework = {"torch": "pt", "tensorflow": "tf", "jax": "flax", "jaxlib": "flax"}.get(root)
    if framework is None:
        return "numpy.asarray makes one"
    return f"open the store with framework={framework!r}, which holds such tensors"
