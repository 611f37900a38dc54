"""Numpy arrays as frames: a header and the array's memory.

::

    frame  = length of the header (4 bytes, big-endian), header, buffer
    header = msgpack of [dtype, shape, order], order being "C" or "F": how the buffer runs through the shape
    dtype  = its array-protocol string ("<f8", "|b1", "<M8[ns]", "<U3")
           | [dtype, shape]                                         of a subarray
           | [names, dtypes, offsets, titles, itemsize, aligned]    of a structure

Nothing in a frame is executed: a dtype that holds Python objects is refused on both ways. Numpy is imported when the
first frame is read; to write one, the caller must have it already.
"""

import math
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NoReturn

import ormsgpack

from spoonbill.common.enums import qualified
from spoonbill.errors import CodecError, MissingExtraError

if TYPE_CHECKING:
    import numpy as np

__all__ = ["dump_array", "dump_scalar", "load_array", "load_scalar"]

_PLAIN: Final = re.compile(r"[<>|=][a-zA-Z?]\d*(\[\d*[a-zA-Z]+\])?")
_KINDS: Final = frozenset("biufcmMSUV")
_MOST_SIDES: Final = 64  # numpy's own limit
_MOST_DTYPES: Final = 32  # structures and subarrays inside each other
_MOST_EMPTY: Final = 1 << 20  # elements without a byte, of which stored bytes could claim any number
_LONGEST_HEADER: Final = 1 << 20


def _numpy() -> Any:
    try:
        import numpy as np
    except ImportError as error:
        raise MissingExtraError(
            "the stored value is a numpy array: reading it needs numpy: pip install 'spoonbill-framework[numpy]'"
        ) from error
    return np


def dump_array(array: "np.ndarray[Any, Any]", prefix: bytes = b"") -> bytes:
    """Return a prefix and the frame of an array; ``CodecError`` where its dtype cannot be held."""
    _check_shape(array.shape, array.dtype)
    flags = array.flags
    order = "F" if flags.f_contiguous and not flags.c_contiguous else "C"
    header = ormsgpack.packb([_describe(array.dtype), array.shape, order])
    if len(header) > _LONGEST_HEADER:
        _refuse(array.dtype)
    laid_out = array.T if order == "F" else array
    if not flags.forc:
        laid_out = _numpy().ascontiguousarray(array)
    # As bytes, since the buffer protocol knows no dates; an empty array cannot be viewed as such.
    buffer: Any = laid_out.reshape(-1).view("u1") if array.nbytes else b""
    return b"".join((prefix, len(header).to_bytes(4, "big"), header, buffer))


def load_array(data: bytes | memoryview, at: int = 0) -> "np.ndarray[Any, Any]":
    """Return the array of the frame that begins at a position: writable, with memory of its own."""
    start = at + 4
    end = start + int.from_bytes(data[at:start], "big")
    if len(data) < end or end == start:
        raise CodecError("the frame of an array is truncated")
    if end - start > _LONGEST_HEADER:
        raise CodecError(f"the frame of an array has a header of more than {_LONGEST_HEADER} bytes")
    dtype, shape, order = _read_header(bytes(data[start:end]))
    return _build(dtype, shape, order, data, end)


def _read_header(header: bytes) -> "tuple[np.dtype[Any], list[int], str]":
    return _remembered(header) if len(header) <= 1024 else _parse_header(header)


def _parse_header(header: bytes) -> "tuple[np.dtype[Any], list[int], str]":
    description, shape, order = ormsgpack.unpackb(header)
    if type(shape) is list and len(shape) > _MOST_SIDES:
        raise CodecError(f"the frame of an array claims {len(shape)} sides, and an array has at most {_MOST_SIDES}")
    if order not in {"C", "F"} or type(shape) is not list or any(type(side) is not int or side < 0 for side in shape):
        raise CodecError("the frame of an array has a header that means nothing")
    if ormsgpack.packb([description, shape, order]) != header:
        raise CodecError("the frame of an array has bytes after its header")
    dtype = _dtype(description)
    _check_shape(shape, dtype)
    return dtype, shape, order


_remembered = lru_cache(256)(_parse_header)  # the arrays of a store mostly look alike; for a small one it is most work


def _check_shape(shape: Sequence[int], dtype: "np.dtype[Any]") -> None:
    if dtype.itemsize == 0 and math.prod(shape) > _MOST_EMPTY:
        raise CodecError(f"an array of elements without a byte has at most {_MOST_EMPTY} of them")


def dump_scalar(scalar: Any) -> list[Any]:
    """Return a numpy scalar as its dtype and bytes; ``str_`` and ``bytes_``, whose dtypes drop NULs, as they are."""
    kind = scalar.dtype.kind
    if scalar.dtype.type is not type(scalar):
        _refuse(scalar.dtype)
    if kind == "U":
        return ["U", str.__str__(scalar)]
    if kind == "S":
        return ["S", b"".join((scalar,))]
    return [_describe(scalar.dtype), scalar.tobytes()]


