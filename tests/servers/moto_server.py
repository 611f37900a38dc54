"""Moto's server for the tests of DynamoDB and S3, one request at a time.

Moto looks at a condition and then writes, with no lock between the two; the services do both in one step.
"""

import sys

from tests.servers.process import ServerProcess

_PROGRAM = """
import sys
import threading
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import run_simple

moto = DomainDispatcherApplication(create_backend_app)
turn = threading.Lock()

def one_at_a_time(environ, start_response):
    with turn:
        return list(moto(environ, start_response))

run_simple("127.0.0.1", int(sys.argv[1]), one_at_a_time, threaded=True, request_handler=MotoRequestHandler)
"""


def moto_server(port: int | None = None) -> ServerProcess:
    """Return a server that holds nothing, to be used as a context manager."""
    return ServerProcess(lambda port, _: [sys.executable, "-c", _PROGRAM, str(port)], port=port)
