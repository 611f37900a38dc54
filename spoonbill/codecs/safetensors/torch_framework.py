"""Torch tensors as safetensors memory, and back."""

from typing import Any, Final

import numpy as np
import torch

from spoonbill.codecs.safetensors.frameworks import refuse
from spoonbill.codecs.safetensors.numpy_framework import NumpyFramework
from spoonbill.common.failures import pass_on_signal
from spoonbill.errors import CodecError, UnsupportedError

__all__ = ["TorchFramework"]

_KINDS: Final = {
    "BOOL": "bool",
    "U8": "uint8",
    "I8": "int8",
    "I16": "int16",
    "U16": "uint16",
    "F16": "float16",
    "BF16": "bfloat16",
    "I32": "int32",
    "U32": "uint32",
    "F32": "float32",
    "C64": "complex64",
    "F64": "float64",
    "I64": "int64",
    "U64": "uint64",
    "F8_E5M2": "float8_e5m2",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
    "F8_E8M0": "float8_e8m0fnu",
    "F4": "float4_e2m1fn_x2",
}
_DTYPES: Final = {name: getattr(torch, kind) for name, kind in _KINDS.items() if hasattr(torch, kind)}
_NAMES: Final = {dtype: name for name, dtype in _DTYPES.items()}
# What numpy cannot name goes through integers of its width.
_CARRIERS: Final = {"BF16": "I16"} | {name: "U8" for name in _KINDS if name.startswith(("F8", "F4"))}
_PACKED: Final = "F4"
"""Two of its numbers share a byte, which torch takes for one element: the last axis is half as long there."""


class TorchFramework:
    """Torch tensors: their numbers. Where they live, what they share and whether they require a gradient is not kept.

    A loaded tensor is on the device asked for, has memory of its own, and requires no gradient.
    """

    name = "pt"
    lends = frozenset({"private"})

    def __init__(self, device: str = "cpu") -> None:
        try:
            self._device = torch.device(device)
        except RuntimeError as error:
            pass_on_signal(error)
            raise UnsupportedError(f"torch has no device {device!r}: {error}") from error
        self._elsewhere = self._device.type != "cpu"
        self._arrays = NumpyFramework()

    def layout(self, value: Any, /) -> tuple[str, tuple[int, ...]]:
        if not isinstance(value, torch.Tensor):
            refuse(f"framework 'pt' takes a torch tensor, not {type(value).__qualname__}; torch.as_tensor makes one")
        if value.dtype in {torch.complex32, torch.complex128}:
            refuse(f"the format's only complex dtype is complex64, not {value.dtype}; store .real and .imag, as a dict")
        if value.layout != torch.strided or value.is_quantized:
            refuse(f"it is sparse or quantized ({value.layout}); value.to_dense() or .dequantize() makes it plain")
        if value.device.type == "meta":
            refuse("the tensor is on the device meta and has no numbers")
        dtype = _NAMES.get(value.dtype)
        if dtype is None:
            refuse(f"the format has no dtype for {value.dtype}; value.to(...) gives another")
        return dtype, (*value.shape[:-1], 2 * value.shape[-1]) if dtype == _PACKED else tuple(value.shape)

    def memory(self, value: Any, /) -> Any:
        plain = value.detach().resolve_neg().resolve_conj().to("cpu").contiguous()
        return plain.reshape(-1).view(torch.uint8).numpy()

    def load(self, dtype: str, shape: tuple[int, ...], buffer: Any, offset: int, copy: bool, /) -> Any:
        if dtype == _PACKED:
            shape = _packed(shape)
        return self._tensor(dtype, self._view(dtype, shape, buffer, offset), copy)

    def part(self, dtype: str, shape: tuple[int, ...], buffer: Any, offset: int, index: Any, /, *, copy: bool) -> Any:
        if dtype == _PACKED:
            raise CodecError(f"two numbers of {dtype} share a byte, so there are no parts of it: read the whole tensor")
        chosen: Any = np.asarray(self._view(dtype, shape, buffer, offset)[index])
        # Torch knows no negative strides, so those are always copied.
        return self._tensor(dtype, chosen, copy or (min(chosen.strides, default=0) < 0))

    def _view(self, dtype: str, shape: tuple[int, ...], buffer: Any, offset: int) -> Any:
        if dtype not in _DTYPES:
            raise CodecError(f"this torch has no dtype for {dtype}; the bytes are there: info(key) tells where")
        return self._arrays.view(_CARRIERS.get(dtype, dtype), shape, buffer, offset)

    def _tensor(self, dtype: str, array: Any, copy: bool) -> Any:
        # On its way to another device it is copied anyway, but torch warns of memory that it could not write to.
        if copy and (not self._elsewhere or not array.flags.writeable):
            array = array.copy()
        tensor = torch.from_numpy(array)
        if dtype in _CARRIERS:
            tensor = tensor.view(_DTYPES[dtype])
        return tensor.to(self._device) if self._elsewhere else tensor


def _packed(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape that torch gives a tensor of packed pairs."""
    if not shape or shape[-1] % 2:
        raise CodecError(f"two numbers of {_PACKED} share a byte, so the last axis is even, and not that of {shape}")
    return (*shape[:-1], shape[-1] // 2)
