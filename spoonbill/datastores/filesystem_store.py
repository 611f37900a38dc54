"""FilesystemStore: any object under any key, one file a key, on any filesystem of fsspec."""

from pathlib import Path
from typing import Any

from spoonbill.backends.filesystem import Filesystem
from spoonbill.layers.codec import Codec
from spoonbill.store.named import NamedStore


class FilesystemStore(NamedStore[Any, Any]):
    """One file a key, with names that people can read: cheap, slow, and open to every other tool.

    Parameters
    ----------
    url : str or Path
        A local directory or any fsspec URL.
    strict : bool, optional
        False also holds what only pickle and cloudpickle can.
    codec : str or object, optional
        How values are written: ``"raw"``, ``"text"`` and ``"json"`` write files that other programs read.
    sync : bool, optional
        True writes each file through to the disk (local only).
    **storage_options
        For the fsspec filesystem.
    """

    def __init__(
        self,
        url: str | Path,
        *,
        strict: bool = True,
        codec: str | object | None = None,
        sync: bool = False,
        **storage_options: Any,
    ) -> None:
        super().__init__(Codec(Filesystem(url, sync=sync, **storage_options), codec, strict=strict))
