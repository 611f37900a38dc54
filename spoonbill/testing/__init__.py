"""The conformance kit: subclass one of its contracts, and know that your store keeps every promise.

`BackendContract` is for an engine, `LayerContract` for a layer, `StoreContract` for any other store; `machine_for`
makes a hypothesis state machine that drives a store beside a dict. Needs pytest and hypothesis:
``pip install 'spoonbill-framework[test]'``.
"""

from spoonbill.testing.backend_contract import BackendContract
from spoonbill.testing.contract import StoreContract, refuses_every_write
from spoonbill.testing.layer_contract import LayerContract, Recorder
from spoonbill.testing.machine import machine_for

__all__ = ["BackendContract", "LayerContract", "Recorder", "StoreContract", "machine_for", "refuses_every_write"]
