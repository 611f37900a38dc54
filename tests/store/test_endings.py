"""Every call ends: on a store that forgets, and where the producer of a batch uses the store itself."""

import queue
import threading

import pytest

from spoonbill import Cached, Codec, Expiring, Layer
from spoonbill.backends import Lmdb, Memory
from spoonbill.common.sentinels import MISSING
from spoonbill.datastores import FilesystemStore, InMemoryStore, LmdbStore, PysosStore, ShelveStore
from spoonbill.errors import ConflictError
from spoonbill.store import attempts


class Forgetful(Layer):
    """Takes every write, and gives nothing back."""

    def get(self, key, default=None):
        return default

    def add(self, key, value, **_):
        return self.takes

    def replace(self, key, expected, value, **_):
        return False

    takes = True


class Contrary(Forgetful):
    """Says that a key is there, and gives nothing back."""

    takes = False


class Stubborn(Layer):
    """Gives back what is there, and never lets it be replaced."""

    def get(self, key, default=None):
        return 1

    def replace(self, key, expected, value, **_):
        return False

    def discard(self, key, expected):
        return False


class StubbornBytes(Stubborn):
    """The same, of bytes."""

    def get(self, key, default=None):
        return b"1"

    def replace(self, key, expected, value, **_):
        return False

    def discard(self, key, expected):
        return False


def test_setdefault_of_what_cannot_be_read_back():
    """A value that was set and is gone again is the default; a key that is there and not there is a conflict."""
    assert Forgetful(InMemoryStore()).setdefault("a", 5) == 5
    with pytest.raises(ConflictError, match="setdefault of key 'a'"):
        Contrary(InMemoryStore()).setdefault("a", 5)


def test_changes_of_what_cannot_be_changed_end():
    """increment, modify, and a layer's replace and discard give up with an error that says why."""
    with pytest.raises(ConflictError, match="increment of key 'a'"):
        Stubborn(InMemoryStore()).increment("a")
    with pytest.raises(ConflictError, match="modify of key 'a'"):
        Stubborn(InMemoryStore()).modify("a", lambda value: value + 1)
    for call in (lambda store: store.replace("a", 1, 2), lambda store: store.discard("a", 1)):
        with pytest.raises(ConflictError):
            call(Codec(StubbornBytes(Memory({})), "json"))


def test_an_entry_that_expires_at_once_is_the_default():
    """Setdefault with a time to live that is over before the value is read ends, with the default."""
    clock = iter(range(10**9))
    store = Expiring(InMemoryStore(), ttl=0.5, clock=lambda: float(next(clock)))
    assert store.setdefault("a", 5) == 5


KINDS = {
    "memory": lambda path: InMemoryStore(),
    "cached": lambda path: Cached(InMemoryStore()),
    "lmdb": lambda path: LmdbStore(path / "db", durability="process"),
    "files": lambda path: FilesystemStore(path / "files"),
    "pysos": lambda path: PysosStore(path / "pysos"),
    "shelve": lambda path: ShelveStore(path / "shelve"),
}


@pytest.mark.parametrize("kind", list(KINDS))
def test_update_from_a_producer_that_writes_the_same_store(kind, tmp_path):
    """A generator may be fed by a thread that writes to the same store, however many pairs come."""
    store = KINDS[kind](tmp_path)
    rows = queue.Queue(maxsize=100)
    most = 30_000 if kind in {"memory", "cached", "lmdb"} else 3_000

    def produce():
        for number in range(most):
            if number % 1000 == 0:
                store["progress"] = number
            rows.put((f"k{number}", number))
        rows.put(None)

    threading.Thread(target=produce, daemon=True).start()
    done = threading.Thread(target=lambda: store.update(iter(rows.get, None)), daemon=True)
    done.start()
    done.join(60)
    assert not done.is_alive()
    assert len(store) == most + 1
    assert store[f"k{most - 1}"] == most - 1
    store.close()


def test_a_large_stream_is_one_transaction(tmp_path, monkeypatch):
    """Pairs that do not fit in memory wait in a file beside the database, and nothing is written where one fails."""
    from spoonbill.backends.lmdb import spool

    monkeypatch.setattr(spool, "_IN_MEMORY", 1000)
    store = Lmdb(tmp_path / "db", durability="process")

    def pairs(last):
        for number in range(60_000):
            yield f"k{number:06}", b"%d" % number
        yield last

    for bad in (("x" * 600, b"1"), ("x", object())):
        with pytest.raises((ValueError, TypeError)):
            store.set_many(pairs(bad))
        assert len(store) == 0
    store.set_many(pairs(("z", b"last")))
    assert len(store) == 60_001
    assert store["k059999"] == b"59999"
    assert store["z"] == b"last"


@pytest.mark.parametrize("kind", list(KINDS))
def test_popitem_of_a_large_store(kind, tmp_path):
    """Two thousand pairs are taken one by one, each once, also by several threads."""
    store = KINDS[kind](tmp_path)
    pairs = {f"k{number}": number for number in range(2000)}
    store.update(pairs)
    taken = []

    def take():
        while True:
            try:
                taken.append(store.popitem())
            except KeyError:
                return

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(taken) == sorted(pairs.items())
    assert store.get("k1", MISSING) is MISSING
    store.close()


def test_attempts_are_bounded():
    """The number of attempts is finite."""
    with pytest.raises(ConflictError):
        list(attempts.attempts(InMemoryStore(), "set", "a"))
