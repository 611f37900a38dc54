"""A store that is dropped is gone at once, with its descriptors: nothing of it waits for the collector."""

import contextlib
import gc
import os
import weakref

import numpy as np
import pytest

from spoonbill import Cached, Compressed, Expiring, Logged, Metered, Prefixed, Retrying, Search, WriteOnce
from spoonbill.datastores import (
    FilesystemStore,
    LmdbStore,
    PysosStore,
    SafetensorsInMemoryStore,
    SafetensorsLmdbStore,
    SafetensorsStore,
    ShelveStore,
    SQLiteStore,
)
from spoonbill.errors import SpoonbillError

MADE = {
    "lmdb": LmdbStore,
    "pysos": PysosStore,
    "shelve": ShelveStore,
    "dumb": lambda path: ShelveStore(path, dbm="dbm.dumb"),
    "files": FilesystemStore,
    "sqlite": SQLiteStore,
    "sqlite-loose": lambda path: SQLiteStore(path, strict=False),
    "files-cached": lambda path: FilesystemStore(path, cache=path.parent / "cache"),
    "fsspec": lambda path: FilesystemStore(f"memory:/{path}"),
    "loose": lambda path: LmdbStore(path, strict=False),
    "raw": lambda path: LmdbStore(path, codec="raw"),
    "tensors": SafetensorsLmdbStore,
    **{
        f"lmdb below {layer.__name__}": lambda path, layer=layer, options=options: layer(LmdbStore(path), **options)
        for layer, options in (
            (Cached, {}),
            (Retrying, {}),
            (Metered, {}),
            (Logged, {}),
            (Prefixed, {"prefix": "p:"}),
            (Expiring, {"ttl": 9.0}),
            (Compressed, {}),
            (WriteOnce, {}),
            (Search, {}),
        )
    },
    "tensors-memory": lambda _: SafetensorsInMemoryStore(),
}


@pytest.mark.parametrize("kind", sorted(MADE))
def test_a_dropped_store_is_gone_at_once(kind, tmp_path):
    """No cycle of references keeps the engine, and its descriptors, until some later collection."""
    gc.collect()
    gc.disable()
    try:
        store = MADE[kind](tmp_path / "db")
        store["a"] = np.ones(2) if kind.startswith("tensors") else b"1" if kind == "raw" else 1
        assert [*store.items()]
        with contextlib.suppress(SpoonbillError):
            store.update(store.copy())
        with contextlib.suppress(SpoonbillError):
            store.replace("a", 5, 6)
        repr(store)
        with pytest.raises(KeyError):
            store["absent"]
        engine = weakref.ref(store.raw)
        del store
        assert engine() is None
        assert open_in(tmp_path) == []
    finally:
        gc.enable()


def test_a_dropped_model_file_is_closed_at_once(tmp_path):
    """A SafetensorsStore that was read keeps no descriptor either."""
    gc.disable()
    try:
        SafetensorsStore.export_safetensors({"w": np.ones(2)}, tmp_path / "m")
        store = SafetensorsStore(tmp_path / "m")
        assert dict(store).keys() == {"w"}
        del store
        assert open_in(tmp_path) == []
    finally:
        gc.enable()


def open_in(folder):
    """Return the files below a folder of which this process has a descriptor."""
    if not os.path.isdir("/proc/self/fd"):
        return []
    links = []
    for descriptor in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            links.append(os.readlink(f"/proc/self/fd/{descriptor}"))
    return [link for link in links if link.startswith(str(folder))]
