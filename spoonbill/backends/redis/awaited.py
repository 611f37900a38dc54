"""Connections to a Redis server that an event loop waits for, used as those of the synchronous pool are."""

import select
from typing import Any, Final

import redis.asyncio as theirs
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from spoonbill.backends.redis.client import TIMEOUT, Recipe
from spoonbill.backends.shared.loop_pool import LoopPool
from spoonbill.common.bridging.bridge import wait_for

__all__ = ["AwaitedPool", "can_await"]

_MOST: Final = 64
"""Connections of one event loop, where the user bounds them by no ``max_connections``."""

_SYNCHRONOUS: Final = frozenset({"retry", "credential_provider", "connection_class", "connection_pool", "cache_config"})
"""Options that hold objects of the synchronous client."""


def can_await(recipe: Recipe) -> bool:
    """Return whether an event loop can wait for this server itself."""
    return recipe.kind == "server" and not _SYNCHRONOUS & recipe.options.keys()


class AwaitedConnection:
    """A connection of redis.asyncio behind the calls of a synchronous one."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.pack_command = connection.pack_command
        self._poll: Any = None

    def connect(self) -> None:
        """Connect, where it is not or where the server closed it meanwhile: the loop may not have heard of that yet."""
        if self.connection.is_connected:
            if not self._poll.poll(0):
                return
            self.disconnect()
        wait_for(self.connection.connect())
        self._poll = select.poll()
        self._poll.register(self.socket, select.POLLIN)

    @property
    def socket(self) -> Any:
        return self.connection._writer.get_extra_info("socket")  # noqa: SLF001 - the client shows it nowhere else

    def send_packed_command(self, data: Any) -> None:
        wait_for(self.connection.send_packed_command(data, check_health=False))

    def read_response(self, *, disable_decoding: bool) -> Any:
        return wait_for(self.connection.read_response(disable_decoding=disable_decoding))

    def disconnect(self) -> None:
        wait_for(self.connection.disconnect(nowait=True))


class AwaitedPool:
    """A pool of one event loop.

    Parameters
    ----------
    recipe : Recipe
        Of a server.
    """

    def __init__(self, recipe: Recipe) -> None:
        defaults = {"socket_timeout": TIMEOUT, "socket_connect_timeout": TIMEOUT, "retry": Retry(NoBackoff(), 0)}
        options = {**defaults, **recipe.options}
        most = options.pop("max_connections", None) or _MOST
        self._client: Any = theirs.Redis(**options)
        self._pool: LoopPool[AwaitedConnection] = LoopPool(self._made, most)

    def _made(self) -> AwaitedConnection:
        return AwaitedConnection(self._client.connection_pool.make_connection())

    def get_connection(self) -> AwaitedConnection:
        """Lend a connection that is open."""
        connection = self._pool.take()
        try:
            connection.connect()
        except BaseException:
            connection.disconnect()  # it may be in the middle of its greeting
            self.release(connection)
            raise
        return connection

    def release(self, connection: AwaitedConnection) -> None:
        """Take one back."""
        self._pool.give(connection)

    def close(self) -> None:
        """Close all connections, in a bridge of the loop."""
        for connection in self._pool.connections:
            connection.disconnect()
