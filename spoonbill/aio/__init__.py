"""The asynchronous face of every store: the same stack, awaited."""

from spoonbill.aio.opening import aopen
from spoonbill.aio.results import AsyncResults
from spoonbill.aio.store import AsyncStore
from spoonbill.common.bridging.bridge import in_bridge, wait_for
from spoonbill.common.bridging.loop_handles import LoopHandles
from spoonbill.common.bridging.twin import Twin

__all__ = ["AsyncResults", "AsyncStore", "LoopHandles", "Twin", "aopen", "in_bridge", "wait_for"]
