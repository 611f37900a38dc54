"""The conformance kit: subclass `StoreContract`, and know that your store keeps every promise of the contract.

Needs pytest and hypothesis: ``pip install 'spoonbill-framework[test]'``.
"""

from spoonbill.testing.contract import StoreContract
from spoonbill.testing.machine import machine_for

__all__ = ["StoreContract", "machine_for"]
