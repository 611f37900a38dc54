"""What a RocksDB store can be opened with."""

from pathlib import Path
from typing import Literal, TypedDict

__all__ = ["RocksDBOptions"]


class RocksDBOptions(TypedDict, total=False):
    """Options of `RocksDB` and ``RocksDBStore``.

    Attributes
    ----------
    durability : {"disk", "process"}
        ``"disk"`` (the default): a finished write survives a power cut. ``"process"``: it survives the end of this
        process; a power cut may take the last writes, and never tears the database. Many times faster.
    column_family : str
        A part of the database of its own; several stores can live in one folder. By default ``"default"``.
    compression : {"none", "snappy", "lz4", "zstd", "zlib"}
        How the files of the tree are compressed; by default as RocksDB does, with snappy.
    expire_after : float
        Seconds after which entries go, some time later, when files are merged; for all entries of the folder, from its
        first opening on.
    secondary : str or Path
        Opens the folder of another process for reading, and sees what it writes. This folder is for the notes of this
        instance alone.
    readonly : bool
        True reads the folder as it is now, and never changes it.
    create : bool
        False: a missing folder is an error.
    """

    durability: Literal["disk", "process"]
    column_family: str
    compression: Literal["none", "snappy", "lz4", "zstd", "zlib"]
    expire_after: float
    secondary: str | Path
    readonly: bool
    create: bool
