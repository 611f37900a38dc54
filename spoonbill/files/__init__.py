"""Single files on any filesystem: read once or several times, written so that they appear only when whole."""

from spoonbill.files.exported import FILES_NOTE, exported
from spoonbill.files.whole import appearing, reading

__all__ = ["FILES_NOTE", "appearing", "exported", "reading"]
