"""Ratios of the RocksDB backend against rocksdict with the same durability, in one interleaved run.

The results are written to benchmarks/rocksdb_store.json. Run it from the repository's root:
``python benchmarks/rocksdb_store.py``.
"""

import sys
import tempfile
from pathlib import Path

import rocksdict
import timing
from timing import Rows

sys.path.insert(0, str(Path(__file__).parents[1]))

from spoonbill.backends import RocksDB

KEYS = [f"key-{number}" for number in range(1000)]
PAIRS = {f"key-{number}": b"value %d" % number for number in range(10_000)}


def rows(folder: str) -> Rows:
    store = RocksDB(f"{folder}/ours", durability="process")
    raw = rocksdict.Rdict(f"{folder}/theirs", options=rocksdict.Options(raw_mode=True))
    store.update(PAIRS)

    def put_many() -> None:
        batch = rocksdict.WriteBatch(raw_mode=True)
        for key, value in PAIRS.items():
            batch.put(key.encode(), value)
        raw.write(batch)

    put_many()
    measured = {
        "get": (timing.ratio(lambda: [store[k] for k in KEYS], lambda: [raw[k.encode()] for k in KEYS]), 1.2),
        "set": (
            timing.ratio(lambda: [store.set(k, b"v") for k in KEYS], lambda: [raw.put(k.encode(), b"v") for k in KEYS]),
            1.2,
        ),
        "get_many of 1,000": (
            timing.ratio(lambda: store.get_many(KEYS), lambda: raw.get([k.encode() for k in KEYS])),
            1.2,
        ),
        "items of 10,000": (
            timing.ratio(
                lambda: list(iter(store.items())),  # of the view itself, list() would ask the length first
                lambda: [(k.decode(), v) for k, v in raw.items()],
            ),
            1.2,
        ),
        "update of 10,000": (timing.ratio(lambda: store.update(PAIRS), put_many), 1.2),
    }
    store.close()
    raw.close()
    return measured


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        measured = rows(folder)
    timing.show(measured)
    timing.keep(Path(__file__).with_suffix(".json"), timing.results(measured))
