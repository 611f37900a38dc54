"""The header of a safetensors file: what is in it, and where, verified before a byte of it is believed.

::

    file   = length of the header (u64, little-endian), header, data
    header = JSON: {"__metadata__": {str: str}, name: {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...}
             padded with spaces to a multiple of 8 bytes; the offsets count from the first byte of the data

The tensors fill the data without holes and without sharing a byte. Source: the section "Format" of
https://github.com/huggingface/safetensors, and its ``SafeTensors::read_metadata`` for what is refused.
"""

import json
import math
import reprlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from spoonbill.common.failures import pass_on_signal
from spoonbill.errors import CodecError

__all__ = ["Header", "TensorInfo", "build_header", "header_length", "parse_blob", "parse_header"]

BITS: Final = {
    "BOOL": 8,
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
    "U8": 8,
    "I8": 8,
    "F8_E5M2": 8,
    "F8_E4M3": 8,
    "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8,
    "I16": 16,
    "U16": 16,
    "F16": 16,
    "BF16": 16,
    "I32": 32,
    "U32": 32,
    "F32": 32,
    "C64": 64,
    "F64": 64,
    "I64": 64,
    "U64": 64,
}
"""Bits an element, by the format's name of its dtype, in the library's order: files hold the widest first."""

KIND: Final = "a safetensors file"
"""What the files are called in errors."""
METADATA: Final = "__metadata__"
_LENGTH = 8
_LONGEST = 100_000_000  # the library's own bound
_LARGEST_SIDE = 1 << 63
_MOST_SIDES: Final = 64  # no framework holds more
_SHORT: Final = reprlib.Repr()  # of any depth and size, without the work of the whole
_SHORT.maxstring = _SHORT.maxother = 80
_RANK: Final = {dtype: rank for rank, dtype in enumerate(BITS)}


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """What the header says of one tensor.

    Attributes
    ----------
    dtype : str
        The format's own name: ``"F32"``, ``"BF16"``, ``"BOOL"``, ...
    shape : tuple of int
        The length of each axis; empty for a scalar.
    start, end : int
        Where its bytes are, counted from the first byte of the file.
    """

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int

    @property
    def nbytes(self) -> int:
        """Its size in bytes."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Header:
    """A verified header.

    Attributes
    ----------
    tensors : dict of str to TensorInfo
        In the order of their bytes.
    metadata : dict of str to str
        Free text of the file's author; empty where there is none.
    """

    tensors: dict[str, TensorInfo]
    metadata: dict[str, str]


def header_length(first: bytes | memoryview, total: int) -> int:
    """Return the length in bytes of the JSON header.

    Parameters
    ----------
    first : bytes
        The first 8 bytes, or all there are.
    total : int
        The size of the file in bytes.

    Raises
    ------
    CodecError
        If there is no room for what it claims.
    """
    if len(first) < _LENGTH:
        raise CodecError(f"it is truncated: {total} bytes are too few for the length of a header")
    length = int.from_bytes(first[:_LENGTH], "little")
    if length > _LONGEST:
        raise CodecError(f"its header claims {length} bytes, the format allows {_LONGEST}: it is no safetensors file")
    if _LENGTH + length > total:
        raise CodecError(f"it is truncated: its header claims {length} bytes and the file ends after {total}")
    return length


def parse_header(text: bytes, total: int) -> Header:
    """Return the header of a file, or the reason why it cannot be believed.

    Parameters
    ----------
    text : bytes
        The JSON header, without the length before it.
    total : int
        The size of the file in bytes.

    Raises
    ------
    CodecError
        If it is no JSON of the right shape, or its tensors leave holes, overlap, are of an unknown dtype, do not fit
        their shape, or end elsewhere than the file.
    """
    entries = _json(text)
    metadata = _metadata(entries.pop(METADATA, None))
    base = _LENGTH + len(text)
    found = sorted(((name, *_entry(name, entry)) for name, entry in entries.items()), key=lambda one: (one[3], one[4]))
    tensors: dict[str, TensorInfo] = {}
    position = 0
    for name, dtype, shape, start, end in found:
        if start != position:
            what = "overlaps another tensor" if start < position else "leaves a hole before it"
            raise CodecError(f"the tensor {_cut(name)} {what}: it begins at byte {start} of the data, not {position}")
        tensors[name] = TensorInfo(dtype, shape, base + start, base + end)
        position = end
    if base + position != total:
        what = "is truncated" if base + position > total else "has bytes that belong to no tensor"
        raise CodecError(f"it {what}: its tensors end at byte {base + position} and the file at {total}")
    return Header(tensors, metadata)


def parse_blob(data: bytes | memoryview) -> Header:
    """Return the header of a whole file in memory; `CodecError` as `parse_header`."""
    length = header_length(data[:_LENGTH], len(data))
    text = bytes(data[_LENGTH : _LENGTH + length])
    return _remembered(text, len(data)) if length <= 1024 else parse_header(text, len(data))


def build_header(
    tensors: Iterable[tuple[str, str, tuple[int, ...]]], metadata: Mapping[str, str] | None = None
) -> tuple[bytes, list[str]]:
    """Return the first bytes of a file, and the names of its tensors in the order in which their bytes follow.

    Parameters
    ----------
    tensors : iterable of (name, dtype, shape)
        The dtype by the format's own name.
    metadata : mapping of str to str, optional
        Free text for the header.

    Raises
    ------
    CodecError
        If two tensors have one name, a name is reserved, or the metadata is not text.
    """
    ordered = sorted(tensors, key=lambda one: (-_RANK[one[1]], one[0].encode("utf-8", "surrogatepass")))
    header: dict[str, Any] = {METADATA: _metadata(dict(metadata))} if metadata else {}
    position = 0
    for name, dtype, shape in ordered:
        if len(shape) > _MOST_SIDES:
            raise CodecError(f"the tensor {_cut(name)} has {len(shape)} sides, at most {_MOST_SIDES} are held")
        if name in header or name == METADATA:
            raise CodecError(f"two tensors cannot be called {_cut(name)}; {METADATA} is no name for one")
        end = position + math.prod(shape) * BITS[dtype] // 8
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [position, end]}
        position = end
    try:
        text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError as error:
        raise CodecError(f"a name or the metadata is no valid text: {error}") from error
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(_LENGTH, "little") + text, [name for name, _, _ in ordered]


@lru_cache(1024)  # the values of a store mostly look alike, and for a small one the header is most of the work
def _remembered(text: bytes, total: int) -> Header:
    return parse_header(text, total)


def _json(text: bytes) -> dict[str, Any]:
    if text[:1] != b"{":
        raise CodecError("its header does not begin with '{': it is no safetensors file")
    try:
        entries: Any = json.loads(text.decode(), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        pass_on_signal(error)
        raise CodecError(f"its header is no valid JSON: {error}") from error
    return entries  # type: ignore[no-any-return]


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) != len(pairs):
        raise ValueError("a name occurs twice")
    return entries


def _metadata(metadata: Any) -> dict[str, str]:
    if metadata is None:
        return {}
    if type(metadata) is not dict or not all(type(word) is str for pair in metadata.items() for word in pair):
        raise CodecError("metadata is a dict of str to str, and this is not")
    return metadata


def _entry(name: str, entry: Any) -> tuple[str, tuple[int, ...], int, int]:
    """Return the dtype, the shape and the offsets of one tensor, each of which may be anything here."""
    if type(entry) is not dict or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise CodecError(f"the tensor {_cut(name)} is not described by a dtype, a shape and data_offsets")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if type(dtype) is not str or dtype not in BITS:
        raise CodecError(f"the tensor {_cut(name)} has the dtype {_cut(dtype)}, which the format does not know")
    if not _are_sizes(shape):
        raise CodecError(f"the tensor {_cut(name)} has the shape {_cut(shape)}, which is no list of lengths")
    if not _are_sizes(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise CodecError(f"the tensor {_cut(name)} has the data_offsets {_cut(offsets)}, which are no begin and end")
    bits = math.prod(shape) * BITS[dtype]
    if bits != (offsets[1] - offsets[0]) * 8:
        raise CodecError(
            f"the tensor {_cut(name)} of dtype {dtype} and shape {_cut(shape)} does not fit the "
            f"{offsets[1] - offsets[0]} bytes that its offsets give it"
        )
    return dtype, tuple(shape), offsets[0], offsets[1]


def _are_sizes(numbers: Any) -> bool:
    return (
        type(numbers) is list
        and len(numbers) <= _MOST_SIDES
        and all(type(number) is int and 0 <= number < _LARGEST_SIDE for number in numbers)
    )


def _cut(thing: Any) -> str:
    return _SHORT.repr(thing)
