"""SafetensorsInMemoryStore: tensors in memory, to be exported to a safetensors file."""

from collections.abc import Mapping
from typing import Any, Self

from spoonbill.backends.memory import Memory
from spoonbill.common.generics import StrKey, V
from spoonbill.datastores.tensors.mutable_tensor_store import MutableTensorStore


class SafetensorsInMemoryStore(MutableTensorStore[StrKey, V]):
    """Tensors, and dicts of tensors, by name in memory. What comes back is a copy, so nothing is shared.

    Parameters
    ----------
    framework : {"np", "pt", "tf", "flax"}, optional
        Whose tensors: `NUMPY`, `TORCH`, `TENSORFLOW`, `FLAX`.
    device : str, optional
        Where loaded tensors shall be.
    copy : bool, optional
        False returns read-only numpy arrays on the stored bytes.
    """

    def __init__(self, framework: str = "np", device: str = "cpu", *, copy: bool = True) -> None:
        super().__init__(Memory(), framework, device, copy=copy)
        self._copy = copy

    @classmethod
    def from_dict(cls, data: Mapping[StrKey, V], framework: str = "np", device: str = "cpu") -> Self:
        """Return a store that holds a dict of tensors."""
        store = cls(framework, device)
        store.update(data)
        return store

    def __reduce__(self) -> tuple[Any, ...]:
        return self._rebuilt, (self.framework, self.device, self._copy, self.raw.copy())

    @classmethod
    def _rebuilt(cls, framework: str, device: str, copy: bool, stored: dict[str, bytes]) -> Self:
        store = cls(framework, device, copy=copy)
        store.raw.update(stored)
        return store
