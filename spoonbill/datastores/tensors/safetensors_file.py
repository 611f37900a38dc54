"""SafetensorsStore: a safetensors file, or a sharded checkpoint, as a store that only reads."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from spoonbill.backends.memory import Memory
from spoonbill.backends.safetensors.file import SafetensorsFile
from spoonbill.backends.safetensors.shards import SafetensorsShards
from spoonbill.codecs.safetensors import TensorInfo
from spoonbill.common.generics import StrKey, V
from spoonbill.common.paths import absolute
from spoonbill.datastores.tensors.tensor_store import TensorStore, as_tensors
from spoonbill.filesystems import is_local
from spoonbill.layers.frozen import Frozen
from spoonbill.layers.tensors.safetensors_export import SafetensorsExport
from spoonbill.snapshots import file as snapshot
from spoonbill.store import Store

_INDEX = ".index.json"
_MODEL = "model.safetensors"


class _OfTheClass:
    """A function of the class that a store of it refuses: ``SafetensorsStore.load`` makes a store, and changes none."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, store: Any, owner: type[Any]) -> Callable[..., Any]:
        if store is None:
            return getattr(owner, self._name)  # type: ignore[no-any-return]
        return lambda *arguments, **options: Frozen.load(store, *arguments, **options)


class SafetensorsStore(Frozen[StrKey, V], TensorStore[StrKey, V]):
    """Tensors from disk, each read when it is asked for; every write raises `ReadOnlyError`.

    Parameters
    ----------
    path : str or Path
        A safetensors file, the ``*.safetensors.index.json`` of a sharded checkpoint, or a directory that holds
        ``model.safetensors`` or its index. Any fsspec URL of a file, which is read by ranges
        (``simplecache::https://...`` downloads it).
    framework : {"np", "pt", "tf", "flax"}, optional
        Whose tensors to return: `NUMPY`, `TORCH`, `TENSORFLOW`, `FLAX`.
    device : str, optional
        Where they shall be, as the framework calls it.
    copy : bool, optional
        By default each tensor has memory of its own; False returns views of the mapped file, see `SafetensorsFile`.
    **storage_options
        For the fsspec filesystem.

    Raises
    ------
    StoreError
        If the file cannot be opened.
    CodecError
        If it is truncated, corrupted or no safetensors file.
    """

    remedy = "write with SafetensorsLmdbStore or SafetensorsInMemoryStore, and export"

    path_options = frozenset({"path"})

    def __init__(
        self,
        path: str | Path,
        framework: str = "np",
        device: str = "cpu",
        *,
        copy: bool | None = None,
        **storage_options: Any,
    ) -> None:
        self.framework, self.device = framework, device
        url = _resolve(path)
        engine = SafetensorsShards if url.endswith(_INDEX) else SafetensorsFile
        self._tensors = engine(url, framework, device, copy=copy, **storage_options)
        super().__init__(self._tensors)

    @staticmethod
    def export_safetensors(
        data: Mapping[str, Any],
        path: str | Path,
        framework: str = "np",
        metadata: Mapping[str, str] | None = None,
        **storage_options: Any,
    ) -> None:
        """Write tensors to a safetensors file, which appears only when it is whole.

        Parameters
        ----------
        data : mapping
            A dict, or any store, of tensors; a dict of tensors under the key ``layer`` becomes ``layer.weight``, ...
        path : str or Path
            A local path or any fsspec URL.
        framework : {"np", "pt", "tf", "flax"}, optional
            Whose tensors they are.
        metadata : mapping of str to str, optional
            Free text for the header.
        **storage_options
            For the fsspec filesystem.

        Raises
        ------
        CodecError
            If a value is no tensor of the framework, or of a dtype that the format does not have.
        StoreError
            If the file cannot be written; what stood at `path` is then as it was.
        """
        source: Store[str, Any] = data if isinstance(data, Store) else Memory(dict(data))
        SafetensorsExport(source, framework).export_safetensors(path, metadata, **storage_options)

    @classmethod
    def from_dict(
        cls,
        data: Mapping[str, Any],
        path: str | Path,
        framework: str = "np",
        device: str = "cpu",
        metadata: Mapping[str, str] | None = None,
    ) -> Self:
        """Write a dict of tensors to a file, and open it."""
        cls.export_safetensors(data, path, framework, metadata)
        return cls(path, framework, device)

    @classmethod
    def _from_snapshot(
        cls,
        url: str | Path,
        path: str | Path,
        framework: str = "np",
        device: str = "cpu",
        **storage_options: Any,
    ) -> Self:
        """Write what any tensor store saved at `url` to a safetensors file at `path`, and open it.

        A function of the class; on a store, which only reads, it is refused. The tensors are in memory on the way.
        """
        with snapshot.open_snapshot(url, **storage_options) as entries:
            return cls.from_dict(dict(as_tensors(entries(), framework, "cpu")), path, framework, device)

    load = _OfTheClass("_from_snapshot")

    @property
    def metadata(self) -> dict[str, Any]:
        """The free text of the file's author; of a sharded checkpoint, what its index says."""
        return self._tensors.metadata

    def info(self, key: str) -> TensorInfo:
        """Return the dtype, the shape and the place of a tensor, without loading it; KeyError where it is absent."""
        return self._tensors.info(key)

    def get_slice(self, key: str, index: Any) -> Any:
        """Return a part of a tensor, reading no more than that part.

        Parameters
        ----------
        key : str
            The tensor's name.
        index : slice or int or Ellipsis or tuple of these
            As numpy takes it: ``numpy.s_[2:4, ::2]`` writes it as in brackets.

        Raises
        ------
        KeyError
            If there is no such tensor.
        IndexError
            If the index lies outside of it.
        UnsupportedError
            If the index is of another kind.
        """
        return self._tensors.get_slice(key, index)


def _resolve(path: str | Path) -> str:
    """Return the file that a path stands for: a directory for its model, a model that is sharded for its index."""
    url: str = os.fspath(absolute(path))
    if not is_local(url):
        return url
    model = Path(url) / _MODEL if Path(url).is_dir() else Path(url)
    index = Path(f"{model}{_INDEX}")
    return str(index if index.exists() and not model.exists() else model)
