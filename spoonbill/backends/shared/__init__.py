"""What backends share whose engine has a client: its import, its handle, what its errors mean, repeated calls."""

from spoonbill.backends.shared.connection import Connection
from spoonbill.backends.shared.error_guide import ErrorGuide
from spoonbill.backends.shared.extras import client_module

__all__ = ["Connection", "ErrorGuide", "client_module"]
