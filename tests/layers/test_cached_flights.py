"""Reads of a cache that are made once for many, and in the background."""

import logging
import os
import threading
import time

import pytest

from spoonbill import Cached
from spoonbill.datastores import InMemoryStore
from spoonbill.errors import StoreError, UnsupportedError
from spoonbill.testing import LayerContract, SpyStore


class TestStale(LayerContract):
    def wrap(self, inner):
        return Cached(inner, ttl=1000, stale_while_revalidate=1000)


class Slow(SpyStore):
    """Waits in get until it is told to go on."""

    def __init__(self):
        super().__init__()
        self.entered, self.go = threading.Event(), threading.Event()

    def get(self, key, default=None):
        value = super().get(key, default)
        self.entered.set()
        assert self.go.wait(30)
        return value


def in_threads(function, count):
    answers = []

    def run():
        try:
            answers.append(function())
        except Exception as error:
            answers.append(type(error))

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads, answers


def test_many_that_miss_one_key_read_it_once():
    """Ten threads, one read below, one answer for all."""
    inner = Slow()
    inner.data["a"] = 1
    store = Cached(inner)
    threads, answers = in_threads(lambda: store.get("a"), 10)
    assert inner.entered.wait(30)
    while store.stats.misses < 10:
        time.sleep(0.001)
    inner.go.set()
    for thread in threads:
        thread.join()
    assert answers == [1] * 10
    assert inner.calls == ["get"]


def test_who_comes_after_a_write_does_not_wait_for_the_read_before_it():
    """A read that began before a write is not the answer of one that began after it."""
    inner = Slow()
    inner.data["a"] = 1
    store = Cached(inner)
    threads, answers = in_threads(lambda: store.get("a"), 1)
    assert inner.entered.wait(30)
    store["a"] = 2
    more, later = in_threads(lambda: store.get("a"), 3)
    inner.go.set()
    for thread in (*threads, *more):
        thread.join()
    assert answers == [1]
    assert later == [2, 2, 2]
    assert store["a"] == 2


def test_a_read_that_fails_is_no_answer_for_the_others():
    """Each of those who waited reads for itself, and the next one too."""
    inner = Slow()
    inner.broken = True
    inner.go.set()
    store = Cached(inner)
    threads, answers = in_threads(lambda: store.get("a"), 5)
    for thread in threads:
        thread.join()
    assert answers == [StoreError] * 5
    inner.broken = False
    inner.data["a"] = 1
    assert store["a"] == 1


def test_a_fork_in_the_middle_of_a_read():
    """The child does not wait for a thread that it does not have."""
    inner = Slow()
    inner.data["a"] = 1
    store = Cached(inner)
    threads, answers = in_threads(lambda: store.get("a"), 1)
    assert inner.entered.wait(30)
    child = os.fork()
    if child == 0:
        inner.go.set()
        os._exit(store.get("a"))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
    inner.go.set()
    threads[0].join()
    assert answers == [1]


def test_a_stale_entry_is_given_while_it_is_read_anew(caplog):
    """At once, though the store below hangs; then the new value; a failure is logged and the old one stays."""
    inner = Slow()
    inner.go.set()
    inner.data["a"] = 1
    store = Cached(inner, ttl=0.05, stale_while_revalidate=1000)
    assert store["a"] == 1
    assert inner.calls.count("get") == 1
    inner.data["a"] = 2
    time.sleep(0.06)
    inner.go.clear()
    assert store["a"] == 1
    assert store["a"] == 1
    inner.go.set()
    deadline = time.monotonic() + 30
    while store["a"] != 2:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    time.sleep(0.06)
    with caplog.at_level(logging.WARNING, "spoonbill.refreshes"):
        inner.broken = True
        assert store["a"] == 2
        while "could not be read anew" not in caplog.text:
            assert time.monotonic() < deadline
            time.sleep(0.001)
    assert store["a"] == 2


def test_a_write_ends_what_is_stale():
    """What this cache wrote is what comes back, also where a refresh was under way."""
    inner = Slow()
    inner.go.set()
    inner.data["a"] = 1
    store = Cached(inner, ttl=0.01, stale_while_revalidate=1000)
    assert store["a"] == 1
    time.sleep(0.02)
    inner.entered.clear()
    inner.go.clear()
    assert store["a"] == 1
    assert inner.entered.wait(30)
    store["a"] = 3
    inner.go.set()
    for _ in range(20):
        assert store["a"] == 3
    with pytest.raises(UnsupportedError, match="ttl="):
        Cached(InMemoryStore(), stale_while_revalidate=5)
