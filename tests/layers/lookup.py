"""A backend that answers for a key and knows no listing."""

from spoonbill.common.sentinels import MISSING
from spoonbill.store import Store


class Lookup(Store):
    """A backend that cannot list its keys: three verbs, and the word for it."""

    lists_keys = False

    def __init__(self, data=None):
        self.data = {} if data is None else data

    def get(self, key, default=None):
        return self.data.get(key, default)

    def set(self, key, value):
        self.data[key] = value

    def delete(self, key):
        return self.data.pop(key, MISSING) is not MISSING
