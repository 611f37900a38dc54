"""Ratios of spoonbill against the raw client, in one interleaved run. Run it with `make bench`.

Each row times two plain functions in turn, spoonbill's and the raw client's doing the same work at the same durability,
round after round, and reports the ratio of the fastest rounds. The results are written to benchmarks/results.json.
"""

import dbm.dumb
import os
import pickle
import random
import shelve
import sys
import tempfile
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import lmdb
import numpy as np
import pysos
from timing import keep, ratio, results, seconds, show

from spoonbill import Layer
from spoonbill.codecs import get_codec
from spoonbill.datastores import FilesystemStore, InMemoryStore, LmdbStore, PysosStore, ShelveStore

ROUNDS = 25


class Delegating(MutableMapping):
    """What a careful hand writes around a dict."""

    def __init__(self):
        self._data = {}

    def __getitem__(self, key):
        return self._data[key]

    def __setitem__(self, key, value):
        self._data[key] = value

    def __delitem__(self, key):
        del self._data[key]

    def __iter__(self):
        return iter(self._data)

    def __len__(self):
        return len(self._data)

    def __contains__(self, key):
        return key in self._data


def lmdb_rows(folder: Path) -> dict[str, tuple[float, float]]:
    keys = [f"key-{number:06d}" for number in range(2000)]
    pairs = dict.fromkeys(keys, b"v" * 100)
    store = LmdbStore(folder / "ours", codec="raw", durability="process")
    env = lmdb.open(str(folder / "raw"), map_size=1 << 40, sync=False)
    store.update(pairs)

    def put_all(items, env=env):
        with env.begin(write=True) as txn, txn.cursor() as cursor:
            cursor.putmulti([(key.encode(), value) for key, value in items.items()])

    put_all(pairs)

    def get(key):
        with env.begin() as txn:
            value = txn.get(key.encode())
        if value is None:
            raise KeyError(key)
        return value

    def has(key):
        with env.begin() as txn:
            return txn.get(key.encode()) is not None

    def put(key, value):
        with env.begin(write=True) as txn:
            txn.put(key.encode(), value)

    def delete(key):
        with env.begin(write=True) as txn:
            if not txn.delete(key.encode()):
                raise KeyError(key)

    def length():
        with env.begin() as txn:
            return txn.stat()["entries"]

    def batch():
        with env.begin() as txn:
            return [txn.get(key.encode()) for key in keys]

    def raw_keys():
        with env.begin() as txn:
            return [key.decode() for key in txn.cursor().iternext(values=False)]

    def raw_items():
        with env.begin() as txn:
            return [(key.decode(), value) for key, value in txn.cursor().iternext()]

    def each(work):
        return lambda: [work(key) for key in keys]

    def deletes(drop, fill):
        def work():
            fill(pairs)
            for key in keys[:500]:
                drop(key)

        return work

    rows = {
        "LmdbStore get": (ratio(each(store.__getitem__), each(get)), 1.15),
        "LmdbStore in": (ratio(each(store.__contains__), each(has)), 1.15),
        "LmdbStore set": (
            ratio(lambda: [store.__setitem__(k, b"w") for k in keys], lambda: [put(k, b"w") for k in keys], 9),
            1.15,
        ),
        "LmdbStore delete": (ratio(deletes(store.__delitem__, store.update), deletes(delete, put_all), 15), 1.15),
        "LmdbStore len": (ratio(lambda: [len(store) for _ in keys], lambda: [length() for _ in keys]), 1.35),
        "LmdbStore batch read": (ratio(lambda: list(store.values(keys=keys)), batch), 1.15),
        "LmdbStore keys": (ratio(lambda: list(store.keys()), raw_keys), 1.4),
        "LmdbStore items": (ratio(lambda: list(store.items()), raw_items), 1.4),
        "LmdbStore bulk ascending": (ratio(lambda: store.update(pairs), lambda: put_all(pairs)), 1.3),
    }
    shuffled = [f"{number:012d}" for number in range(200_000)]
    random.Random(1).shuffle(shuffled)
    many = dict.fromkeys(shuffled, b"v" * 20)

    def ours_fresh():
        fresh = LmdbStore(tempfile.mkdtemp(dir=folder), codec="raw", durability="process")
        fresh.update(many)
        fresh.close()

    def raw_fresh():
        fresh = lmdb.open(tempfile.mkdtemp(dir=folder), map_size=1 << 40, sync=False)
        put_all(many, fresh)
        fresh.close()

    rows["LmdbStore bulk, 200,000 random keys"] = (ratio(ours_fresh, raw_fresh, 3), 1.0)
    return rows


