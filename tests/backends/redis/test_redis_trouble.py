"""RedisStore when the server is away, refuses, or is reached in other ways; and forks, pickles and processes."""

import os
import pickle
import subprocess
import sys
import threading
import time
import warnings

import pytest
import redis

from spoonbill import Cached
from spoonbill.backends import Redis
from spoonbill.datastores import RedisStore
from spoonbill.errors import ClosedError, MissingExtraError, StoreError
from tests.backends.redis.redis_hammer import hammered
from tests.servers.process import free_port
from tests.servers.redis_server import server, url, wait_until

SERVER = server("--enable-debug-command", "yes")

pytestmark = pytest.mark.usefixtures("redis_running")


def test_importing_spoonbill_imports_no_client_and_a_missing_one_is_named():
    """Neither spoonbill nor its stores import redis; without it, opening says what to install."""
    code = (
        "import sys, spoonbill, spoonbill.datastores\n"
        "from spoonbill.datastores import RedisStore\n"
        "assert 'redis' not in sys.modules\n"
        "sys.modules['redis'] = None\n"
        "try:\n    RedisStore()\nexcept ImportError as error:\n    print(type(error).__name__, error)\n"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.startswith(MissingExtraError.__name__)
    assert "pip install 'spoonbill-framework[redis]'" in shown


def test_opening_connects_to_nothing():
    """A store opens without its server, one or a cluster; the first call then names it and the remedy."""
    port = free_port()
    for options in ({}, {"cluster": True}):
        with RedisStore.open(f"redis://127.0.0.1:{port}", retry_for=0, **options) as store:
            assert repr(store)
            with pytest.raises(StoreError, match=rf"get of key 'a'.*{port}.*Check that"):
                store["a"]
            for call in (lambda: list(store), lambda: len(store), store.clear, lambda: store.update(a=1, b=2)):
                with pytest.raises(StoreError, match=str(port)):
                    call()


def test_a_client_that_was_handed_in_stays_open(raw):
    """Closing the store leaves a handed client open, and closes one of its own; either way it is closed to calls."""
    connection = raw.client_id()
    store = RedisStore(raw)
    store["a"] = 1
    own = RedisStore(url(SERVER))
    own["b"] = 2
    client = own.raw._connection.client
    for one in (store, own):
        one.close()
        one.close()
        with pytest.raises(ClosedError, match="open it again"):
            one["a"]
        with pytest.raises(ClosedError):
            list(one)
    assert raw.client_id() == connection
    assert (
        client.connection_pool._available_connections == []
        or not client.connection_pool._available_connections[0]._sock
    )


def test_a_store_pickles_as_its_configuration(raw):
    """A pickled store opens the same keys with the same options, whether it had a URL, a client or a stack on it."""
    single = redis.Redis(port=SERVER.port, db=0, socket_timeout=3)
    for store in (
        RedisStore(url(SERVER), prefix="p:", ttl=50),
        RedisStore(single, prefix="p:", ttl=50),
        RedisStore.from_connection("127.0.0.1", SERVER.port, prefix="p:", ttl=50),
        Cached(RedisStore(client=single, strict=False, prefix="p:", ttl=50)),
        Redis(single, prefix="p:", ttl=50),
    ):
        value = b"1" if type(store) is Redis else "1"
        store["a"] = value
        with pickle.loads(pickle.dumps(store)) as copy:
            assert copy["a"] == value
            copy["b"] = value
            assert 0 < raw.pttl("p:b") <= 50_000
        assert store["b"] == value
        store.close()
    assert single.ping()
    single.close()


def test_fork_with_a_writing_thread(raw):
    """Parent and child go on after a fork on connections of their own, though a thread was in the middle of a call."""
    stop = threading.Event()
    with RedisStore(url(SERVER)) as store:

        def write():
            while not stop.is_set():
                store["thread"] = 1

        thread = threading.Thread(target=write)
        thread.start()
        loop = store.scan("*")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pid = os.fork()
        if pid == 0:
            code = 1
            try:
                for number in range(300):
                    store[f"child-{number}"] = number
                    assert store[f"child-{number}"] == str(number)
                code = 0
            finally:
                os._exit(code)
        for number in range(300):
            store[f"parent-{number}"] = number
            assert store[f"parent-{number}"] == str(number)
        assert os.waitpid(pid, 0)[1] == 0
        stop.set()
        thread.join()
        assert len(set(store.keys("*-*"))) == 600
        list(loop)


def test_many_threads(raw):
    """More threads than connections use one store at once, and each gets its own answers."""
    wrong = []
    with RedisStore(url(SERVER), max_connections=4) as store:

        def work(number):
            for turn in range(40):
                store[number] = turn
                if store[number] != str(turn) or store.get_many([number]) != [str(turn)]:
                    wrong.append(number)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong
        assert len(store) == 12


@pytest.mark.parametrize("without", [(), ("--rename-command", "EVAL", "", "--rename-command", "GETDEL", "")])
def test_two_processes_hammering_the_same_keys(without):
    """Of two processes each key is added and popped by one, and no replacement is lost; by scripts and by WATCH."""
    with server(*without) as process, RedisStore(url(process), codec="msgpack") as store:
        hammered(url(process), store)


def test_a_server_that_restarts_between_calls_is_not_noticed():
    """After a restart the next call works, also one that is not safe to repeat, with our client and a handed one."""
    with server() as process, redis.Redis(port=process.port) as client:
        for store in (RedisStore(url(process)), RedisStore(client)):
            store["a"] = 1
            process.restart()
            assert store.add("a", 2) is True
            process.restart()
            assert store.pop("a", None) is None
            process.restart()
            assert store.get("a") is None
            store.close()


def test_a_server_that_is_away_for_a_moment_is_waited_for():
    """Reads, writes, batches and verbs that are not safe to repeat wait for a server that comes back."""
    with server() as process, RedisStore(url(process), retry_for=20) as store:
        store["a"] = 1
        for call in (
            lambda: store.get("a"),
            lambda: store.set("a", 1),
            lambda: store.get_many(["a", "b"]),
            lambda: store.update({"a": 1, "b": 2}),
            lambda: len(store),
            lambda: store.add("new", 1),
        ):
            process.stop()
            back = threading.Timer(0.15, process.restart)
            back.start()
            call()
            back.join()
        assert store["new"] == "1"


def test_a_scan_over_a_restart_begins_again():
    """A server that starts anew in the middle of a scan, with other cursors, costs no key that it holds."""
    with server() as process, RedisStore(url(process)) as store, redis.Redis(port=process.port) as client:
        names = {f"key-{number}": "1" for number in range(5000)}
        store.update(names)
        scan = store.scan("*")
        found = [next(scan) for _ in range(1500)]
        process.restart()
        client.mset(names)
        found += scan
        assert len(found) == len(set(found))
        assert set(found) == set(names)


def test_a_lost_answer_is_not_repeated_where_that_is_not_safe():
    """A pop whose answer is lost says that it may have been done; it is not sent again. A read is."""
    with server() as process, Redis(url(process), retry_for=20) as store:
        for call in (lambda: store.pop("a", None), lambda: store.add("a", b"1"), lambda: store.delete("a")):
            outcome = _when_stopped(process, store, call)
            assert isinstance(outcome, StoreError)
            assert "may have been done or not" in str(outcome)
            process.restart()
        outcome = _when_stopped(process, store, lambda: store.get("a", "absent"), restarts=True)
        assert outcome == "absent"


def _when_stopped(process, store, call, *, restarts=False):
    """Return what a call comes to whose server takes it and dies before it answers."""
    outcome = []
    store.get("warm")
    with redis.Redis(port=process.port) as client:
        client.client_pause(60_000)

        def run():
            try:
                outcome.append(call())
            except StoreError as error:
                outcome.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        time.sleep(0.2)
    process.stop()
    if restarts:
        process.restart()
    thread.join()
    return outcome[0]


def test_a_time_out_names_its_option(raw):
    """A server that does not answer in time is a StoreError that says which option to raise."""
    with RedisStore(url(SERVER), socket_timeout=0.5, retry_for=0) as store:
        assert store.get("a") is None
        raw.client_pause(20000)
        with pytest.raises(StoreError, match="socket_timeout="):
            store["a"]
        raw.client_unpause()


def test_a_full_server_says_what_to_raise(raw):
    """A write that the server has no memory for names CONFIG SET maxmemory, alone and in a batch; reads go on."""
    with RedisStore(url(SERVER)) as store:
        store["a"] = 1
        raw.config_set("maxmemory", 1)
        try:
            for write in (lambda: store.set("b", 2), lambda: store.update(b=2, c=3), lambda: store.replace("a", 1, 2)):
                with pytest.raises(StoreError, match="CONFIG SET maxmemory"):
                    write()
            assert store["a"] == "1"
        finally:
            raw.config_set("maxmemory", 0)


def test_a_replica_says_where_to_write(raw):
    """A write to a replica is a StoreError that names the primary as the remedy, clear and all; reads work."""
    with RedisStore(url(SERVER)) as primary, server("--replicaof", f"127.0.0.1 {SERVER.port}") as process:
        primary["a"] = 1
        with RedisStore(url(process), retry_for=0) as replica:
            wait_until(lambda: _get(replica, "a") == "1", "the replica")
            for write in (lambda: replica.set("a", 2), lambda: replica.update(b=2, c=3), replica.clear):
                with pytest.raises(StoreError, match="open its primary"):
                    write()
            assert replica["a"] == "1"


def _get(store, key):
    try:
        return store.get(key)
    except StoreError:
        return None


def test_a_server_that_loads_is_waited_for_or_says_so():
    """While the server reads its data from disk, a patient store waits, and one without patience says what to do."""
    options = (
        "--enable-debug-command",
        "yes",
        "--key-load-delay",
        "500",
        "--loading-process-events-interval-bytes",
        "1024",
    )
    with server(*options) as process, redis.Redis(port=process.port) as client:
        with RedisStore(url(process), retry_for=0) as hasty, RedisStore(url(process), retry_for=30) as patient:
            patient.update({f"key-{number}": number for number in range(4000)})
            loading = threading.Thread(target=client.execute_command, args=("DEBUG", "RELOAD"))
            assert hasty["key-1"] == "1"  # connected: a loading server is slow to take new connections
            loading.start()
            time.sleep(0.3)
            with pytest.raises(StoreError, match="still reading its data"):
                hasty["key-1"]
            assert patient.add("key-1", 5) is False
            assert patient["key-3999"] == "3999"
            loading.join()
