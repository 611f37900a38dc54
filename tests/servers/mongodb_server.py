"""A MongoDB server for the tests: SecantusDB, which speaks the wire protocol over WiredTiger."""

import sys
from pathlib import Path

from tests.servers.process import ServerProcess


def mongodb_server() -> ServerProcess:
    """Return a server with an empty database in memory, to be used as a context manager."""
    program = Path(sys.executable).parent / "secantusd-py"
    return ServerProcess(
        lambda port, _: [str(program), "--host", "127.0.0.1", "--port", str(port), "--storage-path", ":memory:"]
    )
