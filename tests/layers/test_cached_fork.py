"""A child of a fork finds every lock of ours free, whatever the parent's threads did at that moment."""

import os
import signal
import threading

from spoonbill import Cached
from spoonbill.datastores import InMemoryStore


def test_a_forked_child_does_not_hang_in_a_cache():
    """Threads hold the cache's lock nearly all the time; no child waits for one that is gone."""
    store = Cached(InMemoryStore({number: number for number in range(99)}))
    done = threading.Event()

    def work():
        while not done.is_set():
            for number in range(99):
                store.get(number)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(50):
            pid = os.fork()
            if pid == 0:
                signal.alarm(10)
                store.get(5)
                os._exit(0)
            assert os.waitpid(pid, 0)[1] == 0
    finally:
        done.set()
        for thread in threads:
            thread.join()
