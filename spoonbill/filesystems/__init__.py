"""Single files on any filesystem: read once or several times, written so that they appear only when whole."""

from spoonbill.common.paths import is_local
from spoonbill.filesystems.disk.flock import folder_lock
from spoonbill.filesystems.fsspec_url import open_filesystem
from spoonbill.filesystems.single import (
    copies,
    open_for_reading,
    rename,
    renames,
    translate_errors,
    write_atomically,
)

__all__ = [
    "copies",
    "folder_lock",
    "is_local",
    "open_filesystem",
    "open_for_reading",
    "rename",
    "renames",
    "translate_errors",
    "write_atomically",
]
