"""Dicts of tensors as the bytes of one safetensors file, and back."""

from collections.abc import Mapping
from typing import Any

from spoonbill.codecs.safetensors.frameworks import Framework, get_framework
from spoonbill.codecs.safetensors.header import Header, build_header, parse_blob
from spoonbill.errors import CodecError

__all__ = ["deserialize", "dump_blob", "load_tensors", "serialize"]


def serialize(data: Mapping[str, Any], framework: str = "np", metadata: Mapping[str, str] | None = None) -> bytes:
    """Return a dict of tensors as the bytes of a safetensors file.

    Parameters
    ----------
    data : mapping of str to tensor
        What to write.
    framework : {"np", "pt", "tf", "flax"}, optional
        Whose tensors they are.
    metadata : mapping of str to str, optional
        Free text for the header.

    Returns
    -------
    bytes
        What the safetensors library loads, whatever the order of the tensors' memory was.

    Raises
    ------
    CodecError
        If a value is no tensor of the framework, or of a dtype that the format does not have.
    """
    return dump_blob(data, get_framework(framework), metadata)


def deserialize(data: bytes | bytearray | memoryview, framework: str = "np") -> dict[str, Any]:
    """Return the dict of tensors of a safetensors file's bytes.

    Parameters
    ----------
    data : bytes-like
        A whole file.
    framework : {"np", "pt", "tf", "flax"}, optional
        Whose tensors to make of it.

    Returns
    -------
    dict of str to tensor
        Each with memory of its own.

    Raises
    ------
    CodecError
        If the bytes are truncated, corrupted or no safetensors file.
    """
    view = memoryview(data).cast("B")
    try:
        header = parse_blob(view)
    except CodecError as error:
        raise CodecError(f"these bytes cannot be deserialized: {error}") from error
    return load_tensors(header, view, get_framework(framework), copy=True)


def dump_blob(data: Mapping[str, Any], framework: Framework, metadata: Mapping[str, str] | None = None) -> bytes:
    """Return tensors as the bytes of a file; `CodecError` names the tensor that cannot be held."""
    layouts = []
    for name, value in data.items():
        if not isinstance(name, str):
            raise CodecError(f"the name of a tensor is a str, not {type(name).__qualname__} {name!r}")
        try:
            layouts.append((name, *framework.layout(value)))
        except CodecError as error:
            raise CodecError(f"tensor {name!r}: {error}") from error
    head, order = build_header(layouts, metadata)
    return b"".join((head, *(framework.memory(data[name]) for name in order)))


def load_tensors(header: Header, data: Any, framework: Framework, *, copy: bool) -> dict[str, Any]:
    """Return every tensor of a file in memory."""
    return {
        name: framework.load(info.dtype, info.shape, data, info.start, copy) for name, info in header.tensors.items()
    }
