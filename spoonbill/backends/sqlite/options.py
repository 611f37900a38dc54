"""What a SQLite store can be opened with."""

from typing import Literal, TypedDict

__all__ = ["SQLiteOptions"]


class SQLiteOptions(TypedDict, total=False):
    """Options of `SQLite` and ``SQLiteStore``.

    Attributes
    ----------
    durability : {"disk", "process"}
        ``"disk"`` (the default, ``synchronous=FULL``): a finished write survives a power cut. ``"process"``
        (``synchronous=NORMAL``): it survives the end of this process; a power cut may take the last writes, and never
        tears the file.
    timeout : float
        Seconds that a write waits for the write of another process; 30 by default.
    create : bool
        False: a missing file or table is an error.
    readonly : bool
        True opens an existing file, and never changes it.
    """

    durability: Literal["disk", "process"]
    timeout: float
    create: bool
    readonly: bool
