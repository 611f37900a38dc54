"""What backends share whose engine has a client of its own: importing the client, and holding its handle."""

from spoonbill.backends.shared.connection import Connection
from spoonbill.backends.shared.extras import client_module

__all__ = ["Connection", "client_module"]
