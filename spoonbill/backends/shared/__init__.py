"""What backends share whose engine has a client: its import, its handle, what its errors mean, repeated calls."""

from spoonbill.backends.shared.connection import Connection
from spoonbill.backends.shared.extras import client_module
from spoonbill.backends.shared.handed_in import check_client, check_spelling, refused_option, unknown_option
from spoonbill.backends.shared.watching import Heard, Watch
from spoonbill.common.error_guide import ErrorGuide

__all__ = [
    "Connection",
    "ErrorGuide",
    "Heard",
    "Watch",
    "check_client",
    "check_spelling",
    "client_module",
    "refused_option",
    "unknown_option",
]
