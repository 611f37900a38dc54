"""What RocksDB's errors mean. Its binding raises plain exceptions, which their text alone tells apart."""

from typing import Final

__all__ = ["is_of_rocksdb", "remedy_for"]

_REMEDIES: Final = {
    "lock": "Another process has the folder open, and one process writes: open it there, or here with secondary=.",
    "no RocksDB database": "Check the path, and create=.",
    "no column family": "Check the name, and create=.",
    "Corruption": "The database is damaged: restore a checkpoint, or try rocksdict.Rdict.repair.",
    "No space left": "The disk is full.",
    "does not exist": "Check the path, and create=.",
    "already closed": "The store was closed while this call ran.",
}


def is_of_rocksdb(error: BaseException) -> bool:
    """Return whether an error comes from RocksDB, and is no slip of ours or of the caller."""
    return type(error) is Exception or type(error).__module__.partition(".")[0] == "rocksdict"


def remedy_for(error: BaseException) -> str:
    """Return what the user can do about it."""
    text = str(error)
    return next(
        (remedy for word, remedy in _REMEDIES.items() if word.lower() in text.lower()),
        "Check the folder and the disk; RocksDB's own file LOG there tells more.",
    )
