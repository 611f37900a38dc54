"""The conformance kit, and tools for tests of code that uses stores.

`BackendContract` is for an engine, `LayerContract` for a layer, `StoreContract` for any other store, `AsyncContract`
for its asynchronous face, and `Bridged` lets any of them run in a bridge; `machine_for` makes a hypothesis state
machine that drives a store beside a dict. `Faulty`, `Slow`, `Counting`, `Recorder` and `Awaited` are layers for tests
of your own code, beside `killed`, `check_history` and `FaultyProxy`. Needs pytest and hypothesis:
``pip install 'spoonbill-framework[test]'``.
"""

import pytest

# So that a promise that is broken shows the values, as in tests of your own.
_RULES = (
    "contract",
    "scale_rules",
    "race_rules",
    "content_rules",
    "backend_contract",
    "layer_contract",
    "async_contract",
    "bridged",
)
pytest.register_assert_rewrite(*(f"{__name__}.{name}" for name in _RULES))

from spoonbill.testing.async_contract import AsyncContract  # noqa: E402 - after the line above
from spoonbill.testing.awaited import Awaited  # noqa: E402
from spoonbill.testing.backend_contract import BackendContract  # noqa: E402
from spoonbill.testing.bridged import Bridged  # noqa: E402
from spoonbill.testing.call import Call  # noqa: E402
from spoonbill.testing.contract import StoreContract, refuses_every_write  # noqa: E402
from spoonbill.testing.counting import Counting  # noqa: E402
from spoonbill.testing.faulty import Faulty  # noqa: E402
from spoonbill.testing.faulty_proxy import FaultyProxy  # noqa: E402
from spoonbill.testing.history import check_history  # noqa: E402
from spoonbill.testing.kills import killed  # noqa: E402
from spoonbill.testing.layer_contract import LayerContract  # noqa: E402
from spoonbill.testing.machine import machine_for  # noqa: E402
from spoonbill.testing.recorder import Recorder  # noqa: E402
from spoonbill.testing.slow import Slow  # noqa: E402
from spoonbill.testing.spy_store import SpyStore  # noqa: E402

__all__ = [
    "AsyncContract",
    "Awaited",
    "BackendContract",
    "Bridged",
    "Call",
    "Counting",
    "Faulty",
    "FaultyProxy",
    "LayerContract",
    "Recorder",
    "Slow",
    "SpyStore",
    "StoreContract",
    "check_history",
    "killed",
    "machine_for",
    "refuses_every_write",
]
