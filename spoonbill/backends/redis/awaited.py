"""Connections to a Redis server that an event loop waits for, used as those of the synchronous pool are."""

import asyncio
import select
from typing import Any, Final

import redis.asyncio as theirs
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from spoonbill.backends.redis.client import TIMEOUT, Recipe
from spoonbill.backends.redis.line import Line, packed
from spoonbill.backends.redis.wire import LostAnswerError, is_undecided, raise_failed
from spoonbill.backends.shared.loop_pool import LoopPool
from spoonbill.common.bridging.bridge import wait_for
from spoonbill.common.locks import waiting_lock

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
    """The connections of one event loop: a line for all commands, and a pool for those that watch a key.

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
        self._timeout = options["socket_timeout"]
        self._line: Line | None = None
        self._lining = waiting_lock()

    def _made(self) -> AwaitedConnection:
        return AwaitedConnection(self._client.connection_pool.make_connection())

    def exchange(self, sent: Any, again: bool, count: int) -> Any:
        """Send over the line and return the answer, as `wire.exchange` does."""
        line = self._line
        if line is None or not line.is_alive():
            line = self._connected()
        line.wait_for_room()
        asked = line.ask(sent if count else packed(sent), count or 1)  # what failed so far has sent nothing
        try:
            replies = wait_for(asked)
        except Exception as error:
            if not again and is_undecided(error):
                raise LostAnswerError(str(error)) from error
            raise
        return replies if count else raise_failed(replies)[0]

    def _connected(self) -> Line:
        with self._lining:
            if self._line is None or not self._line.is_alive():
                self._drop_line()
                connection = self._client.connection_pool.make_connection()
                try:
                    wait_for(connection.connect())
                except BaseException:
                    wait_for(connection.disconnect(nowait=True))
                    raise
                self._line = Line(connection, self._timeout)
            return self._line

    def _drop_line(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.close()
            wait_for(line.connection.disconnect(nowait=True))

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
        self._drop_line()
        for connection in self._pool.connections:
            connection.disconnect()
        wait_for(asyncio.sleep(0))  # the loop closes their sockets in its next round
