"""The way to a Redis cluster: each key to the server that has its slot."""

from collections.abc import Callable, Sequence
from typing import Any

from redis.crc import key_slot
from redis.exceptions import AskError, MovedError, ResponseError, TryAgainError

from spoonbill.backends.redis.connection import Command, RedisConnection
from spoonbill.backends.redis.wire import exchange, pack
from spoonbill.common.failures import suppress_failures

_ASKING = pack((b"ASKING",))
_EPOCH = b"cluster_current_epoch:"
_IMPORTS = b"-<-"


class ClusterConnection(RedisConnection):
    """A cluster, over the pools that its client keeps for the servers.

    The client's own dispatch is not used: it repeats what is not safe to repeat, and sends no batches.
    """

    def call(self, command: Command, again: bool = True) -> Any:
        name = command[3] if command[0] == "EVAL" else command[1]

        def attempt() -> Any:
            return self._follow(lambda: exchange(self.pool_of(name), command, again), command)

        return self.retry(attempt)

    def batch(self, commands: Sequence[Sequence[bytes]], again: bool = True) -> list[Any]:
        replies: list[Any] = [None] * len(commands)
        by_pool: dict[Any, list[int]] = {}

        def sort() -> None:
            by_pool.clear()
            for index, command in enumerate(commands):
                by_pool.setdefault(self.pool_of(command[1]), []).append(index)

        self.retry(sort)
        for pool, indexes in by_pool.items():
            found = self._send(pool, [commands[index] for index in indexes], again)
            for index, reply in zip(indexes, found, strict=True):
                replies[index] = reply
        return replies

    def _send(self, pool: Any, commands: list[Sequence[bytes]], again: bool) -> list[Any]:
        """Send commands to one server; those that it refers elsewhere, or cannot take as a whole, go one by one."""
        data = b"".join(map(pack, commands))
        replies = self.ask_packed(pool, data, again, len(commands))
        return [
            self._once_more(command, reply, again) if isinstance(reply, ResponseError) else reply
            for command, reply in zip(commands, replies, strict=True)
        ]

    def ask_packed(self, pool: Any, data: bytes, again: bool, count: int) -> list[Any]:
        """Return one server's answers to packed commands, errors included."""
        return self.retry(lambda: exchange(pool, data, again, count))  # type: ignore[no-any-return]

    def _once_more(self, command: Sequence[bytes], error: ResponseError, again: bool) -> Any:
        if isinstance(error, (MovedError, AskError)):
            self.repair(error)
            return self._whole_or_singly(command, again)
        if isinstance(error, TryAgainError):
            return self._singly(command, again)
        raise error

    def _whole_or_singly(self, command: Sequence[bytes], again: bool) -> Any:
        try:
            return self._follow(lambda: exchange(self.pool_of(command[1]), command, again), command)
        except TryAgainError:
            return self._singly(command, again)

    def _singly(self, command: Sequence[bytes], again: bool) -> Any:
        """Do a command of many keys key by key: while a slot moves, its keys are at two servers."""
        verb, *words = command
        if verb == b"MGET":
            return [self.call((b"GET", word), again) for word in words]
        if verb == b"MSET":
            return [self.call((b"SET", *pair), again) for pair in zip(words[::2], words[1::2], strict=True)]
        if verb in {b"UNLINK", b"DEL", b"EXISTS"}:
            return sum(self.call((verb, word), again) for word in words)
        return self.call(command, again)

    def _follow(self, attempt: Callable[[], Any], command: Command) -> Any:
        """Return what `attempt` returns, or what the server says that it names for this one command."""
        try:
            return attempt()
        except AskError as error:
            node = self.open_client().get_node(host=error.host, port=error.port)
            if node is None:
                raise
            pool = self.open_client().get_redis_connection(node).connection_pool
            return _ask_importing(pool, command)

    def parts(self, names: list[bytes]) -> list[list[bytes]]:
        by_slot: dict[int, list[bytes]] = {}
        for name in names:
            by_slot.setdefault(key_slot(name), []).append(name)
        return list(by_slot.values())

    def pool_of(self, name: bytes) -> Any:
        return self.pool_of_slot(key_slot(name))

    def pool_of_slot(self, slot: int) -> Any:
        """Return the pool of connections to the server that has a slot."""
        client = self.open_client()
        return client.get_redis_connection(client.nodes_manager.get_node_from_slot(slot)).connection_pool

    def importing(self) -> list[Any]:
        """Return the pools of the servers that are taking slots over from others."""
        return [pool for pool in self.servers() if _IMPORTS in self.ask(pool, ("CLUSTER", "NODES"))]

    def servers(self) -> list[Any]:
        def attempt() -> list[Any]:
            client = self.open_client()
            client.nodes_manager.initialize()  # a primary that joined since would not be asked
            return [client.get_redis_connection(node).connection_pool for node in client.get_primaries()]

        return self.retry(attempt)  # type: ignore[no-any-return]

    def mark(self) -> list[Any]:
        pools = self.servers()
        return sorted((self.run_of(pool) or b"", self._epoch_of(pool)) for pool in pools)

    def _epoch_of(self, pool: Any) -> bytes:
        try:
            lines: bytes = self.ask(pool, ("CLUSTER", "INFO"))
        except ResponseError:  # not everybody may ask
            return b""
        return lines.partition(_EPOCH)[2].split(b"\r\n", 1)[0]

    def repair(self, error: Exception) -> None:  # noqa: ARG002 - whatever it was, the servers may have changed
        if self.client is not None:
            with suppress_failures():  # the next attempt tells what is wrong
                self.client.nodes_manager.initialize()


def _ask_importing(pool: Any, command: Command) -> Any:
    """Send a command to a server that is taking its slot over."""
    connection = pool.get_connection()
    try:
        connection.send_packed_command([_ASKING, *connection.pack_command(*command)])
        connection.read_response(disable_decoding=True)
        return connection.read_response(disable_decoding=True)
    except ResponseError:
        raise
    except BaseException:
        connection.disconnect()
        raise
    finally:
        pool.release(connection)
