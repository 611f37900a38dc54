"""SafetensorsLmdbStore: tensors in an LMDB environment, to be exported to a safetensors file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, Unpack

from spoonbill.backends.lmdb.options import LmdbOptions
from spoonbill.backends.lmdb.zero_copy import ZeroCopyLmdb
from spoonbill.common.generics import StrKey, V
from spoonbill.datastores.tensors.mutable_tensor_store import MutableTensorStore


class SafetensorsLmdbStore(MutableTensorStore[StrKey, V]):
    """Tensors, and dicts of tensors, by name on disk: mutable, larger than memory, shared by processes.

    Parameters
    ----------
    path : str or Path
        The environment's directory; made where it is missing.
    framework : {"np", "pt", "tf", "flax"}, optional
        Whose tensors: `NUMPY`, `TORCH`, `TENSORFLOW`, `FLAX`.
    device : str, optional
        Where loaded tensors shall be.
    copy : bool, optional
        False returns read-only numpy arrays on the database's own memory. Such an array stays what it was, whatever is
        written later; while it lives, the space of what was replaced is not used again.
    **options
        As `LmdbOptions` tells them, such as ``durability="process"``; all others go to ``lmdb.open``.
    """

    path_options = frozenset({"path"})

    def __init__(
        self,
        path: str | Path,
        framework: str = "np",
        device: str = "cpu",
        *,
        copy: bool = True,
        **options: Unpack[LmdbOptions],
    ) -> None:
        engine = ZeroCopyLmdb(path, **options)
        super().__init__(engine, framework, device, copy=copy)

    @classmethod
    def from_dict(
        cls, data: Mapping[StrKey, V], path: str | Path, framework: str = "np", device: str = "cpu", **options: Any
    ) -> Self:
        """Return a store at `path` into which a dict of tensors was put, in one transaction."""
        store = cls(path, framework, device, **options)
        store.update(data)
        return store
