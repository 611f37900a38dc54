"""What backends share whose engine has a client of its own: importing the client, and holding its handle."""

from spoonbill.clients.connection import Connection
from spoonbill.clients.extras import client_module

__all__ = ["Connection", "client_module"]
