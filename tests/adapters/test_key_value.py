"""Stores through py-key-value's protocol, with that library itself."""

import asyncio
import sys

import pytest
from key_value.aio.errors import InvalidTTLError, SerializationError
from key_value.aio.protocols.key_value import AsyncKeyValue
from key_value.aio.wrappers.prefix_collections import PrefixCollectionsWrapper

import spoonbill.adapters
from spoonbill import Expiring
from spoonbill.adapters import KeyValueAdapter
from spoonbill.datastores import FilesystemStore, InMemoryStore, LmdbStore, SQLiteStore
from spoonbill.errors import MissingExtraError
from spoonbill.testing import Counting

KINDS = {
    "memory": lambda path: InMemoryStore(),
    "lmdb": lambda path: LmdbStore(path / "data"),
    "sqlite": lambda path: SQLiteStore(path / "data.db"),
    "files": lambda path: FilesystemStore(path / "files"),
    "expiring": lambda path: Expiring(LmdbStore(path / "data")),
}


@pytest.fixture(params=KINDS)
def store(request, tmp_path):
    with KINDS[request.param](tmp_path) as store:
        yield store


def test_the_verbs_of_the_protocol(store):
    """Every verb of the protocol does what it says, on stores of several kinds."""

    async def main():
        adapter = KeyValueAdapter(store)
        assert isinstance(adapter, AsyncKeyValue)
        assert await adapter.get("ada") is None
        await adapter.put("ada", {"age": 36, "names": ["Ada"]})
        assert await adapter.get("ada") == {"age": 36, "names": ["Ada"]}
        assert await adapter.ttl("ada") == ({"age": 36, "names": ["Ada"]}, None)
        await adapter.put_many(["a", "b"], [{"n": 1}, {"n": 2}], collection="many", ttl=100)
        assert await adapter.get_many(["b", "none", "a"], collection="many") == [{"n": 2}, None, {"n": 1}]
        ((value, ttl), nothing) = await adapter.ttl_many(["a", "none"], collection="many")
        assert (value, nothing) == ({"n": 1}, (None, None))
        assert 90 < ttl <= 100
        assert sorted(await adapter.keys("many")) == ["a", "b"]
        assert await adapter.delete_many(["a", "none"], collection="many") == 1
        assert await adapter.delete("ada") is True
        assert await adapter.delete("ada") is False
        async with adapter:
            pass
        assert await adapter.get("b", collection="many") == {"n": 2}  # it was handed in, so it is open

    asyncio.run(main())


def test_collections_are_apart():
    """Names that would be one when joined are different entries, and a listing has those of its collection alone."""

    async def main():
        adapter = KeyValueAdapter(InMemoryStore())
        pairs = [("a", "b:c"), ("a:b", "c"), ("a%3Ab", "c"), ("a", ""), ("", "a")]
        for number, (collection, key) in enumerate(pairs):
            await adapter.put(key, {"n": number}, collection=collection)
        for number, (collection, key) in enumerate(pairs):
            assert await adapter.get(key, collection=collection) == {"n": number}
        assert sorted(await adapter.keys("a")) == ["", "b:c"]
        assert len(await adapter.keys("a", limit=1)) == 1
        wrapped = PrefixCollectionsWrapper(adapter, prefix="app")
        await wrapped.put("x", {"n": 5}, collection="a")
        assert await wrapped.get("x", collection="a") == {"n": 5}
        assert await adapter.get("x", collection="a") is None

    asyncio.run(main())


def test_an_expired_entry_is_absent(store):
    """An entry whose time is over is absent, whether the store can expire entries or not."""

    async def main():
        adapter = KeyValueAdapter(store)
        await adapter.put("ada", {"age": 36}, ttl=0.05)
        while await adapter.get("ada") is not None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert await adapter.ttl("ada") == (None, None)
        while "ttl" in store.features and await adapter.keys():  # noqa: ASYNC110 - the engine's clock began later
            await asyncio.sleep(0.01)

    asyncio.run(main())


def test_what_the_protocol_refuses():
    """A value that JSON does not hold and a time that is not above 0 are the protocol's errors; nothing is written."""
    store = InMemoryStore()

    async def main():
        adapter = KeyValueAdapter(store.aio)
        with pytest.raises(SerializationError):
            await adapter.put("a", {"b": object()})
        with pytest.raises(SerializationError):
            await adapter.put_many(["a", "b"], [{"b": 1}, {"b": object()}])
        with pytest.raises(InvalidTTLError):
            await adapter.put("a", {"b": 1}, ttl=-1)

    asyncio.run(main())
    assert store == {}


def test_a_batch_is_one_batch():
    """What is asked for together reaches the engine together."""
    store = Counting(InMemoryStore())

    async def main():
        adapter = KeyValueAdapter(store)
        await adapter.put_many(["a", "b"], [{"n": 1}, {"n": 2}])
        await adapter.get_many(["a", "b"])
        await adapter.delete_many(["a", "b"])

    asyncio.run(main())
    assert store.counts == {"set_many": 1, "get_many": 1, "delete_many": 1}


def test_a_missing_library_is_named(monkeypatch):
    """Without py-key-value the error says what to install."""
    monkeypatch.setitem(sys.modules, "key_value", None)
    for name in [name for name in sys.modules if name.startswith(("key_value.", "spoonbill.adapters.key_value"))]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(MissingExtraError, match=r"\[key-value\]"):
        _ = spoonbill.adapters.KeyValueAdapter
    with pytest.raises(AttributeError):
        _ = spoonbill.adapters.Nothing
