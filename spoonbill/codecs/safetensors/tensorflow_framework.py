"""Tensorflow tensors as safetensors memory, and back."""

from typing import Any

import numpy as np
import tensorflow as tf  # pyright: ignore[reportMissingImports]

from spoonbill.codecs.safetensors.frameworks import refuse
from spoonbill.codecs.safetensors.numpy_framework import NumpyFramework

__all__ = ["TensorflowFramework"]


class TensorflowFramework:
    """Eager tensorflow tensors and variables; what comes back is a tensor."""

    name = "tf"
    lends: frozenset[str] = frozenset()

    def __init__(self, device: str = "cpu") -> None:
        self._device = device
        self._arrays = NumpyFramework()

    def layout(self, value: Any, /) -> tuple[str, tuple[int, ...]]:
        return self._arrays.layout(self._array(value))

    def memory(self, value: Any, /) -> Any:
        return self._arrays.memory(self._array(value))

    def load(self, dtype: str, shape: tuple[int, ...], buffer: Any, offset: int, copy: bool, /) -> Any:
        return self._tensor(self._arrays.load(dtype, shape, buffer, offset, copy))

    def part(self, dtype: str, shape: tuple[int, ...], buffer: Any, offset: int, index: Any, /, *, copy: bool) -> Any:
        return self._tensor(self._arrays.part(dtype, shape, buffer, offset, index, copy=copy))

    def _array(self, value: Any) -> Any:
        if not isinstance(value, (tf.Tensor, tf.Variable)) or not hasattr(value, "numpy"):
            refuse(f"framework 'tf' takes an eager tensor, not {type(value).__qualname__}; convert_to_tensor makes one")
        return np.asarray(value.numpy())

    def _tensor(self, array: Any) -> Any:
        with tf.device(self._device):
            return tf.convert_to_tensor(array)
