"""A short exercise of a stack: each verb once, with keys and values of all its kinds, beside a dict."""

import contextlib
import time
from typing import Any

import pytest

from spoonbill import Defaulting, MetadataIndex, Routed, Sharded, prefix
from spoonbill.common.equality import python_equal
from spoonbill.errors import ReadOnlyError, UnsupportedError
from spoonbill.store import VERBS, Store

Pairs = dict[Any, Any]


def same(store: Store[Any, Any], pairs: Pairs) -> None:
    """Compare what a stack holds with a dict, by every way to read."""
    keys = list(pairs)
    assert len(store) == len(pairs)
    assert set(store) == set(pairs) == set(store.keys())
    for listed in (dict(store.items()), store.copy(), dict(zip(keys, store.values(keys), strict=True))):
        assert python_equal(listed, pairs)
    for key, value in pairs.items():
        assert key in store
        assert python_equal(store[key], value), key
        assert python_equal(store.get(key), value), key
    assert store.get("absent") is None
    assert store.get("absent", 5) == 5
    assert "absent" not in store
    assert sum(1 for share in store.shares(3) for _ in share.keys()) == len(pairs)


def searches(store: Store[Any, Any], pairs: Pairs) -> None:
    """Compare searches by keys and by values with what a dict says."""
    assert set(store.keys(prefix("user:"))) == {"user:1", "user:2"}
    assert len(list(store.keys("*", limit=2))) == 2
    assert next(iter(store.items(limit=1)))[0] in pairs
    born = [key for key, value in pairs.items() if isinstance(value, dict) and value.get("born") == 1815]
    assert set(dict(store.items({"born": 1815}))) >= set(born)
    plan = store.explain(prefix("user:"))
    assert plan.steps
    assert str(plan)


def writes(store: Store[Any, Any], pairs: Pairs) -> None:
    """Write, change and remove by each verb; the stack holds `pairs` before and nothing after."""
    (one, first), (two, second), *rest = pairs.items()
    assert not store.add(one, second)
    assert store.replace(one, first, second)
    assert not store.replace(one, first, second) or python_equal(first, second)
    assert python_equal(store[one], second)
    assert not store.replace("absent", first, second)
    assert python_equal(store.modify(one, lambda _: first), first)
    assert python_equal(store.setdefault(two, first), second)
    assert store.discard(two, second)
    assert two not in store
    assert python_equal(store.setdefault(two, second), second)
    assert python_equal(store.pop(two), second)
    assert store.pop(two, None) is None
    assert store.add(two, second)
    assert store.delete(two)
    assert not store.delete(two)
    if not isinstance(store, Defaulting):
        with pytest.raises(KeyError):
            store[two]
    some = [key for key, _ in rest[:2]]
    assert store.delete_many([*some, "absent"]) == len(some)
    key, value = store.popitem()
    assert python_equal(pairs[key], value)
    store.replace_all([(one, first)])
    same(store, {one: first})
    store.clear()
    same(store, {})


def expiry(store: Store[Any, Any], pairs: Pairs) -> None:
    """Entries end where the stack can expire them; where it cannot, a ttl is refused by that name."""
    (one, first), (two, second), *_ = pairs.items()
    if isinstance(store, Routed | Sharded):
        return  # a key expires where its store can
    if "ttl" not in store.features:
        with pytest.raises(UnsupportedError, match="cannot expire"):
            store.set(one, first, ttl=60)
        assert one not in store
        return
    store.set(one, first, ttl=60)
    store.set_many([(two, second)], ttl=0.01)
    left = store.ttl(one)
    assert left is not None
    assert 0 < left < 61
    assert python_equal(store[one], first)
    assert store.touch(one, None)
    assert store.ttl(one) is None
    assert store.touch(one, 0.01)
    store.get(one), store.get(two)  # what is cached ends too
    deadline = time.monotonic() + 20
    while one in store or two in store:
        assert time.monotonic() < deadline, "an entry whose time was over stayed"
        time.sleep(0.005)
    assert store.get_many([one, two], "gone") == ["gone", "gone"]
    if isinstance(store, MetadataIndex):
        assert store.repair() == 2  # the index knows no time
    assert len(store) == 0


def refused(store: Store[Any, Any], kept: Pairs, pairs: Pairs) -> None:
    """Writes to entries that are kept are refused, and change nothing."""
    (one, first), (two, second), *_ = kept.items()
    for write in (
        lambda: store.set(one, second),
        lambda: store.replace(one, first, second),
        lambda: store.pop(one),
        lambda: store.delete(two),
        lambda: store.discard(two, second),
        lambda: store.clear(),
        lambda: store.replace_all([(one, second)]),
    ):
        with pytest.raises(ReadOnlyError):
            write()
    if store.read_only:
        with pytest.raises(ReadOnlyError):
            store.add("absent", first)
    same(store, pairs)


def truthful(store: Store[Any, Any]) -> None:
    """What the stack says of itself can be asked for, and no verb is native that the engine derives."""
    below = store.raw
    for verb in VERBS:
        assert store.route(verb)
        if store.native(verb) and below is not store:
            assert below.native(verb) or verb in {"iter", "count", "select", "plan", "split"}, verb
    assert store.capabilities >= store.features
    assert all(sentence for _, sentence in store.guarantees.rows())
    with contextlib.suppress(UnsupportedError):
        assert store.ping() >= 0
