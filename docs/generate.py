"""Write docs/guarantees.md from what the stores say of themselves; with --check, only tell whether it is up to date."""

import sys
from pathlib import Path

from spoonbill import backends
from spoonbill.backends.filesystem_async import AsyncMedium
from spoonbill.backends.filesystem_azure import AzureMedium
from spoonbill.backends.filesystem_ftp import FtpMedium
from spoonbill.backends.filesystem_gcs import GcsMedium
from spoonbill.backends.filesystem_http import HttpMedium
from spoonbill.backends.filesystem_local import LocalMedium
from spoonbill.backends.filesystem_medium import Medium
from spoonbill.backends.filesystem_s3 import S3Medium
from spoonbill.store import VERBS, Store
from spoonbill.store.binding import Form

PAGE = Path(__file__).with_name("guarantees.md")
HEAD = """# What each store promises

This page is written from the stores' own `guarantees` and `limits`, which a program can ask for too. A verb is native
where the engine has a form of it; the others are derived from those, with the same result. In a stack,
`store.capabilities` tells which verbs are still native.
"""


PLACES: dict[str, type[Medium]] = {
    "a local directory": LocalMedium,
    "S3": S3Medium,
    "Google Cloud Storage": GcsMedium,
    "Azure Blob Storage": AzureMedium,
    "FTP": FtpMedium,
    "the web and archives": HttpMedium,
    "another asynchronous filesystem of fsspec": AsyncMedium,
    "another filesystem of fsspec": Medium,
}


def section(title: str, promises: type[Store] | type[Medium], native: set[str]) -> str:
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
        section(f"Filesystem on {place}", medium, native - ({"add", "replace", "pop"} - medium.atomic))
        for place, medium in PLACES.items()
    ]


def page() -> str:
    """Return the whole page."""
    return "\n".join([HEAD, *(part for name in sorted(backends.__all__) for part in sections(name))])


if __name__ == "__main__":
    if "--check" in sys.argv:
        if PAGE.read_text() != page():
            sys.exit("docs/guarantees.md is out of date: run `python docs/generate.py`")
    else:
        PAGE.write_text(page())
