"""What a signal raises in the middle of a filesystem's call passes as it is; the call's own failure is a StoreError."""

import signal

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from spoonbill.datastores import FilesystemStore, InMemoryStore
from spoonbill.errors import StoreError

CALLS = ("cat_file", "pipe_file", "rm_file", "info", "ls", "makedirs", "cp_file", "_open")


class JobTimeout(Exception):
    """What a job runner raises at its time limit."""


class ServiceError(Exception):
    """What this filesystem fails with, a class of its own."""


class SoftLimit(Exception):
    """What another thread raises in this one: of a package none of whose code runs."""


SoftLimit.__module__ = "jobrunner.limits"


class SignallingFileSystem(MemoryFileSystem):
    """A filesystem in whose calls a signal arrives: in the `after`-th of those that are watched."""

    protocol = "signalling"
    store: dict = {}
    pseudo_dirs = [""]
    after = None
    fails = None
    made = 0

    @classmethod
    def tick(cls):
        cls.made += 1
        if cls.made == cls.after:
            if cls.fails:
                raise cls.fails
            signal.raise_signal(signal.SIGUSR1)


def watched(name):
    def call(self, *arguments, **options):
        self.tick()
        return getattr(MemoryFileSystem, name)(self, *arguments, **options)

    return call


for _name in CALLS:
    setattr(SignallingFileSystem, _name, watched(_name))
fsspec.register_implementation("signalling", SignallingFileSystem, clobber=True)


@pytest.fixture
def signalled(request):
    """Raise an error by a signal in the nth call of the filesystem."""

    def arrive(*_):
        raise arriving[0]

    arriving = [None]
    before = signal.signal(signal.SIGUSR1, arrive)

    def at(count, error, *, fails=None):
        SignallingFileSystem.made, SignallingFileSystem.after, SignallingFileSystem.fails = 0, count, fails
        arriving[0] = error

    yield at
    at(None, None)
    signal.signal(signal.SIGUSR1, before)
    SignallingFileSystem.store.clear()


OPERATIONS = {
    "get": lambda store: store.get("a"),
    "has": lambda store: "a" in store,
    "set": lambda store: store.set("a", 2),
    "add": lambda store: store.add("new", 2),
    "replace": lambda store: store.replace("a", 1, 2),
    "delete": lambda store: store.delete("a"),
    "pop": lambda store: store.pop("a"),
    "get_many": lambda store: store.get_many(["a", "b", "c"]),
    "set_many": lambda store: store.set_many([("a", 3), ("b", 4), ("x", 5)]),
    "delete_many": lambda store: store.delete_many(["a", "b"]),
    "clear": lambda store: store.clear(),
    "replace_all": lambda store: store.replace_all([("a", 5), ("y", 6)]),
    "iter": lambda store: list(store),
    "entries": lambda store: list(store.items()),
    "select": lambda store: list(store.keys("a.*")),
    "read_range": lambda store: store.raw.read_range("a", 0, 1),
    "flush": lambda store: store.flush(),
    "save": lambda store: InMemoryStore({"k": 1}).save("signalling://there/one.snapshot"),
    "load": lambda store: InMemoryStore().load("signalling://there/two.snapshot"),
    "save of files": lambda store: store.save("signalling://there/folder"),
    "open": lambda store: FilesystemStore("signalling://root").get("a"),
}


def prepared():
    SignallingFileSystem.store.clear()
    InMemoryStore({"k": 1}).save("signalling://there/two.snapshot")
    store = FilesystemStore("signalling://root")
    store.update(a=1, b=2, c=3)
    return store


@pytest.mark.parametrize("kind", [JobTimeout, TimeoutError])
@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_it_passes_at_whichever_call_it_arrives(operation, kind, signalled):
    """The caller sees the very error, of its own class or a built-in one, also in calls that tidy up."""
    count, seen = 0, 0
    while True:
        count += 1
        signalled(None, None)
        store = prepared()
        error = kind("the job took too long")
        signalled(count, error)
        try:
            OPERATIONS[operation](store)
        except kind as raised:
            seen += raised is error
        if SignallingFileSystem.made < count:
            break
    assert seen == count - 1
    assert seen > 0 or operation == "flush"


@pytest.mark.parametrize("operation", sorted(OPERATIONS.keys() - {"flush", "get_many", "save"}))
def test_what_the_filesystem_fails_with_is_a_store_error(operation, signalled):
    """A class that only this filesystem knows; get_many and save try once more, or need not make the folder."""
    store = prepared()
    signalled(1, None, fails=ServiceError("the service is tired"))
    with pytest.raises(StoreError, match="the service is tired"):
        OPERATIONS[operation](store)


@pytest.mark.parametrize("operation", sorted(OPERATIONS.keys() - {"flush"}))
def test_what_another_thread_raises_passes(operation, signalled):
    """A class that nothing in the call knows is no failure of the filesystem."""
    store = prepared()
    error = SoftLimit("the job took too long")
    signalled(1, None, fails=error)
    with pytest.raises(SoftLimit) as raised:
        OPERATIONS[operation](store)
    assert raised.value is error
