"""Jax arrays, which are what flax computes with, as safetensors memory, and back."""

from typing import Any

import jax  # pyright: ignore[reportMissingImports] # of the four frameworks, the types need two
import jax.numpy as jnp  # pyright: ignore[reportMissingImports]
import numpy as np
from jax.core import Tracer  # pyright: ignore[reportMissingImports]

from spoonbill.codecs.safetensors.frameworks import refuse
from spoonbill.codecs.safetensors.numpy_framework import NumpyFramework
from spoonbill.common.failures import pass_on_signal
from spoonbill.errors import CodecError, UnsupportedError

__all__ = ["JaxFramework"]


class JaxFramework:
    """Jax arrays. 64-bit dtypes need ``jax_enable_x64``, as everywhere in jax; without it they are refused."""

    name = "flax"
    lends: frozenset[str] = frozenset()

    def __init__(self, device: str = "cpu") -> None:
        try:
            self._device = jax.devices(device)[0]
        except RuntimeError as error:
            pass_on_signal(error)
            raise UnsupportedError(f"jax has no device {device!r}: {error}") from error
        self._arrays = NumpyFramework()

    def layout(self, value: Any, /) -> tuple[str, tuple[int, ...]]:
        if not isinstance(value, jax.Array) or isinstance(value, Tracer):
            refuse(f"framework 'flax' takes a jax array, not {type(value).__qualname__}; jax.numpy.asarray makes one")
        if not value.is_fully_addressable:
            refuse("the array is spread over devices of other processes; gather it first")
        if jnp.issubdtype(value.dtype, jax.dtypes.prng_key):
            refuse("it is a random key; jax.random.key_data(value) is its array")
        return self._arrays.layout(np.asarray(value))

    def memory(self, value: Any, /) -> Any:
        return self._arrays.memory(np.asarray(value))

    def load(self, dtype: str, shape: tuple[int, ...], buffer: Any, offset: int, copy: bool, /) -> Any:
        return self._array(dtype, self._arrays.load(dtype, shape, buffer, offset, copy))

    def part(self, dtype: str, shape: tuple[int, ...], buffer: Any, offset: int, index: Any, /, *, copy: bool) -> Any:
        return self._array(dtype, self._arrays.part(dtype, shape, buffer, offset, index, copy=copy))

    def _array(self, dtype: str, array: Any) -> Any:
        if jax.dtypes.canonicalize_dtype(array.dtype) != array.dtype:
            raise CodecError(
                f'jax would make 32 bits of {dtype}: jax.config.update("jax_enable_x64", True) lets it have 64'
            )
        return jax.device_put(jnp.array(array), self._device)
