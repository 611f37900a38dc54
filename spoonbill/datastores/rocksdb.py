"""RocksDBStore: a log-structured merge tree on the disk."""

from pathlib import Path
from typing import TypeVar, Unpack

from spoonbill.backends.rocksdb.backend import RocksDB
from spoonbill.backends.rocksdb.options import RocksDBOptions
from spoonbill.layers.codec import Codec
from spoonbill.store.named import NamedStore

K = TypeVar("K")
V = TypeVar("V")


class RocksDBStore(NamedStore[K, V]):
    """A folder that one process writes, more quickly than other stores on a disk, and others read.

    Parameters
    ----------
    path : str or Path
        The folder; made where it is missing.
    strict : bool, optional
        True: values are what the codec can hold with their types. False: anything that pickle or cloudpickle can hold.
    codec : str or object, optional
        How values are written as bytes; by default msgpack.
    **options : RocksDBOptions
        ``durability``, ``column_family``, ``compression``, ``expire_after``, ``secondary``, ``readonly``, ``create``.

    Raises
    ------
    MissingExtraError
        If rocksdict is not installed.
    StoreError
        If another process has the folder open.
    """

    path_options = frozenset({"path", "secondary"})

    def __init__(
        self,
        path: str | Path,
        *,
        strict: bool = True,
        codec: str | object | None = None,
        **options: Unpack[RocksDBOptions],
    ) -> None:
        self._engine = RocksDB(path, **options)
        super().__init__(Codec(self._engine, codec, strict=strict))

    def checkpoint(self, path: str | Path) -> None:
        """Make a folder that holds the whole database as it is now, which RocksDB opens; on one disk it costs no copy.

        Parameters
        ----------
        path : str or Path
            The new folder; it must not be there.
        """
        self._engine.checkpoint(path)
