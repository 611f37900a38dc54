"""What the named tensor stores share: the frameworks by name, and how snapshots hold tensors."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar

from spoonbill.codecs.safetensors import Safetensors
from spoonbill.common.generics import StrKey, V
from spoonbill.common.progress import Progress
from spoonbill.snapshots import file as snapshot
from spoonbill.store.named import NamedStore


class TensorStore(NamedStore[StrKey, V]):
    """A store of tensors under names."""

    NUMPY: ClassVar[str] = "np"
    TORCH: ClassVar[str] = "pt"
    TENSORFLOW: ClassVar[str] = "tf"
    FLAX: ClassVar[str] = "flax"

    framework: str
    device: str

    def save(self, url: str | Path, *, progress: Progress = False, **storage_options: Any) -> None:
        """Save every tensor as one snapshot file, as every store does.

        Numpy arrays that the typed codec knows are saved as themselves, so that any store loads them. Other tensors
        are saved as the bytes of a safetensors file, which `load` of a tensor store, of whatever framework, takes
        for what they are, and which `deserialize` reads from any other store.

        Parameters
        ----------
        url : str or Path
            Where to; a local path or any fsspec URL.
        progress : bool or callable, optional
            True shows a progress bar; a callable is called with the number of entries written so far.
        **storage_options
            For the fsspec filesystem.
        """
        codec = Safetensors(self.framework)
        entries = ((key, _portable(value, codec)) for key, value in self.entries())
        snapshot.write(url, entries, progress=progress, **storage_options)

    def to_dict(self) -> dict[StrKey, V]:
        """Return a dict of every tensor."""
        return self.copy()


def as_tensors(entries: Iterable[tuple[Any, Any]], framework: str, device: str) -> Iterator[tuple[Any, Any]]:
    """Yield the entries of a snapshot with their values as tensors of `framework`."""
    native, arrays = Safetensors(framework, device), Safetensors("np")
    for key, value in entries:
        if isinstance(value, bytes):
            yield key, native.loads(value)
        elif framework == "np":
            yield key, value
        else:
            yield key, native.loads(arrays.dumps(value))


def _portable(value: Any, codec: Safetensors) -> Any:
    """Return a value as any store can load it: as numpy arrays of numpy's own dtypes, else as a file's bytes."""
    parts = value.values() if isinstance(value, dict) else (value,)
    if codec.framework.name == "np" and all(part.dtype.kind != "V" for part in parts):
        return value
    return codec.dumps(value)