def memory_rows() -> dict[str, tuple[float, float]]:
    keys = [f"key-{number}" for number in range(5000)]
    store, raw = InMemoryStore(), Delegating()
    for mapping in (store, raw):
        for key in keys:
            mapping[key] = key

    def each(mapping, work):
        return lambda: [work(mapping, key) for key in keys]

    def assign(mapping, key):
        mapping[key] = 1

    def remove(mapping, key):
        mapping[key] = 1
        del mapping[key]

    def row(work):
        return ratio(each(store, work), each(raw, work), 60)

    return {
        "InMemoryStore get": (row(lambda m, k: m[k]), 1.3),
        "InMemoryStore in": (row(lambda m, k: k in m), 1.3),
        "InMemoryStore set": (row(assign), 1.3),
        "InMemoryStore len": (row(lambda m, _: len(m)), 1.7),
        "InMemoryStore set and del": (row(remove), 1.7),
    }


def file_rows(folder: Path) -> dict[str, tuple[float, float]]:
    keys = [f"key-{number}" for number in range(300)]
    value = {"a": 1, "b": [1, 2, 3], "c": "text"}
    rows = {}
    with (
        ShelveStore(folder / "ours.shelf", dbm="dbm.dumb") as store,
        shelve.Shelf(dbm.dumb.open(str(folder / "raw.shelf"), "c")) as shelf,
    ):
        rows["ShelveStore set"] = (
            ratio(*(lambda m=m: [m.__setitem__(k, value) for k in keys] for m in (store, shelf))),
            1.1,
        )
        rows["ShelveStore get"] = (ratio(*(lambda m=m: [m[k] for k in keys] for m in (store, shelf))), 1.1)
    raw = pysos.Dict(str(folder / "raw.pysos"))
    with PysosStore(folder / "ours.pysos") as store:
        rows["PysosStore set"] = (
            ratio(*(lambda m=m: [m.__setitem__(k, value) for k in keys] for m in (store, raw))),
            1.15,
        )
        rows["PysosStore get"] = (ratio(*(lambda m=m: [m[k] for k in keys] for m in (store, raw))), 1.35)
    raw.close()
    data = b"v" * 1000

    def plain_file(path):
        with open(path, "wb") as file:
            file.write(data)

    def read(path):
        with open(path, "rb") as file:
            return file.read()

    def folders():
        ours, plain = Path(tempfile.mkdtemp(dir=folder)), tempfile.mkdtemp(dir=folder)
        store = FilesystemStore(ours, codec="raw")
        return lambda: [store.set(k, data) for k in keys], lambda: [plain_file(os.path.join(plain, k)) for k in keys]

    new, again, both = [], [], []
    for number in range(ROUNDS):
        both = list(folders())
        for times in (new, again):
            pair = [seconds(work) for work in (reversed(both) if number % 2 else both)]
            times.append(tuple(reversed(pair)) if number % 2 else tuple(pair))
    for name, times in (("FilesystemStore set, new files", new), ("FilesystemStore set, overwritten", again)):
        rows[name] = (min(ours for ours, _ in times) / min(plain for _, plain in times), 1.5)
    store = FilesystemStore(folder / "files", codec="raw")
    store.update(dict.fromkeys(keys, data))
    rows["FilesystemStore get"] = (
        ratio(lambda: [store[k] for k in keys], lambda: [read(os.path.join(folder, "files", k)) for k in keys]),
        1.0,
    )
    return rows


def codec_rows() -> dict[str, tuple[float, float]]:
    codec = get_codec("msgpack")
    samples = {
        "str": "a string of some words",
        "int": 123456,
        "dict": {"name": "Frankfurt", "elevation": 364, "tags": ["a", "b"], "open": True},
        "list": list(range(50)),
        "1 MB bytes": bytes(1_000_000),
        "1 MB array": np.arange(125_000, dtype="f8"),
    }
    rows = {}
    for name, sample in samples.items():
        times = 20 if name.startswith("1 MB") else 2000

        def ours(sample=sample, times=times):
            for _ in range(times):
                codec.loads(codec.dumps(sample))

        def dumps(value):
            return pickle.dumps(value, 5)

        def loads(data):
            return pickle.loads(data)

        def raw(sample=sample, times=times, dumps=dumps, loads=loads):
            for _ in range(times):
                loads(dumps(sample))

        rows[f"default codec, {name}"] = (ratio(ours, raw, 40), 1.0)
    return rows


def layer_rows() -> dict[str, tuple[float, float]]:
    one: Any = Layer(InMemoryStore({"a": 1}))
    four: Any = Layer(Layer(Layer(one)))

    def reads(store):
        return lambda: [store.get("a") for _ in range(5000)]

    return {"get: four pass-through layers against one": (ratio(reads(four), reads(one), 60), 1.05)}


def main() -> int:
    bytes(1 << 26)  # grown once, so that no row pays for the heap of another
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        rows = lmdb_rows(folder) | memory_rows() | file_rows(folder) | codec_rows() | layer_rows()
    show(rows)
    keep(Path(__file__).with_name("results.json"), results(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
