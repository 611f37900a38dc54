"""What an FTP server has in a folder: by MLSD, and where a server does not know it by NLST and a look at each name."""

import ftplib
from contextlib import suppress

__all__ = ["Listing", "read_listing"]

Listing = list[tuple[str, dict[str, str]]]
"""Names, each with its ``type`` (``"file"`` or ``"dir"``) and a file's ``size`` in bytes."""

_UNKNOWN = ("500", "501", "502", "504")
"""Answers of a server that does not know a command."""


def read_listing(ftp: ftplib.FTP, folder: str) -> Listing:
    """Return what is in a folder.

    Raises
    ------
    ftplib.error_perm
        If the server does not list it. A folder that may not be listed does not look empty.
    """
    try:
        found = [_facts(line) for line in _lines(ftp, f"MLSD {folder}")]
    except ftplib.error_perm as refused:
        if not str(refused).startswith(_UNKNOWN):
            raise
        found = _looked_at(ftp, folder)
    # A server's answer: a name that is none would lead elsewhere, or on and on.
    return [(name, facts) for name, facts in found if name not in {"", ".", ".."} and "/" not in name]


def _lines(ftp: ftplib.FTP, command: str) -> list[str]:
    lines: list[str] = []
    answer = ftp.retrlines(command, lines.append)
    if "fail" in answer.lower():  # vsftpd ends well, with no lines, where it could not open the folder
        raise ftplib.error_perm(f"550 {answer}")  # noqa: S321 - an error, no connection
    return lines


def _facts(line: str) -> tuple[str, dict[str, str]]:
    """Return the name and the facts of a line of MLSD: ``size=3;type=file; name``."""
    facts, _, name = line.partition(" ")
    pairs = (fact.partition("=") for fact in facts.split(";") if fact)
    return name, {key.lower(): value.lower() if key.lower() == "type" else value for key, _, value in pairs}


def _looked_at(ftp: ftplib.FTP, folder: str) -> Listing:
    """Return what NLST names. It tells no types: what has a size is a file, and where one can go is a folder."""
    names = [line.rstrip("/").rpartition("/")[2] for line in _names(ftp, folder)]
    looked_at = ((name, _look(ftp, f"{folder.rstrip('/')}/{name}")) for name in names)
    return [(name, facts) for name, facts in looked_at if facts]


def _names(ftp: ftplib.FTP, folder: str) -> list[str]:
    try:
        return _lines(ftp, f"NLST {folder}")
    except ftplib.Error as refused:  # servers that answer so for an empty folder
        if "no files" not in str(refused).lower() or not _is_folder(ftp, folder):
            raise
        return []


def _look(ftp: ftplib.FTP, path: str) -> dict[str, str]:
    """Return the facts of one name; none where it has gone since it was listed."""
    if _is_folder(ftp, path):
        return {"type": "dir"}
    try:
        ftp.voidcmd("TYPE I")
        size = ftp.size(path)
    except ftplib.error_perm as refused:
        if str(refused).startswith(_UNKNOWN):
            return {"type": "file", "size": "0"}
        return {}
    facts = {"type": "file", "size": str(size or 0)}
    with suppress(ftplib.error_perm):  # not every server knows it
        facts["modify"] = ftp.voidcmd(f"MDTM {path}")[4:].strip()
    return facts


def _is_folder(ftp: ftplib.FTP, path: str) -> bool:
    try:
        ftp.cwd(path)
    except ftplib.error_perm:
        return False
    return True
