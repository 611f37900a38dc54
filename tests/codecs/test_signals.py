"""An exception that arrives from outside in the middle of a call passes: it says nothing of the data."""

import contextlib
import gc
import random
import signal
import time

import pytest

from spoonbill.codecs import get_codec
from spoonbill.keys import decode_key, encode_key

VALUE = {"rows": [{"n": number, "t": (number, str(number)), "s": {number}} for number in range(300)]}


class JobTimeout(Exception):
    """What a job runner raises at its time limit."""


@contextlib.contextmanager
def timeout_after(seconds):
    def arrive(*_):
        raise JobTimeout

    before = signal.signal(signal.SIGALRM, arrive)
    gc.disable()  # what arrives in the middle of a collection's callbacks, Python itself prints and drops
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        gc.enable()
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("name", ["msgpack", "json", "pickle", "cloudpickle", "pickle-plain", "pickle-first", "loose"])
def test_a_time_limit_is_no_damage(name):
    """Whenever it arrives, in dumps or loads, it is what the caller sees."""
    codec = get_codec(name)
    value = VALUE if name != "json" else {"rows": [{"n": number, "t": [number]} for number in range(300)]}
    data = codec.dumps(value)
    chooser = random.Random(7)
    arrived = 0
    for _ in range(40):
        try:
            with timeout_after(chooser.uniform(0.0005, 0.004)):
                end = time.monotonic() + 1
                while time.monotonic() < end:
                    assert codec.loads(data) == value
                    assert codec.dumps(value)
        except (JobTimeout, InterruptedError):  # ormsgpack may lose what arrived, which is then said
            arrived += 1
    assert arrived == 40


def test_a_time_limit_is_no_odd_key():
    """It is no error of a key."""
    key = tuple((number, str(number)) for number in range(300))
    chooser = random.Random(7)

    def work():
        while True:
            assert decode_key(encode_key(key)) == key

    for _ in range(40):
        with pytest.raises(JobTimeout), timeout_after(chooser.uniform(0.0005, 0.004)):
            work()
