"""Exceptions that arrive from outside at random moments, over every embedded store and codec.

``SPOONBILL_TORTURE`` says for how many seconds each of them is tried.
"""

import contextlib
import ctypes
import gc
import os
import random
import signal
import threading
import time

import numpy as np
import pytest

from spoonbill import Cached, Codec, Compressed, MetadataIndex
from spoonbill.backends import Lmdb
from spoonbill.datastores import (
    FilesystemStore,
    InMemoryStore,
    LmdbStore,
    PysosStore,
    SafetensorsInMemoryStore,
    SafetensorsLmdbStore,
    ShelveStore,
    SQLiteStore,
)

SECONDS = float(os.environ.get("SPOONBILL_TORTURE", "0.4"))
KEYS = [f"k{number}" for number in range(12)]


def lmdb(path, **options):
    return LmdbStore.open(path / "d", durability="process", **options)


MEMORY = {}
STORES = {
    "lmdb": lmdb,
    "lmdb-loose": lambda path: lmdb(path, strict=False),
    "lmdb-json": lambda path: lmdb(path, codec="json"),
    "lmdb-pickle": lambda path: lmdb(path, codec="pickle"),
    "lmdb-cloudpickle": lambda path: lmdb(path, codec="cloudpickle"),
    "lmdb-growing": lambda path: lmdb(path, map_size=1 << 16),
    "lmdb-compressed": lambda path: Compressed(lmdb(path)),
    "pysos": lambda path: PysosStore.open(path / "d"),
    "pysos-loose": lambda path: PysosStore.open(path / "d", strict=False),
    "shelve": lambda path: ShelveStore.open(path / "d"),
    "shelve-dumb": lambda path: ShelveStore.open(path / "d", dbm="dbm.dumb"),
    "shelve-strict": lambda path: ShelveStore.open(path / "d", strict=True),
    "files": lambda path: FilesystemStore.open(path / "d"),
    "files-sync": lambda path: FilesystemStore.open(path / "d", codec="json", sync=True),
    "tensors-lmdb": lambda path: SafetensorsLmdbStore.open(path / "d", durability="process"),
    "tensors-memory": lambda path: MEMORY.setdefault(path, SafetensorsInMemoryStore()),
    "memory": lambda path: InMemoryStore.open(MEMORY.setdefault(path, {})),
    "sqlite": lambda path: SQLiteStore(path / "d", durability="process"),
    "sqlite-loose": lambda path: SQLiteStore(path / "d", durability="process", strict=False),
    "sqlite-memory": lambda path: MEMORY.setdefault(path, SQLiteStore(":memory:")),
    "fsspec-memory": lambda path: FilesystemStore(f"memory:/{path}"),
    "cached": lambda path: Cached(lmdb(path), maxsize=6),
    "indexed": lambda path: MetadataIndex(
        Codec(Lmdb(path / "d", durability="process")), Codec(Lmdb(path / "i", durability="process"))
    ),
}


# What others swallow: dbm.dumb every OSError of its files, and the destructors of fsspec's files in memory everything.
THEIRS = {
    **dict.fromkeys(("shelve", "shelve-dumb", "shelve-strict"), TimeoutError),
    "fsspec-memory": BaseException,
}


class JobTimeout(Exception):
    """What a job runner raises at its time limit."""


def value_of(kind, number):
    if kind.startswith("tensors"):
        return np.full(number % 400 + 1, number)
    return {"n": number, "text": "\u00e9x" * (number * 37 % 700), "rows": [{"i": i} for i in range(number % 30)]}


def same(left, right):
    if left is None or right is None:
        return left is right
    return np.array_equal(left, right) if isinstance(left, np.ndarray) else left == right


class Model:
    """What may be in the store: for each key the values that it can have, more than one after an interrupted write."""

    def __init__(self):
        self.possible = {key: [None] for key in KEYS}
        self.pending = {}

    def begin(self, changes):
        self.pending = changes

    def done(self):
        for key, value in self.pending.items():
            self.possible[key] = [value]
        self.pending = {}

    def interrupted(self):
        for key, value in self.pending.items():
            self.possible[key] = [*self.possible[key], value]
        self.pending = {}

    def agree(self, key, found):
        assert any(same(found, one) for one in self.possible[key]), (key, found, self.possible[key])
        self.possible[key] = [found]


