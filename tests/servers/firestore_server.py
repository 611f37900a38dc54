"""A Firestore server for the tests: our own servicer in a process of its own."""

import sys
from pathlib import Path

from google.auth.credentials import AnonymousCredentials

from tests.servers.process import ServerProcess

ROOT = Path(__file__).parents[2]
PROJECT = "tests"
HOST = "FIRESTORE_EMULATOR_HOST"
"""The variable that Google's client takes a server's address from."""


def firestore_server() -> ServerProcess:
    """Return a server with no documents, to be used as a context manager."""
    return ServerProcess(
        lambda port, _: [sys.executable, "-m", "tests.servers.firestore.servicer", str(port)],
        environment={"PYTHONPATH": str(ROOT)},
    )


OPTIONS = {"project": PROJECT, "credentials": AnonymousCredentials()}
"""What the client needs, though the server does not look at it."""
