"""A server for `modal.Dict`, our own servicer in a process of its own, and how a client is led to it."""

import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.servers.modal.servicer import SECRET
from tests.servers.process import ServerProcess

ROOT = Path(__file__).parents[2]


def modal_server(port: int | None = None) -> ServerProcess:
    """Return a server without any Dict, to be used as a context manager."""

    def command(port: int, folder: Path) -> list[str]:
        settings = [f"{name}={value}" for name, value in environment(port).items()]  # for the functions that it runs
        servicer = [sys.executable, "-m", "tests.servers.modal.servicer", str(port), str(folder / "control")]
        return ["env", *settings, *servicer]

    return ServerProcess(command, {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'examples'}"}, port=port)


def environment(port: int) -> dict[str, str]:
    """Return the variables that lead modal's client to a server; they must be there before it is first used."""
    return {
        "MODAL_SERVER_URL": f"http://127.0.0.1:{port}",
        "MODAL_TOKEN_ID": "ak-of-the-tests",
        "MODAL_TOKEN_SECRET": SECRET,
        "MODAL_CONFIG_PATH": os.fspath(ROOT / "no-such-modal.toml"),
    }


@contextmanager
def served() -> Iterator[ServerProcess]:
    """Start a server and make it the one of this process, for as long as the context lasts."""
    with modal_server() as server, led_to(server.port):
        yield server


@contextmanager
def led_to(port: int) -> Iterator[None]:
    """Lead modal's client of this process to a server; the client that it had before is forgotten."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(port).items():
            patch.setenv(name, value)
        import modal  # not before the environment says where its configuration is

        modal.Client._set_env_client(None)
        try:
            yield
        finally:
            modal.Client._set_env_client(None)


def control(server: ServerProcess, do: str, **order: Any) -> dict[str, Any]:
    """Tell a server something on its control line, and return its answer."""
    port = int((server.directory / "control").read_text())
    with socket.create_connection(("127.0.0.1", port)) as line, line.makefile("rw") as file:
        file.write(json.dumps({"do": do, **order}) + "\n")
        file.flush()
        answer: dict[str, Any] = json.loads(file.readline())
        return answer


def calls(server: ServerProcess) -> dict[str, int]:
    """Return how often each call was made since the last time, and count anew."""
    made = control(server, "calls")
    control(server, "reset")
    return {name: number for name, number in made.items() if name != "side by side"}
