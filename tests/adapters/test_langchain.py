"""Stores through the interfaces of LangChain and LangGraph, with those libraries themselves."""

import asyncio
import sys

import pytest
from langchain_core.stores import BaseStore as ChainStore
from langchain_core.stores import InMemoryStore as TheirChainStore
from langgraph.store.base import InvalidNamespaceError, PutOp
from langgraph.store.memory import InMemoryStore as TheirGraphStore

import spoonbill.adapters
from spoonbill import Expiring
from spoonbill.adapters import LangChainAdapter, LangGraphAdapter
from spoonbill.datastores import FilesystemStore, InMemoryStore, LmdbStore
from spoonbill.errors import MissingExtraError, UnsupportedError
from spoonbill.testing import Counting

KINDS = {
    "memory": lambda path: InMemoryStore(),
    "lmdb": lambda path: LmdbStore(path / "data"),
    "files": lambda path: FilesystemStore(path / "files"),
    "expiring": lambda path: Expiring(LmdbStore(path / "data")),
}


@pytest.fixture(params=KINDS)
def store(request, tmp_path):
    with KINDS[request.param](tmp_path) as made:
        yield made


def test_langchain_asks_as_it_asks_its_own_store(store):
    """Each method, awaited or not, answers as LangChain's own store does, which is asked the same."""
    ours, theirs = LangChainAdapter(store), TheirChainStore()
    assert isinstance(ours, ChainStore)

    async def main():
        for one in (ours, theirs):
            await one.amset([("x:a", b"1"), ("x:b", b"2")])
            one.mset([("y", b"3"), ("y", b"4")])
        for keys in (["y", "none", "x:a"], []):
            assert ours.mget(keys) == await ours.amget(keys) == theirs.mget(keys)
        for prefix in (None, "x:", "nothing", ""):
            expected = sorted(theirs.yield_keys(prefix=prefix))
            assert sorted(ours.yield_keys(prefix=prefix)) == expected
            assert sorted([key async for key in ours.ayield_keys(prefix=prefix)]) == expected
        for one in (ours, theirs):
            one.mdelete(["x:a", "none"])
            await one.amdelete(["y"])
        assert sorted(ours.yield_keys()) == sorted(theirs.yield_keys()) == ["x:b"]

    asyncio.run(main())


FILTERS = (
    None,
    {"kind": "fruit"},
    {"n": {"$gt": 1}},
    {"n": {"$gte": 1, "$lt": 3}},
    {"n": {"$ne": 2}},
    {"n": {"$lte": 2}, "kind": {"$eq": "fruit"}},
    {"deep": {"a": 1}},
    {"none": 5},
)


def test_langgraph_asks_as_it_asks_its_own_store(store):
    """Gets, searches, listings of namespaces and deletes, awaited or not, answer as LangGraph's own store does."""
    ours, theirs = LangGraphAdapter(store), TheirGraphStore()

    def seen(items):
        return sorted((item.namespace, item.key, item.value) for item in items)

    async def main():
        for one in (ours, theirs):
            for n in range(4):
                kind = "fruit" if n % 2 else "nut"
                one.put(("users", "ada"), f"k{n}", {"n": n, "kind": kind, "deep": {"a": n, "b": 0}})
            await one.aput(("users", "adam"), "k:%1", {"n": 9, "kind": "other"})
            await one.aput(("odd:label", "50%"), "", {"n": 1})
        assert ours.get(("users", "ada"), "k1").value == theirs.get(("users", "ada"), "k1").value
        assert (await ours.aget(("users", "adam"), "k:%1")).namespace == ("users", "adam")
        assert ours.get(("users",), "none") is await ours.aget(("users",), "none") is None
        for namespace in ((), ("users",), ("users", "ada"), ("odd:label",), ("nobody",)):
            for wanted in FILTERS:
                expected = (
                    seen(theirs.search(namespace, filter=wanted, limit=100)) if _orders(namespace, wanted) else None
                )
                found = seen(ours.search(namespace, filter=wanted, limit=100))
                assert found == seen(await ours.asearch(namespace, filter=wanted, limit=100))
                assert expected is None or found == expected
        assert len(ours.search(("users",), limit=2)) == 2
        assert len(ours.search(("users",), limit=10, offset=4)) == 1
        for options in (
            {},
            {"prefix": ("users",)},
            {"suffix": ("ada",)},
            {"prefix": ("*", "ada")},
            {"max_depth": 1},
            {"limit": 1, "offset": 1},
        ):
            assert ours.list_namespaces(**options) == theirs.list_namespaces(**options)
            assert await ours.alist_namespaces(**options) == theirs.list_namespaces(**options)
        for one in (ours, theirs):
            one.delete(("users", "ada"), "k0")
            await one.adelete(("users", "ada"), "k1")
        assert seen(ours.search(("users", "ada"))) == seen(theirs.search(("users", "ada")))

    asyncio.run(main())


