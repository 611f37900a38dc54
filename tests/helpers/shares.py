"""What the shares of any store must hold, for the tests of each engine."""

import itertools
import json
import pickle
import subprocess
import sys
import threading
from collections import Counter
from contextlib import contextmanager

_READER = """
import json, pickle, sys
share = pickle.load(sys.stdin.buffer)
json.dump([list(share.keys()), sorted(key for key, _ in share.entries())], sys.stdout)
"""


def check_shares(store, keys, pattern, counts=(1, 3, 64)):
    """Every key is in one share, whatever their number, and the shares of a search hold what `items` finds."""
    for count in (*counts, len(keys) + 5):
        shares = store.shares(count)
        assert 1 <= len(shares) <= count
        assert Counter(key for share in shares for key in share.keys()) == Counter(keys)
        found = dict(pair for share in shares for pair in share.entries())
        assert found == dict(store.items())
        some = [pair for share in store.shares(count, pattern=pattern) for pair in share.entries()]
        assert len(some) == len(dict(some))
        assert dict(some) == {key: store[key] for key in store.keys(pattern)} != {}


@contextmanager
def writes_beside(store, value, most=500):
    """Set and remove other keys of the store in a second thread while the block runs, some rounds at the least."""
    done, round_done, errors = threading.Event(), threading.Event(), []

    def write():
        try:
            for number in itertools.count():
                keys = [f"passing-{number % 3}-{index}" for index in range(most)]
                store.update(dict.fromkeys(keys, value))
                store.delete_many(keys[: most // 2])
                round_done.set()
                if done.is_set():
                    return
        except Exception as error:
            errors.append(error)
            round_done.set()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        round_done.wait(60)
        yield
    finally:
        done.set()
        thread.join()
    assert errors == []


def check_shares_while_written(store, keys, value, counts=(1, 3, 16), most=500):
    """Every key that stays is in exactly one share while others come and go."""
    for count in counts:
        with writes_beside(store, value, most):
            shares = store.shares(count)
            found = Counter(key for share in shares for key in share.keys())
        assert {key: found[key] for key in keys} == dict.fromkeys(keys, 1)
        assert all(key in keys or key.startswith("passing-") for key in found)


def check_shares_elsewhere(store, keys, count=3):
    """Shares that another process reads hold every key once, in keys and in entries."""
    found = []
    for share in store.shares(count):
        read = subprocess.run(
            [sys.executable, "-c", _READER], input=pickle.dumps(share), capture_output=True, check=True, timeout=120
        )
        listed, paired = json.loads(read.stdout)
        assert sorted(listed) == paired
        found += listed
    assert Counter(found) == Counter(keys)
