"""Write the pages of promises, of speed and of reference; with --check, only tell what is out of date."""

import sys
from pathlib import Path

import layer_pages
from performance_page import performance

from spoonbill import backends
from spoonbill.filesystems.concurrent import ConcurrentFolder
from spoonbill.filesystems.folder import Folder
from spoonbill.filesystems.local import LocalFolder
from spoonbill.filesystems.objects.azure import AzureFolder
from spoonbill.filesystems.objects.gcs import GcsFolder
from spoonbill.filesystems.objects.s3 import S3Folder
from spoonbill.filesystems.web.ftp import FtpFolder
from spoonbill.filesystems.web.http import HttpFolder
from spoonbill.registry import ENGINES, LAYERS, homes
from spoonbill.store import VERBS, Store
from spoonbill.store.binding import Form

DOCS = Path(__file__).parents[1] / "docs"
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


def guarantees() -> str:
    """Return the page of what each store promises."""
    return "\n".join([HEAD, *(part for name in sorted(NAMES) for part in sections(name))])


CONTRACT = (
    "spoonbill.store.mapping.Store",
    "spoonbill.store.base.Verbs",
    "spoonbill.store.layering.layer.Layer",
    "spoonbill.store.layering.value_layer.ValueLayer",
    "spoonbill.store.layering.key_layer.KeyLayer",
    "spoonbill.store.layering.bytes_layer.BytesLayer",
    "spoonbill.common.traits",
)
REST = {
    "The asynchronous face": (
        "spoonbill.aio.store.AsyncStore",
        "spoonbill.aio.results.AsyncResults",
        "spoonbill.aio.opening.aopen",
        "spoonbill.adapters.key_value.KeyValueAdapter",
    ),
    "Addresses, copies, tools": (
        "spoonbill.urls.opening.open_store",
        "spoonbill.urls.building.build",
        "spoonbill.transfer.copying.copy",
        "spoonbill.transfer.comparing",
        "spoonbill.tools.memoizing.memoize",
        "spoonbill.tools.locking.lock",
    ),
    "Keys, values, queries": ("spoonbill.keys", "spoonbill.query.patterns", "spoonbill.query.conditions"),
    "Errors": ("spoonbill.errors",),
    "The conformance kit": (
        "spoonbill.testing.contract.StoreContract",
        "spoonbill.testing.backend_contract.BackendContract",
        "spoonbill.testing.layer_contract.LayerContract",
        "spoonbill.testing.async_contract.AsyncContract",
        "spoonbill.testing.awaited.Awaited",
        "spoonbill.testing.spy_store.SpyStore",
        "spoonbill.testing.machine.machine_for",
    ),
    "Tools for tests": (
        "spoonbill.testing.faulty.Faulty",
        "spoonbill.testing.slow.Slow",
        "spoonbill.testing.counting.Counting",
        "spoonbill.testing.kills.killed",
        "spoonbill.testing.recorder.Recorder",
        "spoonbill.testing.history.check_history",
        "spoonbill.testing.call.Call",
        "spoonbill.testing.faulty_proxy",
    ),
}


def reference() -> str:
    """Return the page of reference: the contract, every named store and every layer."""
    chapters = {
        "The contract": CONTRACT,
        "Named stores": tuple(store.replace(":", ".") for row in ENGINES for store in row.stores),
        "Layers": tuple(row.layer.replace(":", ".") for row in LAYERS),
        **REST,
    }
    parts = ["# Reference"]
    for title, names in chapters.items():
        parts += [f"## {title}", *(f"::: {name}" for name in names)]
    return "\n\n".join(parts) + "\n"


PAGES = {"guarantees.md": guarantees, "performance.md": performance, "reference.md": reference}


def main() -> int:
    """Write the pages, or tell which of them are out of date; return the exit code."""
    made = {name: page() for name, page in PAGES.items()} | layer_pages.pages()
    old = [name for name, page in made.items() if not (DOCS / name).exists() or (DOCS / name).read_text() != page]
    if "--check" in sys.argv:
        for name in old:
            print(f"docs/{name} is out of date: run `python scripts/generate.py`")
        return 1 if old else 0
    for name in old:
        (DOCS / name).write_text(made[name])
    return 0


if __name__ == "__main__":
    sys.exit(main())
