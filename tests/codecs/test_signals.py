"""An exception that arrives from outside in the middle of a call passes: it says nothing of the data.

``SPOONBILL_TORTURE`` says for how many seconds each codec is tried.
"""

import contextlib
import gc
import os
import random
import signal
import time

import pytest

from spoonbill.codecs import get_codec
from spoonbill.keys import decode_key, encode_key

SECONDS = float(os.environ.get("SPOONBILL_TORTURE", "0.4"))
VALUE = {"rows": [{"n": number, "t": (number, str(number)), "s": {number}} for number in range(300)]}


class JobTimeout(Exception):
    """What a job runner raises at its time limit."""


@contextlib.contextmanager
def timeout_after(seconds, kind=JobTimeout):
    def arrive(*_):
        raise kind("too late")

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
    chooser = random.Random()
    tried = arrived = 0
    finish = time.monotonic() + SECONDS
    while tried < 40 or time.monotonic() < finish:
        tried += 1
        kind = chooser.choice((JobTimeout, TimeoutError, ValueError))
        try:
            with timeout_after(chooser.uniform(0.0005, 0.004), kind):
                end = time.monotonic() + 1
                while time.monotonic() < end:
                    assert codec.loads(data) == value
                    assert codec.dumps(value)
        except (kind, InterruptedError) as error:  # ormsgpack may lose what arrived, which is then said
            arrived += isinstance(error, InterruptedError) or (type(error) is kind and str(error) == "too late")
    print(name, arrived, "arrived,", tried - arrived, "swallowed")
    assert arrived == tried


def test_a_time_limit_is_no_odd_key():
    """It is no error of a key."""
    key = tuple((number, str(number)) for number in range(300))
    chooser = random.Random()

    def work():
        while True:
            assert decode_key(encode_key(key)) == key

    arrived, finish = 0, time.monotonic() + SECONDS
    while arrived < 40 or time.monotonic() < finish:
        kind = chooser.choice((JobTimeout, TimeoutError, ValueError))
        with pytest.raises(kind, match="too late"), timeout_after(chooser.uniform(0.0005, 0.004), kind):
            work()
        arrived += 1
    print("keys", arrived, "arrived")
