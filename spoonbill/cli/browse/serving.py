"""The server of the page, on loopback."""

import secrets
import socket
from collections.abc import Callable
from typing import Any

import uvicorn

from spoonbill.cli.browse.application import application
from spoonbill.cli.browse.guard import Guard
from spoonbill.store import Store

__all__ = ["serve"]


def serve(store: Store[Any, Any], *, port: int, write: bool, ready: Callable[[str], object]) -> None:
    """Serve the page of a store until Ctrl-C; `ready` is called with its address when it answers."""
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        listening.listen()
        taken = listening.getsockname()[1]
        token = secrets.token_urlsafe(24)
        app: Any = Guard(application(store, write=write), token, taken)
        configuration = uvicorn.Config(
            app, log_level="error", access_log=False, server_header=False, timeout_graceful_shutdown=2
        )
        ready(f"http://127.0.0.1:{taken}/{token}/")
        uvicorn.Server(configuration).run(sockets=[listening])
