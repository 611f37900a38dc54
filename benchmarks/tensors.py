"""Ratios of the tensor stores against the safetensors library and LMDB, in one interleaved run.

Run it with ``python benchmarks/tensors.py``. Each row times two plain functions in turn, as all benchmarks do, and
reports the ratio of the fastest rounds; the rows in microseconds and bytes are no ratios and say so. The results are
written to benchmarks/tensors.json.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import lmdb
import numpy as np
import torch
from safetensors import safe_open
from safetensors.numpy import save_file
from timing import keep, ratio, results, show

from spoonbill.datastores import SafetensorsLmdbStore, SafetensorsStore

ROUNDS = 40
GB = 1 << 30


def file_rows(path: Path, side: int) -> dict[str, tuple[float, float]]:
    """Time a file of 1,000 square float32 tensors, against one held handle of the library."""
    file = path / f"{side}.safetensors"
    save_file({f"layer.{n:04d}.weight": np.full((side, side), n, "f4") for n in range(1000)}, file)
    names = [f"layer.{n:04d}.weight" for n in range(0, 1000, 5)]
    part = np.s_[side // 4 : side // 2]
    rows = {}
    for framework, copy in (("np", None), ("pt", None), ("pt", False)):
        held = safe_open(file, framework)
        store = SafetensorsStore.open(file, framework, copy=copy)
        label = f"{framework}, {side}x{side}{'' if copy is None else ', copy=False'}"
        pair = (lambda s=store: [s[n] for n in names], lambda h=held: [h.get_tensor(n) for n in names])
        rows[f"store[name], {label}"] = (ratio(*pair, ROUNDS), 1.3)
        if framework == "pt":  # what is returned is a lazy mapping: its reading is in the first use
            used = (lambda s=store: [s[n].sum() for n in names], lambda h=held: [h.get_tensor(n).sum() for n in names])
            rows[f"store[name] and a sum, {label}"] = (ratio(*used, ROUNDS), 1.3)
        sliced = (
            lambda s=store: [s.get_slice(n, part) for n in names],
            lambda h=held: [h.get_slice(n)[part] for n in names],
        )
        rows[f"get_slice, {label}"] = (ratio(*sliced, ROUNDS), 1.3)
    view = SafetensorsStore.open(file, "np", copy=False)
    held = safe_open(file, "np")
    if side == 256:
        pair = (lambda: [view[n] for n in names], lambda: [held.get_tensor(n) for n in names])
        rows["copy=False from the file, np, 256x256"] = (ratio(*pair, ROUNDS), 0.5)
    return rows


def fastest(work, times: int = 20_000) -> float:
    """Microseconds a call, of the fastest of 15 rounds."""
    best = float("inf")
    for _ in range(15):
        start = time.perf_counter()
        for _ in range(times):
            work()
        best = min(best, (time.perf_counter() - start) / times)
    return best * 1e6


def overhead_rows(path: Path) -> dict[str, tuple[float, float]]:
    """Measure what `in` and `len` cost more than on a dict of the same names, with 10 and with 1,000 tensors."""
    rows = {}
    for count in (10, 1000):
        file = path / f"count-{count}.safetensors"
        save_file({f"{n}": np.zeros(1, "f4") for n in range(count)}, file)
        store, names = SafetensorsStore.open(file), {f"{n}": 1 for n in range(count)}
        rows[f"in, {count} tensors, microseconds over a dict"] = (
            fastest(lambda s=store: "7" in s) - fastest(lambda d=names: "7" in d),
            1.0,
        )
        rows[f"len, {count} tensors, microseconds over a dict"] = (
            fastest(lambda s=store: len(s)) - fastest(lambda d=names: len(d)),
            1.0,
        )
    return rows


def lmdb_rows(path: Path) -> dict[str, tuple[float, float]]:
    """Time arrays of 1 MB through LMDB, against the bytes of the raw client."""
    names = [f"{n}" for n in range(20)]
    data = {name: np.random.default_rng(1).random(125_000) for name in names}
    store = SafetensorsLmdbStore(path / "ours", durability="process")
    store.update(data)
    env = lmdb.open(str(path / "raw"), map_size=1 << 30, sync=False)
    with env.begin(write=True) as txn:
        for name in names:
            txn.put(name.encode(), data[name].tobytes())

    def get(name):
        txn = env.begin()
        value = txn.get(name.encode())
        txn.abort()
        return value

    def raw():
        return [get(name) for name in names]

    rows = {"1 MB array get through LMDB": (ratio(lambda: [store[name] for name in names], raw, 60), 1.3)}
    store.close()
    view = SafetensorsLmdbStore(path / "ours", durability="process", copy=False)
    rows["1 MB array get through LMDB, copy=False"] = (ratio(lambda: [view[name] for name in names], raw, 60), 0.5)
    return rows


EXPORT = """
import resource, sys, threading, time
from spoonbill.datastores import SafetensorsLmdbStore

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()

store = SafetensorsLmdbStore(sys.argv[1], durability="process")
import numpy, safetensors, ctypes
warm = SafetensorsLmdbStore.from_dict({"a": numpy.zeros(9)}, sys.argv[1] + ".warm")
warm.export_safetensors(sys.argv[1] + ".warm.st")
before, peak, done = resident(), 0, threading.Event()

def watch():
    global peak
    while not done.is_set():
        peak = max(peak, resident())
        time.sleep(0.001)

thread = threading.Thread(target=watch)
thread.start()
store.export_safetensors(sys.argv[1] + ".st")
done.set()
thread.join()
print(peak - before)
"""


def export_row(path: Path) -> dict[str, tuple[float, float]]:
    """Measure the growth of the resident memory, mapped pages included, by an export of 1 GB in tensors of 64 MB."""
    store = SafetensorsLmdbStore(path / "big", durability="process")
    for number in range(16):
        store[f"{number}"] = np.full(GB // 16 // 4, number, "f4")
    store.close()
    command = [sys.executable, "-c", EXPORT, str(path / "big")]
    grown = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return {"export of 1 GB, growth of memory over the largest tensor": (grown / (GB // 16), 2.0)}


def main() -> int:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory)
        rows = file_rows(path, 8) | file_rows(path, 64) | file_rows(path, 256) | file_rows(path, 512)
        rows |= overhead_rows(path) | lmdb_rows(path) | export_row(path)
    show(rows)
    keep(Path(__file__).with_suffix(".json"), results(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
