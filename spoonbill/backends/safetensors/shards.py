"""A sharded checkpoint as one store: ``model.safetensors.index.json`` and the files that it names."""

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Never

import fsspec

from spoonbill.backends.safetensors.file import SafetensorsFile
from spoonbill.codecs.safetensors.header import TensorInfo
from spoonbill.common.masking import masked, secrets_in, without
from spoonbill.common.paths import absolute
from spoonbill.common.text import shortened
from spoonbill.common.traits import Guarantees
from spoonbill.errors import CodecError, InvalidKeyError, ReadOnlyError, StoreError
from spoonbill.filesystems import is_local
from spoonbill.filesystems.disk.safely import read_regular
from spoonbill.store import Store

__all__ = ["SafetensorsShards"]


class SafetensorsShards(Store[str, Any]):
    """The tensors of all shards of a checkpoint, under the names of its index.

    The index is ``{"metadata": {...}, "weight_map": {name: file}}``, as transformers and huggingface_hub write it; the
    files lie beside it. Each shard is opened and verified at once, a replaced shard is noticed as a `SafetensorsFile`
    notices it; a changed index is read when the store is opened anew.

    Parameters
    ----------
    path : str or Path
        The index, local or by any fsspec URL.
    framework, device, copy, **storage_options
        As for `SafetensorsFile`.

    Raises
    ------
    StoreError
        If the index or a shard cannot be opened.
    CodecError
        If the index names a file outside of its directory, or a tensor that its shard does not hold.
    """

    holds_bytes = False
    guarantees: Guarantees = SafetensorsFile.guarantees

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
        self._url = os.fspath(absolute(path))
        index = _read_index(self._url, storage_options)
        self.metadata: dict[str, Any] = index.get("metadata") or {}
        home = self._url.rpartition("/")[0]
        if is_local(self._url):
            _check_places(self._url, index["weight_map"].values())
        self._shards = {
            name: SafetensorsFile(f"{home}/{name}" if home else name, framework, device, copy=copy, **storage_options)
            for name in dict.fromkeys(index["weight_map"].values())
        }
        self._homes = {key: self._shards[name] for key, name in index["weight_map"].items()}
        for key, shard in self._homes.items():
            if key not in shard:
                raise CodecError(
                    f"{self._url} says that the tensor {shortened(key)} is in {shard!r}, and it is not: the index and "
                    "its shards are not of one checkpoint"
                )

    def _shard(self, key: str) -> SafetensorsFile | None:
        try:
            return self._homes.get(key)
        except TypeError as error:
            raise InvalidKeyError(f"{self!r}: a key is a str, not {type(key).__name__} {shortened(key)}") from error

    def get(self, key: str, default: Any = None) -> Any:
        shard = self._shard(key)
        return default if shard is None else shard.get(key, default)

    def has(self, key: str) -> bool:
        return self._shard(key) is not None

    def count(self) -> int:
        return len(self._homes)

    def iter(self) -> Iterator[str]:
        return iter(list(self._homes))

    def entries(self) -> Iterator[tuple[str, Any]]:
        for key, shard in self._homes.items():
            yield key, shard[key]

    def info(self, key: str) -> TensorInfo:
        """Return the dtype, the shape and the place in its shard of a tensor; KeyError where there is none."""
        return self._homes[key].info(key)

    def get_slice(self, key: str, index: Any) -> Any:
        """Return a part of a tensor, as `SafetensorsFile.get_slice` does."""
        return self._homes[key].get_slice(key, index)

    def close(self) -> None:
        for shard in self._shards.values():
            shard.close()

    def set(self, key: str, value: Any) -> Never:  # noqa: ARG002 - nothing is written
        raise ReadOnlyError(f"set of key {shortened(key)} refused: {self!r} only reads")

    def delete(self, key: str) -> Never:
        raise ReadOnlyError(f"delete of key {shortened(key)} refused: {self!r} only reads")


def _check_places(url: str, names: Iterable[str]) -> None:
    """Raise where a shard is a link that leads elsewhere than beside the index, or beside what the index leads to.

    The second is how the cache of huggingface_hub lies: links in a snapshot, and the files together in ``blobs``.
    """
    home = Path(url).absolute().parent
    places = {home.resolve(), Path(url).resolve().parent}
    for name in dict.fromkeys(names):
        if (home / name).resolve().parent not in places:
            raise CodecError(f"{url} names the shard {name!r}, which is a link that leads out of its directory")


def _read_index(url: str, storage_options: dict[str, Any]) -> dict[str, Any]:
    """Return a verified index: it is a stranger's file, and names files that will be opened."""
    shown = masked(url)
    try:
        if is_local(url):
            index: Any = json.loads(read_regular(url))
        else:
            opening: Any = fsspec.open(url, "rb", **storage_options)
            with opening as file:
                index = json.loads(file.read())
    except OSError as error:
        reason = without(secrets_in(url, storage_options), f"{type(error).__name__}: {error}")
        raise StoreError(f"{shown} cannot be opened: {reason}. Check the path.") from error
    except (ValueError, RecursionError) as error:
        raise CodecError(f"{shown} is no JSON: {error}") from error
    homes = index.get("weight_map") if type(index) is dict else None
    if type(homes) is not dict:
        raise CodecError(f"{shown} is no index of shards: it has no weight_map of names to files")
    for name in homes.values():
        if type(name) is not str or name in {"", ".", ".."} or set(name) & set("/\\:\0"):
            raise CodecError(f"{shown} names the shard {name!r}, which is no file beside it")
    return index  # type: ignore[no-any-return]
