"""One server process: started on a free port, waited for, stopped with everything that it started."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

STARTS_WITHIN = 60.0
"""Seconds that a server may take until its port answers; the slowest takes three on an idle machine."""


def free_port() -> int:
    """Return a TCP port of loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ServerProcess:
    """A server as a context manager.

    Parameters
    ----------
    command : callable
        Takes a port and an empty directory, and returns the command line that serves there.
    environment : dict, optional
        Variables on top of this process's own.
    port : int, optional
        Where to serve, for a server that is started again; a free one otherwise.

    Raises
    ------
    RuntimeError
        If the server ends, or does not answer in time, in two attempts. The message holds what it printed.
    """

    def __init__(
        self,
        command: Callable[[int, Path], Sequence[str]],
        environment: dict[str, str] | None = None,
        port: int | None = None,
    ) -> None:
        self._command = command
        self.user: dict[str, Any] = {}
        self._environment = environment or {}
        self._wanted = port
        self.port = 0
        self.directory = Path()

    def __enter__(self) -> Self:
        try:
            self._start()
        except RuntimeError:
            self._start()  # the port may have been taken since it was found free
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    @property
    def pid(self) -> int:
        """The process that was started, which leads its group."""
        return self._process.pid

    def stop(self, signum: int = signal.SIGKILL) -> None:
        """Stop the whole process group and wait for its leader. Stopping twice is no error."""
        try:
            os.killpg(self._process.pid, signum)
        except ProcessLookupError:
            pass
        self._process.wait()

    def pause(self) -> None:
        """Let every process of the server stand still, and return when they do: a signal takes its time."""
        self._signal_each(signal.SIGSTOP)
        deadline = time.monotonic() + STARTS_WITHIN
        while not all(_stands(pid) for pid in self._pids()):
            if time.monotonic() > deadline:
                raise RuntimeError("the server does not stand still")
            time.sleep(0.001)

    def resume(self) -> None:
        """Let a paused server go on."""
        self._signal_each(signal.SIGCONT)

    def _pids(self) -> list[int]:
        """Return the processes of the server that can be paused."""
        return [self.pid]

    def _signal_each(self, signum: int) -> None:
        os.killpg(self.pid, signum)

    def restart(self) -> None:
        """Start it again on the same port, with an empty directory."""
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)
        self._wanted = self.port
        self._start()

    def start_again(self) -> None:
        """Start the stopped server on the same port, over what it left in its directory."""
        self.stop()
        self._wanted = self.port
        self._launch()

    def _start(self) -> None:
        self.port = self._wanted or free_port()
        self.directory = Path(tempfile.mkdtemp(prefix="spoonbill-server-"))
        self._launch()

    def _launch(self) -> None:
        log = self.directory / "server.log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [str(word) for word in self._command(self.port, self.directory)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.directory,
                env={**os.environ, **self._environment},
                start_new_session=True,
                **self.user,
            )
        try:
            self._wait(log)
        except RuntimeError:
            self.stop()
            raise

    def _wait(self, log: Path) -> None:
        deadline = time.monotonic() + STARTS_WITHIN
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError(f"the server ended with code {self._process.returncode}: {log.read_text()[-2000:]}")
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise RuntimeError(f"port {self.port} did not answer in {STARTS_WITHIN} s: {log.read_text()[-2000:]}")


def _stands(pid: int) -> bool:
    """Return whether every thread of a process is stopped; one that has ended stands too."""
    try:
        states = [
            (task / "stat").read_text().rpartition(")")[2].split()[0] for task in Path(f"/proc/{pid}/task").iterdir()
        ]
    except FileNotFoundError:
        return not Path(f"/proc/{pid}").exists()
    return all(state == "T" for state in states)
