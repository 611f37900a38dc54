"""PostgresStore while its server is killed and started again, stopped orderly, and while connections break."""

import os
import pickle
import subprocess
import sys
import threading
import time

import psycopg
import pytest

from spoonbill.datastores import PostgresStore
from spoonbill.errors import StoreError
from tests.servers.postgresql_server import PostgresServer

KILLS = int(os.environ.get("SPOONBILL_TORTURE", "3"))


@pytest.fixture
def server():
    """A server of the test's own."""
    with PostgresServer() as running:
        yield running


WORK = """
import pickle, sys, threading, time
from spoonbill.errors import StoreError, UnansweredError
store = pickle.load(sys.stdin.buffer)
done, unsure, stop = [0] * 8, [0] * 8, time.monotonic() + float(sys.argv[2])
def work(number):
    step = 0
    while time.monotonic() < stop:
        try:
            store.increment("shared")
            done[number] += 1
        except UnansweredError:
            unsure[number] += 1
        except StoreError:
            pass
        try:
            store.add(f"{sys.argv[1]}-{number}-{step}", step)
            written.append((number, step))
        except StoreError:
            pass
        step += 1
written = []
threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
pickle.dump((sum(done), sum(unsure), [f"{sys.argv[1]}-{n}-{s}" for n, s in written]), sys.stdout.buffer)
"""


def test_a_server_that_is_killed_under_load(server):
    """Eight threads in each of two processes count and add while the server is killed: what they were told is true."""
    seconds = 2 + 2 * KILLS
    with PostgresStore(server.dsn, "load", timeout=20) as store:
        store["shared"] = 0
        data = pickle.dumps(store)
        command = [sys.executable, "-c", WORK]
        workers = [
            subprocess.Popen([*command, name, str(seconds)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            for name in ("x", "y")
        ]
        for worker in workers:
            worker.stdin.write(data)
            worker.stdin.close()
        time.sleep(1.5)
        for _ in range(KILLS):
            server.stop()
            server.start_again()
            time.sleep(1)
        told = [pickle.loads(worker.stdout.read()) for worker in workers]
        for worker in workers:
            assert worker.wait() == 0
            worker.stdout.close()
        done, unsure = sum(each[0] for each in told), sum(each[1] for each in told)
        assert done > 50
        assert done <= store["shared"] <= done + unsure
        written = {key for each in told for key in each[2]}
        assert written <= set(store)


def test_a_restart_between_calls_costs_none(server):
    """After an orderly restart, and after a kill, the connections at hand are found dead before anything is sent."""
    with PostgresStore(server.dsn, "calm", timeout=20) as store:
        store["n"] = 0
        threads = [threading.Thread(target=lambda: [store.get("n") for _ in range(5)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for signum in (2, 9):
            server.stop(signum)
            server.start_again()
            assert store.increment("n") > 0
            store.update({f"k{number}": number for number in range(1500)})
            assert len(list(store)) == 1501
        assert store["n"] == 2


def test_connections_that_an_administrator_ends(server):
    """A backend that is terminated while it waits at hand is replaced; a loop over it is an error with a remedy."""
    with PostgresStore(server.dsn, "admin") as store, psycopg.connect(server.dsn, autocommit=True) as other:
        ended = (
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        store.update({f"k{number}": number for number in range(2500)})
        for _ in range(3):
            other.execute(ended)
            store["n"] = 1
        loop = iter(store.items())
        next(loop)
        other.execute(ended)
        with pytest.raises(StoreError, match=r"shutting down|broke"):
            list(loop)
        with pytest.raises(StoreError), store.transaction():
            store["n"] = 2
            other.execute(ended)
            store["n"] = 3
        assert store["n"] == 1
