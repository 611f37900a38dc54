"""FilesystemStore: any object under any key, one file a key, on any filesystem of fsspec."""

import os
from pathlib import Path
from typing import Any

from spoonbill.backends.filesystem.backend import Filesystem
from spoonbill.common.generics import K, V
from spoonbill.common.progress import Progress
from spoonbill.layers.cached import Cached
from spoonbill.layers.codec import Codec
from spoonbill.layers.frozen import Frozen
from spoonbill.store.named import NamedStore

SNAPSHOT = ".snapshot"
"""What the name of a snapshot file ends with where a folder of files could be meant."""


class FilesystemStore(NamedStore[K, V]):
    """One file a key, with names that people can read: cheap, slow, and open to every other tool.

    Parameters
    ----------
    url : str or Path
        A local directory or any fsspec URL: ``s3://``, ``gs://``, ``az://``, ``ftp://``, ``memory://``, ...; also
        ``https://`` and ``zip://``, which are read-only.
    strict : bool, optional
        False also holds what only pickle and cloudpickle can.
    codec : str or object, optional
        How values are written: ``"raw"``, ``"text"`` and ``"json"`` write files that other programs read.
    cache : str or Path or int, optional
        A local directory for copies, each of which is validated at every read (by etag, generation, or time and size);
        or a number of bytes to hold in memory, where a value that others have changed stays as it was until it leaves
        the cache.
    sync : bool, optional
        True writes through to the disk (local only): files, renames and deletes.
    manifest : str, optional
        For a web server without listings: a file below `url` with the name of one file a line.
    **storage_options
        For the fsspec filesystem: credentials, endpoints.
    """

    path_options = frozenset({"url", "cache"})

    def __init__(
        self,
        url: str | Path,
        strict: bool = True,
        codec: str | object | None = None,
        cache: str | Path | int | None = None,
        *,
        sync: bool = False,
        manifest: str | None = None,
        **storage_options: Any,
    ) -> None:
        folder = None if isinstance(cache, int) else cache
        files = Filesystem(url, sync=sync, cache=folder, manifest=manifest, **storage_options)
        below = Cached(files, maxsize=cache, getsizeof=len) if isinstance(cache, int) else files
        stack: Codec[Any, Any] = Codec(below, codec, strict=strict)
        super().__init__(Frozen(stack) if files.read_only else stack)
        self._files = files
        self._codec = stack.codec
        self._strict = strict
        self.features |= files.features

    def read_range(self, key: K, start: int, stop: int) -> bytes:
        """Return the bytes of a file from `start` up to `stop`, as the codec wrote them, without reading the rest.

        Parameters
        ----------
        key : object
            The key.
        start, stop : int
            Positions as in a slice, 0 or more.

        Raises
        ------
        KeyError
            If the key is absent.
        """
        return self._files.read_range(self.canonical(key), start, stop)

    def save(self, url: str | Path, *, progress: Progress = False, **storage_options: Any) -> None:
        """Save every file to a folder, on disk or on any fsspec filesystem, under the same names.

        Inside one service no byte passes through here. A save is all or nothing: when it is interrupted the folder is
        as it was, and the next save goes on where it stopped; when it is killed in its last step, the next save, or the
        first write of a store there, finishes that. It replaces what an earlier save wrote. Any store loads it.

        Parameters
        ----------
        url : str or Path
            The folder. A name that ends with ``.snapshot`` is a snapshot file instead, as every store saves.
        progress : bool or callable, optional
            True shows a progress bar; a callable is called with the number of files so far.
        **storage_options
            For the fsspec filesystem.

        Raises
        ------
        StoreError
            If it fails; nothing has changed then. Also if the folder holds files that no save wrote there.
        """
        if os.fspath(url).endswith(SNAPSHOT):
            super().save(url, progress=progress, **storage_options)
            return
        note = {"codec": self._codec.name, "strict": self._strict}
        self._files.export(url, note, progress=progress, **storage_options)
