"""What every test of bridges keeps an eye on."""

import threading

import pytest

from spoonbill.common import locks
from spoonbill.common.bridging.bridge import Bridge

_RLOCK = type(threading.RLock())


@pytest.fixture(autouse=True)
def no_plain_lock_is_held_over_a_wait(monkeypatch):
    """A lock of a thread belongs to all calls of its loop together: none may be held where a call is suspended."""
    wait = Bridge.wait
    faults = []

    def watched(bridge, awaitable):
        faults.extend(one for one in list(locks._all) if type(one) is _RLOCK and one._is_owned())
        return wait(bridge, awaitable)

    monkeypatch.setattr(Bridge, "wait", watched)
    yield
    assert faults == []
