"""Tensors, and dicts of tensors, as bytes."""

from typing import Any

from spoonbill.codecs.safetensors.blobs import dump_blob, load_tensors
from spoonbill.codecs.safetensors.frameworks import get_framework
from spoonbill.codecs.safetensors.header import Header, parse_blob
from spoonbill.errors import CodecError

__all__ = ["Safetensors"]

_ALONE = "tensor"
_MARK = {"spoonbill": "tensor"}


class Safetensors:
    """Holds tensors of one framework, and dicts of them. What it writes is a safetensors file of its own.

    A single tensor is the tensor ``"tensor"`` of a file whose metadata say ``{"spoonbill": "tensor"}``.

    Parameters
    ----------
    framework : {"np", "pt", "tf", "flax"}, optional
        Whose tensors: numpy, torch, tensorflow or jax.
    device : str, optional
        Where loaded tensors shall be.
    copy : bool, optional
        False makes loaded numpy arrays read-only views of the bytes.

    Raises
    ------
    MissingExtraError
        If the framework is not installed.
    """

    name: str = "safetensors"
    safe: bool = True

    def __init__(self, framework: str = "np", device: str = "cpu", *, copy: bool = True) -> None:
        self.framework = get_framework(framework, device)
        self._copy = copy
        self._configuration = (framework, device)

    def dumps(self, value: Any) -> bytes:
        """Return a tensor or a dict of tensors as bytes; ``CodecError`` for anything else."""
        if type(value) is dict:
            return dump_blob(value, self.framework)
        try:
            return dump_blob({_ALONE: value}, self.framework, _MARK)
        except CodecError as error:
            # The name of its own making says nothing to the caller.
            raise CodecError(str(error.__cause__ or error)) from None

    def loads(self, data: bytes | memoryview) -> Any:
        """Return the tensor or the dict of tensors of these bytes; ``CodecError`` where they cannot be read."""
        return self.build(self.parse(data), data, copy=self._copy)

    def parse(self, data: bytes | memoryview) -> Header:
        """Return what these bytes hold without loading it; ``CodecError`` where they cannot be read."""
        try:
            return parse_blob(data)
        except CodecError as error:
            raise CodecError(f"the stored bytes are no tensor: {error}") from error

    def build(self, header: Header, data: Any, *, copy: bool) -> Any:
        """Return the value whose header was parsed."""
        if header.metadata == _MARK and (info := header.tensors.get(_ALONE)) is not None:
            return self.framework.load(info.dtype, info.shape, data, info.start, copy)
        return load_tensors(header, data, self.framework, copy=copy)

    def alone(self, header: Header) -> bool:
        """Return whether it is the header of a single tensor."""
        return header.metadata == _MARK

    def __repr__(self) -> str:
        return f"Safetensors({', '.join(map(repr, self._configuration))})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (*self._configuration, self._copy)


def _rebuilt(framework: str, device: str, copy: bool) -> Safetensors:
    return Safetensors(framework, device, copy=copy)
