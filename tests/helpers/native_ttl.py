"""An engine that ends entries itself, as Redis does."""

import time

from spoonbill.store import Store


class NativeTtl(Store):
    """Keeps objects in a dict, each with its end, and counts its reads.

    Parameters
    ----------
    clock : callable, optional
        Returns seconds.
    """

    features = frozenset({"ttl"})

    def __init__(self, clock=time.monotonic):
        self.data = {}
        self.reads = 0
        self.clock = clock

    def _alive(self, key):
        return key in self.data and (self.data[key][1] is None or self.data[key][1] > self.clock())

    def get(self, key, default=None):
        self.reads += 1
        return self.data[key][0] if self._alive(key) else default

    def set(self, key, value, *, ttl=None):
        self.data[key] = value, None if ttl is None else self.clock() + ttl

    def delete(self, key):
        there = self._alive(key)
        self.data.pop(key, None)
        return there

    def iter(self):
        return (key for key in list(self.data) if self._alive(key))

    def ttl(self, key):
        if not self._alive(key):
            raise KeyError(key)
        end = self.data[key][1]
        return None if end is None else end - self.clock()
