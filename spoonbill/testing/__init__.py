"""The conformance kit: subclass one of its contracts, and know that your store keeps every promise.

`BackendContract` is for an engine, `LayerContract` for a layer, `StoreContract` for any other store; `machine_for`
makes a hypothesis state machine that drives a store beside a dict. Needs pytest and hypothesis:
``pip install 'spoonbill-framework[test]'``.
"""

import pytest

# So that a promise that is broken shows the values, as in tests of your own.
_RULES = ("contract", "scale_rules", "race_rules", "content_rules", "backend_contract", "layer_contract")
pytest.register_assert_rewrite(*(f"{__name__}.{name}" for name in _RULES))

from spoonbill.testing.backend_contract import BackendContract  # noqa: E402 - after the line above
from spoonbill.testing.contract import StoreContract, refuses_every_write  # noqa: E402
from spoonbill.testing.faulty_proxy import FaultyProxy  # noqa: E402
from spoonbill.testing.layer_contract import LayerContract, Recorder  # noqa: E402
from spoonbill.testing.machine import machine_for  # noqa: E402

__all__ = [
    "BackendContract",
    "FaultyProxy",
    "LayerContract",
    "Recorder",
    "StoreContract",
    "machine_for",
    "refuses_every_write",
]
