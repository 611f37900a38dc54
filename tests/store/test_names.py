"""Errors name what the user made: the named store with its arguments, whichever store inside it raised them."""

import gc
import pickle
import traceback
import weakref

import pytest

from spoonbill import Cached, Codec, Compressed, Frozen, StrictString
from spoonbill.backends import Lmdb, Memory
from spoonbill.datastores import (
    FilesystemStore,
    InMemoryStore,
    LmdbStore,
    MongoDBStore,
    PysosStore,
    RedisStore,
    SafetensorsLmdbStore,
    ShelveStore,
)
from spoonbill.errors import CodecError, KeyTooLongError, ReadOnlyError, SpoonbillError, StoreError, UnsupportedError

STORES = {
    "lmdb": lambda path: LmdbStore(path / "x"),
    "lmdb, codec": lambda path: LmdbStore(path / "x", codec="json"),
    "files": lambda path: FilesystemStore(path / "x"),
    "files, cached": lambda path: FilesystemStore(path / "x", cache=100),
    "pysos": lambda path: PysosStore(path / "x"),
    "shelve": lambda path: ShelveStore(path / "x", strict=True),
    "tensors": lambda path: SafetensorsLmdbStore(path / "x"),
    "redis": lambda path: RedisStore("redis://127.0.0.1:9", retry_for=0),
    "redis, codec": lambda path: RedisStore("redis://127.0.0.1:9", retry_for=0, codec="json"),
    "mongodb": lambda path: MongoDBStore("mongodb://127.0.0.1:9", serverSelectionTimeoutMS=20),
}


def chain(store):
    """Yield a store and all that stands inside it."""
    while store is not None:
        yield store
        store = getattr(store, "inner", None)


@pytest.mark.parametrize("kind", list(STORES))
def test_each_store_inside_is_called_by_the_outermost_name(kind, tmp_path):
    """Every layer and the backend of a named store say its name and its arguments."""
    with STORES[kind](tmp_path) as store:
        assert {repr(one) for one in chain(store)} == {repr(store)}
        assert repr(store).startswith(type(store).__name__ + "(")
        assert repr(store.raw) == repr(store)


@pytest.mark.parametrize("kind", list(STORES))
def test_errors_name_the_named_store(kind, tmp_path):
    """A value that it cannot hold, and an engine that is away, are errors of the named store."""
    with STORES[kind](tmp_path) as store:
        with pytest.raises((SpoonbillError, StoreError)) as caught:
            store["key"] = object()
            store["key"]
        assert type(store).__name__ + "(" in str(caught.value)
        assert "Codec(" not in str(caught.value)


def test_hand_built_stacks_keep_their_own_names(tmp_path):
    """What the user put together is called as it was put together."""
    raw = Lmdb(tmp_path / "a")
    assert repr(Codec(raw, "json")) == f"Codec({raw!r}, 'json')"
    assert repr(raw) == f"Lmdb({str(tmp_path / 'a')!r})"
    store = LmdbStore(tmp_path / "b")
    assert repr(Cached(store)) == f"Cached({store!r})"
    assert repr(Codec(store).raw) == repr(store)
    assert repr(Frozen(InMemoryStore()).inner) == "InMemoryStore()"
    for stack in (StrictString(Memory({})), Codec(Memory({}))):
        assert {repr(one) for one in chain(stack)} == {repr(stack), repr(stack.raw)}
    compressed = Compressed(store)
    assert {repr(one) for one in chain(compressed)} == {repr(compressed), repr(store)}
    assert repr(pickle.loads(pickle.dumps(compressed))) == repr(compressed)


def test_an_error_at_opening_names_the_named_store():
    """A store that cannot be opened is named as it was called, before it is made."""
    with pytest.raises(UnsupportedError, match=r"FilesystemStore\('s3://bucket', synk=True\)"):
        FilesystemStore("s3://bucket", synk=True)


def test_a_name_keeps_nothing_alive(tmp_path):
    """The stores inside a named store know its name and not the store: there is no cycle."""
    store = LmdbStore(tmp_path / "a")
    gone = weakref.ref(store)
    gc.disable()
    try:
        del store
        assert gone() is None
    finally:
        gc.enable()


def test_one_traceback_and_not_two(tmp_path):
    """A value that cannot be held is told once."""
    store = LmdbStore(tmp_path / "a")
    for call in (lambda: store.set("a", object()), lambda: store.set("x" * 600, 1)):
        with pytest.raises((CodecError, KeyTooLongError)) as caught:
            call()
        text = "".join(traceback.format_exception(caught.value))
        assert text.count("Traceback (most recent call last)") == 1
    with pytest.raises(ReadOnlyError):
        Frozen(store)["a"] = 1


@pytest.mark.parametrize(
    ("opened", "named"),
    [
        (lambda path: LmdbStore(path, durabilty="process"), "durability"),
        (lambda path: LmdbStore(path, subdirr=True), "subdir"),
        (lambda path: FilesystemStore(path, synk=True), "sync"),
        (lambda path: FilesystemStore(path, manifst="x"), "manifest"),
        (lambda path: RedisStore("redis://h", prefx="x"), "prefix"),
        (lambda path: RedisStore("redis://h", socket_timout=1), "socket_timeout"),
        (lambda path: MongoDBStore(creat=False)["a"], "create"),
        (lambda path: FilesystemStore("s3://bucket", kye="x")["a"], "kye"),
    ],
)
def test_an_option_that_is_none_is_named(opened, named, tmp_path):
    """An unknown option is an error that names it, and the nearest one that there is."""
    with pytest.raises(UnsupportedError, match=rf"no option \w+=.*{named}|no option {named}="):
        opened(tmp_path / "x")
