"""Write docs/guarantees.md from what the stores say of themselves; with --check, only tell whether it is up to date."""

import sys
from pathlib import Path

from spoonbill import backends
from spoonbill.filesystems.azure import AzureFolder
from spoonbill.filesystems.concurrent import ConcurrentFolder
from spoonbill.filesystems.folder import Folder
from spoonbill.filesystems.ftp import FtpFolder
from spoonbill.filesystems.gcs import GcsFolder
from spoonbill.filesystems.http import HttpFolder
from spoonbill.filesystems.local import LocalFolder
from spoonbill.filesystems.s3 import S3Folder
from spoonbill.registry import ENGINES, homes
from spoonbill.store import VERBS, Store
from spoonbill.store.binding import Form

PAGE = Path(__file__).parents[1] / "docs" / "guarantees.md"
HEAD = """# What each store promises

This page is written from the stores' own `guarantees` and `limits`, which a program can ask for too. A verb is native
where the engine has a form of it; the others are derived from those, with the same result. In a stack,
`store.capabilities` tells which verbs are still native.
"""

NAMES = homes(backend for row in ENGINES for backend in row.backends)

PLACES: dict[str, type[Folder]] = {
    "a local directory": LocalFolder,
    "S3": S3Folder,
    "Google Cloud Storage": GcsFolder,
    "Azure Blob Storage": AzureFolder,
    "FTP": FtpFolder,
    "the web and archives": HttpFolder,
    "another asynchronous filesystem of fsspec": ConcurrentFolder,
    "another filesystem of fsspec": Folder,
}


def section(title: str, promises: type[Store] | type[Folder], native: set[str]) -> str:
    """Return the section of one engine, or of one place where its files can be."""
    lines = [f"## {title}", "", "| | |", "|---|---|"]
    lines += [f"| {name} | {sentence} |" for name, sentence in promises.guarantees.rows()]
    limits = {"longest key": promises.limits.key_bytes, "largest value": promises.limits.value_bytes}
    lines += [f"| {name} | {limit:,} bytes |" for name, limit in limits.items() if limit is not None]
    return "\n".join([*lines, f"| native verbs | {', '.join(f'`{verb}`' for verb in VERBS if verb in native)} |", ""])


def sections(name: str) -> list[str]:
    """Return the section of one backend, or of each place for the one that has several."""
    engine = getattr(backends, name)
    forms: dict[str, Form] = engine._forms  # noqa: SLF001 - a class, not a store
    native = {verb for verb, form in forms.items() if form is Form.DEFINED} - engine._composed  # noqa: SLF001
    if name != "Filesystem":
        return [section(name, engine, native)]
    return [
        section(f"Filesystem on {place}", folder, native - ({"add", "replace", "pop"} - folder.atomic))
        for place, folder in PLACES.items()
    ]


def page() -> str:
    """Return the whole page."""
    return "\n".join([HEAD, *(part for name in sorted(NAMES) for part in sections(name))])


if __name__ == "__main__":
    if "--check" in sys.argv:
        if PAGE.read_text() != page():
            sys.exit("docs/guarantees.md is out of date: run `python scripts/generate.py`")
    else:
        PAGE.write_text(page())
