"""What the named tensor stores that can be written to share."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spoonbill.codecs.safetensors import TensorInfo
from spoonbill.common.generics import StrKey, V
from spoonbill.common.progress import Progress
from spoonbill.datastores.tensors.safetensors_file import SafetensorsStore
from spoonbill.datastores.tensors.tensor_store import TensorStore, as_tensors
from spoonbill.layers.tensors.safetensors_codec import SafetensorsCodec
from spoonbill.layers.tensors.safetensors_export import SafetensorsExport
from spoonbill.snapshots import file as snapshot
from spoonbill.store import Store


class MutableTensorStore(TensorStore[StrKey, V]):
    """Tensors over a store of bytes, with the export of them.

    Parameters
    ----------
    engine : Store
        Holds the bytes.
    framework, device, copy
        As for `SafetensorsCodec`.
    """

    def __init__(self, engine: Store[str, bytes], framework: str, device: str, *, copy: bool) -> None:
        self.framework, self.device = framework, device
        self._codec = SafetensorsCodec(engine, framework, device, copy=copy)
        self._export: SafetensorsExport[str, Any] = SafetensorsExport(self._codec, framework)
        super().__init__(self._export)

    def info(self, key: str) -> TensorInfo | dict[str, TensorInfo]:
        """Return the dtype and the shape of a tensor, or of each tensor of a dict, without loading it.

        Raises
        ------
        KeyError
            If the key is absent.
        """
        return self._codec.info(key)

    def export_safetensors(
        self, path: str | Path, metadata: Mapping[str, str] | None = None, **storage_options: Any
    ) -> SafetensorsStore:
        """Write every tensor to one safetensors file, one at a time, and open that.

        Parameters
        ----------
        path : str or Path
            A local path or any fsspec URL. A file that stands there is replaced, when the new one is whole.
        metadata : mapping of str to str, optional
            Free text for the header.
        **storage_options
            For the fsspec filesystem.

        Raises
        ------
        CodecError
            If two tensors would have one name: a dict of tensors under the key ``layer`` becomes ``layer.weight``, ...
        StoreError
            If it cannot be written, or a tensor changed while it was; what stood at `path` is then as it was.
        """
        self._export.export_safetensors(path, metadata, **storage_options)
        return SafetensorsStore(path, self.framework, self.device, **storage_options)

    def load(self, url: str | Path, *, progress: Progress = False, **storage_options: Any) -> None:
        """Replace the contents by those of a snapshot, read and tried in full before anything changes.

        Parameters
        ----------
        url : str or Path
            What any store saved, as long as its values are tensors.
        progress : bool or callable, optional
            As for `save`.
        **storage_options
            For the fsspec filesystem.

        Raises
        ------
        SnapshotError
            If the file is no snapshot, or is torn or corrupted.
        CodecError
            If a value is no tensor.
        """
        with snapshot.open_snapshot(url, **storage_options) as entries:
            for key, value in as_tensors(entries(progress=progress), self.framework, self.device):
                self.check(key, value)
            self.replace_all(as_tensors(entries(progress=progress), self.framework, self.device))