def load_scalar(description: Any, data: Any) -> Any:
    """Return the numpy scalar of what :func:`dump_scalar` gave."""
    np = _numpy()
    if description == "U" and type(data) is str:
        return np.str_(data)
    if type(data) is not bytes:
        raise CodecError("a numpy scalar is stored as something else than bytes")
    if description == "S":
        return np.bytes_(data)
    return _build(_dtype(description), [], "C", data, 0)[()]


def _describe(dtype: "np.dtype[Any]", inside: int = 0) -> Any:
    """Return a dtype as plain values from which :func:`_dtype` makes it again; ``CodecError`` where none do."""
    if inside > _MOST_DTYPES:
        raise CodecError(f"the msgpack codec holds dtypes in at most {_MOST_DTYPES} levels inside each other")
    if dtype.hasobject or dtype.kind not in _KINDS:
        _refuse(dtype)
    description: Any
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        description = [_describe(base, inside + 1), list(shape)]
    elif dtype.names is not None and dtype.fields is not None:
        by_name: Any = dtype.fields
        fields: list[tuple[Any, ...]] = [by_name[name] for name in dtype.names]
        titles = [field[2] if len(field) > 2 else None for field in fields]
        description = [
            list(dtype.names),
            [_describe(field[0], inside + 1) for field in fields],
            [field[1] for field in fields],
            titles,
            dtype.itemsize,
            dtype.isalignedstruct,
        ]
        if any(title is not None and type(title) is not str for title in titles):
            _refuse(dtype)
    else:
        description = dtype.str
        if _make(description).type is not dtype.type:
            # long long is a type of its own beside the int64 that its string names.
            description = dtype.str[0] + dtype.char
    made = _make(description)
    if made != dtype or made.type is not dtype.type or made.isalignedstruct != dtype.isalignedstruct:
        _refuse(dtype)
    return description


def _refuse(dtype: "np.dtype[Any]") -> NoReturn:
    raise CodecError(
        f"the msgpack codec cannot hold numpy values of dtype {dtype!r} ({qualified(dtype.type)}): give .tolist(), or "
        "open the store with strict=False"
    )


def _make(description: Any, inside: int = 0) -> "np.dtype[Any]":
    np = _numpy()
    if inside > _MOST_DTYPES:
        raise CodecError(f"an array frame has dtypes in more than {_MOST_DTYPES} levels inside each other")
    if isinstance(description, str):
        if not _PLAIN.fullmatch(description):
            raise CodecError(f"{description!r} is no dtype of an array frame")
        return np.dtype(description)  # type: ignore[no-any-return]
    if len(description) == 2:
        base, shape = description
        if len(shape) > _MOST_SIDES:
            raise CodecError(f"the subarray of a dtype claims {len(shape)} sides, and has at most {_MOST_SIDES}")
        return np.dtype((_make(base, inside + 1), tuple(shape)))  # type: ignore[no-any-return]
    names, formats, offsets, titles, itemsize, aligned = description
    fields = {
        "names": names,
        "formats": [_make(part, inside + 1) for part in formats],
        "offsets": offsets,
        "itemsize": itemsize,
    }
    if any(title is not None for title in titles):
        fields["titles"] = titles
    return np.dtype(fields, align=aligned)  # type: ignore[no-any-return]


def _dtype(description: Any) -> "np.dtype[Any]":
    """Make a dtype of stored bytes: only what :func:`_describe` would have written counts."""
    dtype = _make(description)
    if _describe(dtype) != description:
        raise CodecError(f"{description!r} is no dtype of an array frame")
    return dtype


def _build(
    dtype: "np.dtype[Any]", shape: list[int], order: Any, data: bytes | memoryview, at: int
) -> "np.ndarray[Any, Any]":
    np = _numpy()
    size = math.prod(shape)
    # Compared before anything is allocated: a damaged shape must not ask for the machine's memory.
    if size * dtype.itemsize != len(data) - at:
        raise CodecError(f"an array of {size} elements of {dtype} does not fit {max(len(data) - at, 0)} stored bytes")
    if len(data) == at:
        return np.ndarray(shape, dtype, order=order)  # type: ignore[no-any-return]
    array = np.frombuffer(data, dtype, size, at).reshape(shape, order=order).copy(order="K")
    _check_elements(array)
    return array  # type: ignore[no-any-return]


def _check_elements(array: "np.ndarray[Any, Any]") -> None:
    """Refuse bytes that numpy would take for elements although no such element exists."""
    dtype = array.dtype
    if dtype.names is not None:
        for name in dtype.names:
            _check_elements(array[name])
    elif dtype.kind in "bU" and array.nbytes:
        unit, limit = ("u1", 1) if dtype.kind == "b" else (dtype.byteorder + "u4", 0x10FFFF)
        if int(_numpy().ascontiguousarray(array).view(unit).max()) > limit:
            raise CodecError(f"the stored bytes are no elements of {dtype}")
