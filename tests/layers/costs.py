"""What a verb of a layer costs above the inner store: Python frames of spoonbill's, and calls of the store below."""

import sys
from pathlib import Path

import spoonbill
from spoonbill.common.sentinels import MISSING, RAISE, absent
from spoonbill.store import Store
from tests.contract.orders import CODECS, SAMPLES, VALUES

HOME = str(Path(spoonbill.__file__).parent)
INLINED = frozenset({"<listcomp>", "<dictcomp>", "<setcomp>"})  # no frames of their own since Python 3.12
TEN = tuple(f"user:{number}" for number in range(10))
ON_BYTES = frozenset({"chunked", "compressed", "encrypted", "hashed_keys", "signed"})


class Plain(Store):
    """A dict with a form of its own of every verb that reaches an engine, one frame each."""

    reads_odd_keys = True

    def __init__(self):
        self.data = {}

    def get(self, key, default=None):
        return self.data.get(key, default)

    def set(self, key, value, *, ttl=None):
        self.data[key] = value

    def delete(self, key):
        return self.data.pop(key, MISSING) is not MISSING

    def iter(self):
        return iter(list(self.data))

    def has(self, key):
        return key in self.data

    def count(self):
        return len(self.data)

    def get_many(self, keys, default=None):
        get = self.data.get
        return [get(key, default) for key in keys]

    def set_many(self, pairs, *, ttl=None):
        self.data.update(pairs)

    def delete_many(self, keys):
        drop = self.data.pop
        return [drop(key, MISSING) is not MISSING for key in list(keys)].count(True)

    def entries(self):
        return iter(list(self.data.items()))

    def add(self, key, value, *, ttl=None):
        return self.data.setdefault(key, value) is value

    def replace(self, key, expected, value, *, ttl=None):
        if self.data.get(key, MISSING) != expected:
            return False
        self.data[key] = value
        return True

    def discard(self, key, expected):
        return self.data.get(key, MISSING) == expected and self.data.pop(key, MISSING) is not MISSING

    def pop(self, key, default=RAISE):
        return self.data.pop(key) if key in self.data else absent(key, default)

    def clear(self):
        self.data.clear()

    def select(self, query):
        return iter(list(self.data.items()))


CALLS = frozenset(
    function.__wrapped__.__code__ if hasattr(function, "__wrapped__") else function.__code__
    for name, function in vars(Plain).items()
    if callable(function) and not name.startswith("_")
)
VERBS = {
    "get": lambda store, value: store.get("user:1"),
    "has": lambda store, value: store.has("user:1"),
    "set": lambda store, value: store.set("user:1", value),
    "delete": lambda store, value: store.delete("user:1"),
    "add": lambda store, value: store.add("new", value),
    "replace": lambda store, value: store.replace("user:1", value, value),
    "pop": lambda store, value: store.pop("user:1"),
    "count": lambda store, value: store.count(),
    "get_many": lambda store, value: store.get_many(TEN),
    "set_many": lambda store, value: store.set_many([(key, value) for key in TEN]),
    "entries": lambda store, value: list(store.entries()),
}


def value_of(name):
    """Return a value that the stack with a layer holds."""
    kind = SAMPLES[name].values
    return VALUES["bytes"][1] if name in ON_BYTES or (kind == "objects" and name not in CODECS) else VALUES[kind][0]


def cost(name, verb):
    """Return how many frames and how many calls below a verb takes, on a layer with ten entries that were read."""
    store = SAMPLES[name].make(Plain(), Plain())
    value = value_of(name)
    writes = "frozen" != name
    if writes:
        store.set_many([(key, value) for key in TEN])
        if name == "write_once" and verb in {"set", "set_many"}:
            store = SAMPLES[name].make(Plain(), Plain())
    store.get("user:1")
    frames, calls = [0], [0]

    def note(frame, event, _):
        if event != "call" or frame.f_code.co_name in INLINED:
            return
        if frame.f_code in CALLS:
            calls[0] += 1
        elif frame.f_code.co_filename.startswith(HOME):
            frames[0] += 1

    call = VERBS[verb]
    sys.setprofile(note)
    try:
        call(store, value)
    except TypeError:  # a ReadOnlyError
        frames[0] = -1
    finally:
        sys.setprofile(None)
    return [frames[0], calls[0]] if frames[0] >= 0 else None
