"""Single files on any filesystem: read once or several times, written so that they appear only when whole."""

from spoonbill.files.folder_lock import folder_lock
from spoonbill.files.opening import open_filesystem
from spoonbill.files.whole import appearing, copies, is_local, named, reading, rename, renames

__all__ = [
    "appearing",
    "copies",
    "folder_lock",
    "is_local",
    "named",
    "open_filesystem",
    "reading",
    "rename",
    "renames",
]
