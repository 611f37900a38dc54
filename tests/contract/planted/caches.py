"""Stores with a cache that one write leaves as it was."""

from spoonbill.common.sentinels import MISSING
from tests.contract.planted.base import Sound


class Caching(Sound):
    """Remembers what it read; its single writes keep the memory right, so that alone it has no bug."""

    def __init__(self):
        super().__init__()
        self.seen = {}

    def get(self, key, default=None):
        value = self.seen.get(key, MISSING)
        if value is MISSING:
            value = self.data.get(key, MISSING)
            if value is not MISSING:
                self.seen[key] = value
        return default if value is MISSING else value

    def set(self, key, value):
        self.seen.pop(key, None)
        self.data[key] = value

    def delete(self, key):
        self.seen.pop(key, None)
        return super().delete(key)


class StaleAfterUpdate(Caching):
    def set_many(self, pairs):
        self.data.update(pairs)


class StaleAfterPop(Caching):
    def pop(self, key, *default):
        with self._lock:
            return self.data.pop(key, *default)


class StaleAfterReplace(Caching):
    def replace(self, key, expected, value):
        with self._lock:
            if self.data.get(key, MISSING) != expected:
                return False
            self.data[key] = value
            return True


class StaleAfterClear(Caching):
    def clear(self):
        self.data.clear()


class StaleAfterDeleteMany(Caching):
    def delete_many(self, keys):
        return sum(self.data.pop(key, MISSING) is not MISSING for key in keys)


class StaleAfterReplaceAll(Caching):
    def replace_all(self, pairs):
        self.data = dict(pairs)


class StaleAbsence(Sound):
    """Remembers that a key was absent, also after `add` set it."""

    def __init__(self):
        super().__init__()
        self.missing = set()

    def get(self, key, default=None):
        if key in self.missing:
            return default
        value = self.data.get(key, MISSING)
        if value is MISSING:
            self.missing.add(key)
            return default
        return value

    def set(self, key, value):
        self.missing.discard(key)
        self.data[key] = value

    def set_many(self, pairs):
        self.data.update(pairs)


PLANTED = (
    StaleAfterUpdate,
    StaleAfterPop,
    StaleAfterReplace,
    StaleAfterClear,
    StaleAfterDeleteMany,
    StaleAfterReplaceAll,
    StaleAbsence,
)
