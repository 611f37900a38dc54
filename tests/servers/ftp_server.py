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
authorizer.add_user(sys.argv[2], sys.argv[3], sys.argv[4], perm=sys.argv[5])
FTPHandler.authorizer = authorizer
FTPHandler.proto_cmds = {name: row for name, row in FTPHandler.proto_cmds.items() if name not in sys.argv[6:]}
ThreadedFTPServer(("127.0.0.1", int(sys.argv[1])), FTPHandler).serve_forever()
"""


@contextmanager
def serving(folder: Path, *, perm: str = "elradfmwMT", without: tuple[str, ...] = ()) -> Iterator[str]:
    """Serve a folder; yield the URL, with user and password, of its root.

    Parameters
    ----------
    folder : Path
        The folder.
    perm : str
        What the user may do, in pyftpdlib's letters; `l` is listing.
    without : tuple of str
        Commands that this server does not know.
    """

    def command(port: int, _: Path) -> list[str]:
        return [sys.executable, "-c", _PROGRAM, str(port), USER, PASSWORD, str(folder), perm, *without]

    with ServerProcess(command) as server:
        yield f"ftp://{USER}:{PASSWORD}@127.0.0.1:{server.port}"