def _orders(namespace, wanted):
    """Return whether their store can compare every value: it raises for one that is no number."""
    return not (wanted and "n" in wanted and namespace == ())


def test_a_change_keeps_when_an_item_was_made():
    """A second put changes the value and its time, and not the time when the item was made."""
    ours = LangGraphAdapter(InMemoryStore())
    ours.put(("a",), "k", {"n": 1})
    first = ours.get(("a",), "k")
    ours.put(("a",), "k", {"n": 2})
    second = ours.get(("a",), "k")
    assert (second.value, second.created_at) == ({"n": 2}, first.created_at)
    assert second.updated_at >= first.updated_at


def test_a_batch_reads_before_it_writes_and_the_last_write_wins():
    """The puts of one batch are one batch of the engine, and its reads see what was there before."""
    below = Counting(InMemoryStore())
    ours = LangGraphAdapter(below)
    results = ours.batch([PutOp(("a",), "k", {"n": 1}), PutOp(("a",), "l", {"n": 2}), PutOp(("a",), "k", {"n": 3})])
    assert results == [None] * 3
    assert below.counts["set_many"] == 1
    assert ours.get(("a",), "k").value == {"n": 3}


def test_items_expire_and_a_read_prolongs_them():
    """A time to live in minutes is the store's, a read counts it anew, and a store that cannot expire refuses it."""
    now = [1000.0]
    ours = LangGraphAdapter(Expiring(InMemoryStore(), clock=lambda: now[0]), ttl={"default_ttl": 1})
    ours.put(("a",), "k", {"n": 1})
    ours.put(("a",), "stays", {"n": 2}, ttl=None)
    now[0] += 50
    assert ours.get(("a",), "k").value == {"n": 1}
    now[0] += 50
    assert ours.get(("a",), "k", refresh_ttl=False).value == {"n": 1}
    now[0] += 20
    assert ours.get(("a",), "k") is None
    assert ours.get(("a",), "stays").value == {"n": 2}
    with pytest.raises(UnsupportedError, match="Expiring"):
        LangGraphAdapter(InMemoryStore(), ttl={"default_ttl": 1})
    with pytest.raises(NotImplementedError):
        LangGraphAdapter(InMemoryStore()).put(("a",), "k", {}, ttl=1)


def test_what_cannot_be_kept_is_refused():
    """A search in words, an unknown operator and a bad namespace are errors and no wrong answers."""
    ours = LangGraphAdapter(InMemoryStore())
    ours.put(("a",), "k", {"n": 1})
    with pytest.raises(UnsupportedError, match="embeddings"):
        ours.search(("a",), query="what is n?")
    with pytest.raises(UnsupportedError, match="regex"):
        ours.search(("a",), filter={"n": {"$regex": "x"}})
    with pytest.raises(InvalidNamespaceError):
        ours.batch([PutOp(("a.b",), "k", {"n": 1})])
    assert ours.search(("a",), filter={"n": {"$gt": "text"}}) == []


def test_without_the_library_the_error_names_the_extra(monkeypatch):
    """Where a library is missing its adapter says what to install."""
    for name, module, package in (
        ("LangChainAdapter", "langchain", "langchain_core.stores"),
        ("LangGraphAdapter", "langgraph", "langgraph.store.base"),
    ):
        monkeypatch.delitem(sys.modules, f"spoonbill.adapters.{module}")
        monkeypatch.setitem(sys.modules, package.partition(".")[0], None)
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(MissingExtraError, match=r"spoonbill-framework\[langchain\]"):
            getattr(spoonbill.adapters, name)
