"""The frameworks whose tensors can be stored, by the names that safetensors gives them."""

from functools import lru_cache
from importlib import import_module
from typing import Any, Final, NoReturn, Protocol

from spoonbill.errors import CodecError, MissingExtraError, UnsupportedError

__all__ = ["FRAMEWORKS", "Framework", "get_framework", "refuse"]


class Framework(Protocol):
    """Tensors of one framework as memory, and back."""

    @property
    def name(self) -> str:
        """What safetensors calls it."""
        ...

    @property
    def lends(self) -> frozenset[str]:
        """Which memory a tensor may be a view of: ``"frozen"`` (read-only), ``"private"`` (pages of its own)."""
        ...

    def layout(self, value: Any, /) -> tuple[str, tuple[int, ...]]:
        """Return the format's name of the dtype, and the shape; `CodecError` where the format cannot hold it."""
        ...

    def memory(self, value: Any, /) -> Any:
        """Return the elements in C order, little-endian, as a one-dimensional numpy array of bytes."""
        ...

    def load(self, dtype: str, shape: tuple[int, ...], buffer: Any, offset: int, copy: bool, /) -> Any:
        """Return the tensor that begins at `offset` of `buffer`: with memory of its own, or as a view of it."""
        ...

    def part(self, dtype: str, shape: tuple[int, ...], buffer: Any, offset: int, index: Any, /, *, copy: bool) -> Any:
        """Return the part at a basic `index` of the tensor that begins at `offset`, reading nothing else."""
        ...


_HOMES: Final = {
    "np": ("numpy_framework", "NumpyFramework", "numpy"),
    "pt": ("torch_framework", "TorchFramework", "torch"),
    "tf": ("tensorflow_framework", "TensorflowFramework", "tensorflow"),
    "flax": ("jax_framework", "JaxFramework", "jax"),
}

FRAMEWORKS: Final = tuple(_HOMES)


@lru_cache(64)
def get_framework(name: str, device: str = "cpu") -> Framework:
    """Return a framework by the name that safetensors gives it.

    Parameters
    ----------
    name : str
        ``"np"`` (numpy), ``"pt"`` (torch), ``"tf"`` (tensorflow) or ``"flax"`` (jax).
    device : str, optional
        Where loaded tensors shall be, as the framework calls it.

    Raises
    ------
    UnsupportedError
        If there is no such framework, or it has no such device.
    MissingExtraError
        If it is not installed.
    """
    if name not in _HOMES:
        raise UnsupportedError(f"there is no framework {name!r}: use one of {', '.join(map(repr, _HOMES))}")
    module, kind, package = _HOMES[name]
    try:
        home = import_module(f"spoonbill.codecs.safetensors.{module}")
    except ImportError as error:
        raise MissingExtraError(f"tensors of framework {name!r} need {package}: pip install {package}") from error
    framework: Framework = getattr(home, kind)(device)
    return framework


def refuse(reason: str) -> NoReturn:
    """Raise the error of a value that the format cannot hold."""
    raise CodecError(f"safetensors cannot hold this value: {reason}")
