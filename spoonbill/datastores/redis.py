"""RedisStore: strings under strings, or any object under any key, on a Redis or Valkey server."""

from typing import Any, Self

from spoonbill.common.generics import K, V
from spoonbill.layers.codec import Codec
from spoonbill.layers.strict_string import StrictString
from spoonbill.store.named import NamedStore


class RedisStore(NamedStore[K, V]):
    """The fastest shared store: plain keys on a Redis or Valkey server, one or many, that other programs read.

    Parameters
    ----------
    client : str or Redis or RedisCluster, optional
        A URL (``redis://``, ``rediss://``, ``unix://``, ``valkey://``, ``redis+sentinel://host:port/service/0``), or
        a client of redis-py, which this store never closes.
    strict : bool, optional
        True holds keys and values as Redis does: ``store[1] == store["1"] == "1"``. False holds any key and any value
        by pickle and cloudpickle, and runs what a stored pickle says: only on a server that you trust.
    prefix : str, optional
        This store's keys begin with it, and no other key is listed, counted or removed.
    codec : str or object, optional
        How values are written, if not as strings: ``"msgpack"``, ``"json"``, ``"raw"``, ... Keys are then any plain
        objects.
    ttl : float, optional
        Seconds after which the server removes an entry; ``store.set(key, value, ttl=60)`` says it for one.
    cluster : bool, optional
        Whether the URL is that of a node of a cluster.
    retry_for : float, optional
        Seconds for which a call is tried again while the server is away, where that is safe.
    **client_options
        For the client of redis-py, such as ``password``, ``socket_timeout`` or ``ssl_ca_certs``.
    """

    def __init__(
        self,
        client: Any = "redis://localhost:6379/0",
        strict: bool = True,
        prefix: str = "",
        *,
        codec: str | object | None = None,
        ttl: float | None = None,
        cluster: bool = False,
        retry_for: float = 5.0,
        **client_options: Any,
    ) -> None:
        from spoonbill.backends.redis.backend import Redis

        engine = Redis(client, prefix=prefix, ttl=ttl, cluster=cluster, retry_for=retry_for, **client_options)
        if strict and codec is None:
            super().__init__(StrictString(engine))
        else:
            super().__init__(Codec(engine, codec, strict=strict))

    @classmethod
    def from_connection(cls, host: str = "localhost", port: int = 6379, db: int = 0, **options: Any) -> Self:
        """Open the store of a server by its address.

        Parameters
        ----------
        host : str, optional
            Its name or IP address.
        port : int, optional
            Its TCP port.
        db : int, optional
            The number of the database.
        **options
            As for the class: ``password="..."``, ``prefix="..."``, ...
        """
        return cls(f"redis://{f'[{host}]' if ':' in host else host}:{port}/{db}", **options)

    def __reduce__(self) -> tuple[Any, ...]:
        from spoonbill.backends.redis.client import portable_configuration

        rebuild, (cls, arguments, options) = super().__reduce__()
        return rebuild, (cls, *portable_configuration(arguments, options))