def change_something(kind, store, model, chance):
    key, number = chance.choice(KEYS), chance.randrange(10_000)
    what = chance.randrange(9)
    if what < 3:
        model.begin({key: value_of(kind, number)})
        store[key] = model.pending[key]
    elif what == 3:
        model.begin({key: None})
        store.pop(key, None)
    elif what == 4:
        model.begin({one: value_of(kind, number + place) for place, one in enumerate(chance.sample(KEYS, 4))})
        store.update(model.pending)
    elif what == 5:
        model.begin({})
        store.get(key)
    elif what == 6:
        model.begin({})
        list(store.items())
    elif what == 7:
        model.begin({key: None})
        store.delete(key)
    else:
        model.begin({key: value_of(kind, number)})
        if store.get(key) is not None or not store.add(key, model.pending[key]):
            model.begin({})
    model.done()


@contextlib.contextmanager
def arriving(error, seconds):
    """Raise `error` once, after some time, wherever the program is then; collections wait until it has arrived."""

    def arrive(*_):
        fired.append(True)
        raise error

    fired = []
    before = signal.signal(signal.SIGALRM, arrive)
    gc.disable()  # what arrives in the middle of a collection's callbacks, Python itself prints and drops
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield fired
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        gc.enable()
        signal.signal(signal.SIGALRM, before)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a file is closed by its last reference
@pytest.mark.parametrize("kind", sorted(STORES))
def test_what_arrives_at_any_moment_passes_and_breaks_nothing(kind, tmp_path):
    """It is what the caller sees, each finished write is there, and no entry is called damaged, now and reopened."""
    seed = random.randrange(10**9)
    print("seed", seed)
    chance = random.Random(seed)
    store, model = STORES[kind](tmp_path), Model()
    arrived, swallowed, end = 0, 0, time.monotonic() + SECONDS
    while time.monotonic() < end:
        error = chance.choice((JobTimeout(), TimeoutError(), KeyboardInterrupt()))
        try:
            with arriving(error, chance.uniform(0.0001, 0.006)) as fired:
                while not fired:
                    change_something(kind, store, model, chance)
            swallowed += not isinstance(error, THEIRS.get(kind, ()))
        except InterruptedError:  # ormsgpack may lose what arrived, which is then said
            model.interrupted()
            arrived += 1
        except (JobTimeout, TimeoutError, KeyboardInterrupt) as caught:
            model.interrupted()
            arrived += caught is error
        error.__traceback__ = error.__context__ = None  # or its frames keep iterators open, and LMDB from growing
        if chance.random() < 0.1 and kind != "sqlite-memory":
            store.close()
            store = STORES[kind](tmp_path)
        for key in KEYS:
            model.agree(key, store.get(key))
        there = {key for key in KEYS if store.get(key) is not None}
        assert {key for key, _ in store.items()} == there
        if kind != "indexed":  # whose index may name a key more, which it skips and repairs
            assert set(store) == there
            assert len(store) == len(there)
    store.close()
    print(kind, arrived, "arrived,", swallowed, "swallowed")
    assert arrived
    assert swallowed == 0


class Injected(JobTimeout):
    """What another thread raises in the one that works."""


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # as above
@pytest.mark.parametrize("kind", sorted(STORES.keys() - THEIRS.keys()))
def test_what_another_thread_raises_passes_and_breaks_nothing(kind, tmp_path):
    """A soft limit that a watching thread raises, as by ``PyThreadState_SetAsyncExc``: as with a signal."""
    chance = random.Random()
    store, model = STORES[kind](tmp_path), Model()
    worker, end, arrived = threading.get_ident(), time.monotonic() + SECONDS, 0

    def inject(seconds):
        time.sleep(seconds)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(worker), ctypes.py_object(Injected))

    while time.monotonic() < end:
        thread = threading.Thread(target=inject, args=(chance.uniform(0.0001, 0.006),))
        gc.disable()
        try:
            thread.start()
            while True:
                change_something(kind, store, model, chance)
        except (Injected, InterruptedError) as error:
            model.interrupted()
            error.__traceback__ = error.__context__ = None
            arrived += 1
        finally:
            gc.enable()
        thread.join()
        for key in KEYS:
            model.agree(key, store.get(key))
    assert arrived
