"""Named stores: one recipe a file, imported when it is asked for."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spoonbill.datastores.filesystem_store import FilesystemStore as FilesystemStore
    from spoonbill.datastores.in_memory import InMemoryStore as InMemoryStore
    from spoonbill.datastores.lmdb_store import LmdbStore as LmdbStore
    from spoonbill.datastores.pysos_store import PysosStore as PysosStore
    from spoonbill.datastores.shelve_store import ShelveStore as ShelveStore

_HOMES = {
    "FilesystemStore": "filesystem_store",
    "InMemoryStore": "in_memory",
    "LmdbStore": "lmdb_store",
    "PysosStore": "pysos_store",
    "ShelveStore": "shelve_store",
}

__all__ = ["FilesystemStore", "InMemoryStore", "LmdbStore", "PysosStore", "ShelveStore"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
