"""The options of an LMDB environment."""

from typing import Literal, TypedDict


class LmdbOptions(TypedDict, total=False):
    """What every store on LMDB takes; what is not told here is as in ``lmdb.open``.

    Attributes
    ----------
    durability : {"disk", "process"}
        ``"disk"`` (the default): a finished write survives a power cut. ``"process"``: it survives the end of this
        process, but the last writes may be lost, and the file torn, by a crash of the machine; many times faster.
    map_size : int or None
        The largest size of the database in bytes; by default as much as the platform grants, grown when full.
    readonly : bool
        True opens an existing environment for reading alone.
    max_readers : int
        How many transactions may read at a time, in all processes.
    """

    durability: Literal["disk", "process"]
    map_size: int | None
    readonly: bool
    max_readers: int
    sync: bool
    metasync: bool
    map_async: bool
    writemap: bool
    meminit: bool
    readahead: bool
    lock: bool
    subdir: bool
    create: bool
    mode: int
    max_dbs: int
    max_spare_txns: int
