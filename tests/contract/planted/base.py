"""The store without a bug, from which each planted one differs in one method."""

from spoonbill import Store
from spoonbill.common.sentinels import MISSING
from spoonbill.testing import BackendContract


class Sound(Store):
    """Four verbs over a dict: nothing is wrong with it."""

    def __init__(self):
        self.data = {}

    def get(self, key, default=None):
        return self.data.get(key, default)

    def set(self, key, value):
        self.data[key] = value

    def delete(self, key):
        return self.data.pop(key, MISSING) is not MISSING

    def iter(self):
        return iter(list(self.data))


class Kit(BackendContract):
    """The kit as a stranger runs it on a backend in memory."""

    test_pickles = None  # its data is in memory

    def __init__(self, kind):
        self.kind = kind

    def make(self, path):
        return self.kind()

    def peek(self, store, key):
        return store.data.get(key, MISSING)

    def poke(self, store, key, value):
        store.data[key] = value


class BlindKit(Kit):
    """The kit with the bare minimum: `make` alone, so that only the store itself can be asked."""

    def peek(self, store, key):
        return store.get(key, MISSING)

    def poke(self, store, key, value):
        store.set(key, value)


class TupleKit(Kit):
    """The kit with values of which one is a tuple and one holds a tuple."""

    values = ((1, "one"), {"a": (1, None)}, "text", b"bytes", ["list"])
