"""WriteOnce, Defaulting, Metered, Logged and Retrying."""

import logging
import threading

import pytest

from spoonbill import Cached, Defaulting, Logged, Metered, Retrying, WriteOnce
from spoonbill.backends import Memory
from spoonbill.datastores import InMemoryStore, LmdbStore
from spoonbill.errors import CodecError, InvalidKeyError, ReadOnlyError, StoreError
from spoonbill.testing import LayerContract, SpyStore


class TestDefaulting(LayerContract):
    test_absence_is_key_error = None  # it makes what is absent

    def wrap(self, inner):
        return Defaulting(inner, bytes)

    def test_a_key_that_cannot_be_stored_is_absent(self, store):
        """Reading by [] makes a value, which an odd key cannot have."""


class TestMetered(LayerContract):
    def wrap(self, inner):
        return Metered(inner)


class TestLogged(LayerContract):
    def wrap(self, inner):
        return Logged(inner)


class TestRetrying(LayerContract):
    def wrap(self, inner):
        return Retrying(inner, attempts=2, pause=0)


def test_what_was_written_once_stays():
    """A second write, a removal and a clear are refused; one of two that write at once wins."""
    inner = InMemoryStore({"old": 1})
    store = WriteOnce(inner)
    store["new"] = 2
    store.update(more=3)
    writes = (
        lambda: store.set("old", 2),
        lambda: store.update({"new": 3}),
        lambda: store.replace("old", 1, 2),
        lambda: store.pop("old"),
        lambda: store.popitem(),
        lambda: store.clear(),
        lambda: store.discard("old", 1),
        lambda: store.increment("old"),
        lambda: store.modify("old", lambda value: value + 1),
        lambda: store.replace_all({}),
        lambda: store.__delitem__("old"),
    )
    for write in writes:
        with pytest.raises(ReadOnlyError):
            write()
    assert inner.mapping == {"old": 1, "new": 2, "more": 3}
    refused = []

    def write(number):
        try:
            store["raced"] = number
        except ReadOnlyError:
            refused.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 7
    assert inner["raced"] not in refused


def test_defaults_are_made_by_square_brackets_alone():
    """As defaultdict does it; the factory may take the key."""
    store = Defaulting(InMemoryStore(), str.upper, with_key=True)
    assert (store.get("a"), "a" in store, store.get_many(["a"])) == (None, False, [None])
    assert store["a"] == "A"
    assert store.inner.mapping == {"a": "A"}


def test_what_is_measured():
    """Calls, errors, hits and bytes a verb; a KeyError is no error; both sides of a cache tell what it saves."""
    below = Metered(Memory(), "engine")
    store = Metered(Cached(below), "front")
    store["a"] = b"12345"
    for _ in range(10):
        assert store["a"] == b"12345"
    assert store.get("b") is None
    with pytest.raises(KeyError):
        store.pop("b")
    front, engine = store.stats(), below.stats()
    assert (front["get"].calls, front["get"].hits, front["get"].bytes) == (11, 10, 50)
    assert (engine["get"].calls, engine["get"].hits) == (2, 1)
    assert front["set"].bytes == 5
    assert front["pop"].errors == 0
    assert front["get"].seconds > 0
    store.reset()
    assert store.stats() == {}
    broken = Metered(SpyStore())
    broken.inner.broken = True
    with pytest.raises(StoreError):
        broken.get("a")
    assert broken.stats()["get"].errors == 1
    assert store.native("get") == below.native("get")


def test_metrics_of_opentelemetry():
    """Where its API is installed each call is a point of a histogram, with the verb and the store's name."""
    from opentelemetry import metrics
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    reader = InMemoryMetricReader()
    metrics.set_meter_provider(MeterProvider([reader]))
    store = Metered(InMemoryStore(), "users", spans=True)
    store["a"] = 1
    points = [
        point
        for resource in reader.get_metrics_data().resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        for point in metric.data.data_points
    ]
    assert {"store": "users", "verb": "set"} in [dict(point.attributes) for point in points]


def test_what_is_logged(caplog):
    """The verb, the key and the time of each call, no value; failures as warnings; slow= leaves out the quick ones."""
    caplog.set_level(logging.DEBUG, "spoonbill.calls")
    store = Logged(InMemoryStore())
    store["key"] = "secret value"
    assert "set of key 'key'" in caplog.text
    assert "secret value" not in caplog.text
    broken = SpyStore()
    broken.broken = True
    with pytest.raises(StoreError):
        Logged(broken).get("b")
    assert caplog.records[-1].levelno == logging.WARNING
    count = len(caplog.records)
    Logged(InMemoryStore(), slow=10).get("a")
    assert len(caplog.records) == count


class Flaky(SpyStore):
    """Fails the first calls of each verb."""

    failures = 2

    def _called(self, verb):
        super()._called(verb)
        if self.calls.count(verb) <= self.failures:
            raise StoreError(f"{verb} failed for a moment")


def test_only_what_may_be_repeated_is():
    """Reads and plain writes come through after failures; conditional writes are made once."""
    inner = Flaky()
    store = Retrying(inner, pause=0)
    store.set("a", 1)
    assert store.get("a") == 1
    store.set_many((key, 2) for key in "bc")
    assert sorted(store) == ["a", "b", "c"]
    assert inner.calls.count("set") == inner.calls.count("get") == inner.calls.count("set_many") == 3
    with pytest.raises(StoreError):
        store.delete("a")
    assert inner.calls.count("delete") == 1
    inner.failures = 100
    with pytest.raises(StoreError, match="moment"):
        Retrying(inner, attempts=3, pause=0).get("a")


def test_what_is_no_failure_is_not_repeated(tmp_path):
    """A value that does not fit, an odd key and absence are answers."""
    meter = Metered(LmdbStore(tmp_path / "d"))
    store = Retrying(meter, pause=0)
    with pytest.raises(CodecError):
        store["a"] = object()
    with pytest.raises(InvalidKeyError):
        store[object()] = 1
    with pytest.raises(KeyError):
        store["a"]
    assert (meter.stats()["set"].calls, meter.stats()["get"].calls) == (2, 1)
