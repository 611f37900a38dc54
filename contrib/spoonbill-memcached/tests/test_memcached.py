"""Memcached keeps the contract of every store, on a real server."""

import os
import shutil
import socket
import subprocess
import threading
import time
from itertools import count

import pytest
from pymemcache.client.base import Client
from spoonbill_memcached.backend import Memcached
from spoonbill_memcached.store import MemcachedStore

from spoonbill import MetadataIndex
from spoonbill.datastores import LmdbStore
from spoonbill.errors import KeyTooLongError, StoreError, UnsupportedError
from spoonbill.store import MISSING
from spoonbill.testing import BackendContract, StoreContract

PROGRAM = os.environ.get("SPOONBILL_MEMCACHED") or shutil.which("memcached")
NUMBERS = count()
AT = {}


@pytest.fixture(scope="module", autouse=True)
def server():
    """One memcached for the module. Where there is none these tests say so and are skipped."""
    if PROGRAM is None:
        pytest.skip(
            "NO MEMCACHED: these tests need a real server. Run `apt-get install memcached`, or name one in "
            "SPOONBILL_MEMCACHED"
        )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        PROGRAM,
        "-p",
        str(port),
        "-l",
        "127.0.0.1",
        "-U",
        "0",
        "-u",
        "nobody",
        "-m",
        "1024",
    ]  # room: it would drop
    with subprocess.Popen(command) as process:
        AT["server"] = f"127.0.0.1:{port}"
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        yield process
        process.kill()


class TestMemcached(BackendContract):
    """The backend with an index, as it is completed by MetadataIndex."""

    longest = 249

    def make(self, path):
        self.prefix = f"p{next(NUMBERS)}:"
        return MetadataIndex(Memcached(AT["server"], prefix=self.prefix), LmdbStore(path / "index", codec="raw").raw)

    def peek(self, store, key):
        client = Client(AT["server"])
        found = client.get(store.raw._name(key))
        client.close()
        return MISSING if found is None else found

    def poke(self, store, key, value):
        client = Client(AT["server"])
        client.set(store.raw._name(key), value, noreply=False)
        client.close()

    test_check_raises_what_set_raises = None  # a prefix of one's own makes the longest key shorter: see below


class TestMemcachedStore(StoreContract):
    """Strict: typed msgpack, with an index."""

    values = (1, {"a": [1, None]}, "text", (1, {2}), {3: 4})

    def make(self, path):
        return MemcachedStore(AT["server"], prefix=f"s{next(NUMBERS)}:", index=LmdbStore(path / "index").raw)


def test_without_an_index(tmp_path):
    """It reads, writes and expires; what needs a list of keys is refused; two prefixes are two stores."""
    with MemcachedStore(AT["server"], prefix="a:") as store, MemcachedStore(AT["server"], prefix="b:", ttl=50) as other:
        store["k"] = {"n": 1}
        other["k"] = 2
        assert store["k"] == {"n": 1}
        assert other.pop("k") == 2
        with pytest.raises(TypeError, match="MetadataIndex"):
            list(store)
        store.set("k", 1, ttl=100)
        assert 95 < store.ttl("k") <= 103  # its clock counts whole seconds, and lags behind
        assert store.touch("k", None)
        assert store.ttl("k") is None
        other["k"] = 1
        assert 45 < other.ttl("k") <= 53
        assert store.increment("n", 5) == 5
        assert store.replace("n", 5, 7)
        assert not store.discard("n", 5)
        assert store.discard("n", 7)
        assert not store.add("k", 1)
        for ttl in (0, -1, "5"):
            with pytest.raises(UnsupportedError, match="above 0"):
                store.set("k", 1, ttl=ttl)


def test_hostile_keys():
    """Spaces, line ends, NUL, percent signs and other alphabets are keys of their own, and none is a command."""
    keys = ["", " ", "a b", "a\r\nflush_all\r\n", "\x00", "%20", "%", "\u00e9", "a\x7f", "_"]
    with Memcached(AT["server"], prefix="h:") as store:
        for number, key in enumerate(keys):
            assert store.add(key, b"%d" % number)
        assert store.get_many(keys) == [b"%d" % number for number in range(len(keys))]
        longest = "k" * (249 - 2)
        store[longest] = b"1"
        with pytest.raises(KeyTooLongError, match="HashedKeys"):
            store[longest + "k"] = b"1"
        assert store.get(longest + "k") is None


def test_threads_count_together():
    """Eight threads add to one number, and none is lost."""
    with MemcachedStore(AT["server"], prefix="c:") as store:
        threads = [threading.Thread(target=lambda: [store.increment("n") for _ in range(50)]) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert store["n"] == 400


def test_no_server_and_a_fork():
    """A server that is not there is named; a forked child has connections of its own."""
    with MemcachedStore("127.0.0.1:9") as store, pytest.raises(StoreError, match="Check that a memcached answers"):
        store["a"]
    with MemcachedStore(AT["server"], prefix="f:") as store:
        store["a"] = 1
        pid = os.fork()
        if pid == 0:
            os._exit(0 if store["a"] == 1 and store.increment("a") == 2 else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert store["a"] == 2
