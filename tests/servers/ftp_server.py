"""An FTP server for the tests: pyftpdlib in a process of its own, over a folder that the tests can look into."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.process import ServerProcess

USER = "user"
PASSWORD = "hush-hush"

_PROGRAM = """
import sys
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import ThreadedFTPServer

authorizer = DummyAuthorizer()
authorizer.add_user(sys.argv[2], sys.argv[3], sys.argv[4], perm="elradfmwMT")
FTPHandler.authorizer = authorizer
ThreadedFTPServer(("127.0.0.1", int(sys.argv[1])), FTPHandler).serve_forever()
"""


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve a folder; yield the URL, with user and password, of its root."""

    def command(port: int, _: Path) -> list[str]:
        return [sys.executable, "-c", _PROGRAM, str(port), USER, PASSWORD, str(folder)]

    with ServerProcess(command) as server:
        yield f"ftp://{USER}:{PASSWORD}@127.0.0.1:{server.port}"
