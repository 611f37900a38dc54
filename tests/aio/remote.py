"""An engine that is only asynchronous, for the tests of bridges."""

import asyncio

from spoonbill import Store
from spoonbill.aio import LoopHandles, in_bridge, wait_for
from spoonbill.common.bridging.bridge import pause
from spoonbill.common.sentinels import MISSING


class Remote(Store):
    """An engine that is only asynchronous: it answers after the loop went round, and derives add, replace and pop."""

    awaits = True

    def __init__(self):
        self.data, self.calls = {}, 0
        self.handles = []
        self.loop_handles = LoopHandles(self.connect_async, self.handles.remove)

    def connect_async(self):
        handle = object()
        self.handles.append(handle)
        wait_for(asyncio.sleep(0.001))
        return handle

    def _wait(self):
        self.calls += 1
        if in_bridge():
            assert self.loop_handles() in self.handles
            wait_for(asyncio.sleep(0))
        else:
            pause(0.0001)

    def get(self, key, default=None):
        self._wait()
        return self.data.get(key, default)

    def set(self, key, value):
        self._wait()
        self.data[key] = value

    def delete(self, key):
        self._wait()
        return self.data.pop(key, MISSING) is not MISSING

    def iter(self):
        self._wait()
        return iter(list(self.data))
