"""The way to a Redis server: commands out, replies in, and what is safe to repeat repeated."""

import random
import re
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import redis.exceptions as theirs

from spoonbill.backends.redis.awaited import AwaitedPool, can_await
from spoonbill.backends.redis.client import Recipe, secrets_of
from spoonbill.backends.redis.wire import exchange, pack, raise_failed, watch
from spoonbill.common.bridging.bridge import current
from spoonbill.common.bridging.bridge import pause as wait
from spoonbill.common.bridging.loop_handles import LoopHandles
from spoonbill.common.locks import new_lock
from spoonbill.errors import ClosedError, UnsupportedError

_PASSING = (
    theirs.ConnectionError,
    theirs.TimeoutError,
    theirs.ClusterDownError,
    theirs.TryAgainError,
    theirs.MovedError,
    theirs.AskError,
    theirs.RedisClusterException,
)
_LASTING = (theirs.AuthenticationError, theirs.AuthorizationError)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.5
_RUN_ID = re.compile(rb"run_id:(\w+)")

Command = Sequence[Any]


class RedisConnection:
    """One server, over the pool of a client.

    Parameters
    ----------
    client : Redis or None
        A client that was handed in. It is never closed.
    recipe : Recipe or None
        Makes the client when it is first needed, where none was handed in.
    patience : float
        Seconds for which a call is tried again, where that is safe.
    """

    def __init__(self, client: Any, recipe: Recipe | None, patience: float) -> None:
        self.client = client
        self._recipe = recipe
        self._patience = patience
        self._guard = new_lock()
        self._closed = ""
        self._is_node: bool | None = None  # not known yet
        self._unlink = b"UNLINK"
        self._pool: Any = None
        self.loops: LoopHandles[AwaitedPool] | None = None
        if recipe is not None and can_await(recipe):
            self.loops = LoopHandles(partial(AwaitedPool, recipe), AwaitedPool.close)

    # -- one command -------------------------------------------------------------------------------------------

    def call(self, command: Command, again: bool = True) -> Any:
        """Return the answer to one command.

        Parameters
        ----------
        command : tuple
            The words; a key comes second (in ``EVAL`` fourth).
        again : bool
            Whether it is safe to repeat where the answer was lost. What was surely not done is repeated in any case.
        """
        try:
            return exchange(self._open_pool(), command, again)
        except Exception as error:
            return self.retry(lambda: exchange(self._open_pool(), command, again), error)

    def batch(self, commands: Sequence[Sequence[bytes]], again: bool = True) -> list[Any]:
        """Return the answers to several commands of bytes, sent together.

        Raises
        ------
        ResponseError
            The first of the answers that is an error.
        """
        data = b"".join(map(pack, commands))

        def attempt() -> list[Any]:
            return raise_failed(exchange(self._open_pool(), data, again, len(commands)))

        return self.retry(attempt)  # type: ignore[no-any-return]

    def parts(self, names: list[bytes]) -> list[list[bytes]]:
        """Return the keys as groups, each of which one command can hold."""
        return [names]

    def transaction(self, name: bytes, decide: Callable[[bytes | None], Sequence[bytes] | None]) -> bytes | None:
        """Watch a key, and change it if nobody else did.

        Parameters
        ----------
        name : bytes
            The key.
        decide : callable
            Gets the value (None: absent) and returns the command that changes the key, or None for no change.

        Returns
        -------
        bytes or None
            The value as it was.
        """
        return self.retry(lambda: watch(self.pool_of(name), name, decide))  # type: ignore[no-any-return]

    def pool_of(self, name: bytes) -> Any:  # noqa: ARG002 - a cluster needs it
        """Return the pool of connections to the server that has a key."""
        return self._open_pool()

    # -- each server -------------------------------------------------------------------------------------------

    def servers(self) -> list[Any]:
        """Return the pool of each server that holds keys."""
        if self._is_node is None:
            self._is_node = self.retry(self._looked_up)
        if self._is_node:
            raise UnsupportedError(
                "this server is a node of a cluster and holds a part of its keys: open the store with cluster=True, or "
                "hand in a redis.RedisCluster"
            )
        return [self._open_pool()]

    def _looked_up(self) -> bool:
        """Return whether the server is a node of a cluster; also False where it may not be asked."""
        try:
            return b"_mode:cluster" in exchange(self._open_pool(), ("INFO", "server"), True)
        except theirs.ResponseError:
            return False

    def unlink(self, name: bytes) -> bool:
        """Remove a key; return whether it was there."""
        return bool(sum(self.unlink_many([name])))

    def unlink_many(self, *parts: Sequence[bytes]) -> list[int]:
        """Remove keys, the groups of them in one command each: by DEL where the server, before 4.0, has no UNLINK."""
        try:
            return self.batch([(self._unlink, *part) for part in parts], again=False)
        except theirs.ResponseError as error:
            if self._unlink == b"DEL" or not str(error).lower().startswith("unknown command"):
                raise
            self._unlink = b"DEL"
            return self.unlink_many(*parts)

    def ask(self, pool: Any, command: Command, again: bool = True) -> Any:
        """Return the answer of one server."""
        return self.retry(lambda: exchange(pool, command, again))

    def mark(self) -> list[Any]:
        """Return what changes when a server starts anew, so that a cursor of its scan means nothing any more."""
        return [self.run_of(pool) for pool in self.servers()]

    def run_of(self, pool: Any) -> bytes | None:
        """Return what tells this run of a server from others; None where it may not be asked."""
        try:
            found = _RUN_ID.search(self.ask(pool, ("INFO", "server")))
        except theirs.ResponseError:  # not everybody may ask
            return None
        return found[1] if found else None

    # -- the client --------------------------------------------------------------------------------------------

    def _open_pool(self) -> Any:
        if self.loops is not None and current() is not None:
            if self._closed:
                raise ClosedError(self._closed)
            return self.loops()
        if self._pool is None:
            self._pool = self.open_client().connection_pool
        return self._pool

    def open_client(self) -> Any:
        """Return the client, made now if it was not.

        Raises
        ------
        ClosedError
            If the connection was closed.
        """
        with self._guard:
            if self._closed:
                raise ClosedError(self._closed)
            if self.client is None and self._recipe is not None:
                self.client = self._recipe.make()
            return self.client

    def close(self, message: str) -> None:
        """Close the client where it is our own; from now on every use raises ClosedError with this message."""
        with self._guard:
            self._closed = message
            self._pool = None
            client, self.client = self.client, None
        if self.loops is not None:
            self.loops.close()
        if self._recipe is not None and client is not None:
            client.close()

    @property
    def secrets(self) -> frozenset[str]:
        """The passwords in use, for who writes messages."""
        return secrets_of(self.client, self._recipe)

    # -- trouble -----------------------------------------------------------------------------------------------

    def retry(self, attempt: Callable[[], Any], error: Exception | None = None) -> Any:
        """Return what `attempt` returns, trying again with growing pauses while the trouble may pass.

        Parameters
        ----------
        attempt : callable
            Does the work. What it raises for trouble that may pass, it raises with nothing done.
        error : Exception, optional
            What a first attempt raised.
        """
        if error is None:
            try:
                return attempt()
            except Exception as first:
                error = first
        deadline = time.monotonic() + self._patience
        pause = _FIRST_PAUSE
        while isinstance(error, _PASSING) and not isinstance(error, _LASTING):
            if time.monotonic() + pause > deadline:
                break
            wait(pause * random.uniform(0.5, 1))  # noqa: S311 - so that clients do not come back all at once
            pause = min(2 * pause, _LONGEST_PAUSE)
            try:
                self.repair(error)
                return attempt()
            except Exception as later:
                error = later
        raise error

    def repair(self, error: Exception) -> None:
        """Do what may help before the next attempt."""
