"""How a Redis server tells of changes: client-side caching in broadcasting mode, on two connections of its own."""

from collections.abc import Generator
from contextlib import closing
from typing import Any, Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from spoonbill.backends.redis.connection import RedisConnection
from spoonbill.backends.redis.names import Names

__all__ = ["watched"]

_CHANNEL: Final = "__redis__:invalidate"
_PATIENCE: Final = 1.0
"""Seconds after which silent connections are tried."""

_OF_THE_POOL: Final = ("maint_", "orig_")
"""How the names of options begin that a pool adds to its connections for itself."""


def changes(client: Any, head: bytes) -> Generator[list[bytes] | None, None, None]:
    """Yield None when this listens, and for a flush; then the names that change; an empty list now and then.

    Parameters
    ----------
    client : redis.Redis
        Whose settings the connections have.
    head : bytes
        What the names begin with.
    """
    pool = client.connection_pool
    options = {name: value for name, value in pool.connection_kwargs.items() if not name.startswith(_OF_THE_POOL)}
    # With the older protocol the messages come as those of a channel. A connection that is lost is not made anew
    # behind our back: what was sent meanwhile would be missed.
    options |= {"protocol": 2, "decode_responses": False, "retry": Retry(NoBackoff(), 0)}
    own: Any = redis.Redis(connection_pool=redis.ConnectionPool(connection_class=pool.connection_class, **options))
    with closing(own), closing(own.pubsub()) as heard, closing(own.client()) as asking:
        heard.execute_command("CLIENT", "ID")
        number = int(heard.parse_response(block=True))
        heard.subscribe(_CHANNEL)
        prefix = ("PREFIX", head) if head else ()
        asking.execute_command("CLIENT", "TRACKING", "ON", "REDIRECT", number, "BCAST", *prefix)
        yield None
        while True:
            message = heard.get_message(ignore_subscribe_messages=True, timeout=_PATIENCE)
            if message is not None and message["type"] == "message":
                yield message["data"]
                continue
            if asking.execute_command("CLIENT", "GETREDIR") != number:
                raise redis.ConnectionError("the server no longer tells of changes")
            yield []


def watched(connection: RedisConnection, names: Names) -> Generator[list[Any] | None, None, None]:
    """Yield what `changes` does, as keys of a store; raises when the store is closed."""
    for found in changes(connection.open_client(), names.head):
        connection.open_client()
        yield None if found is None else names.keys(found)
