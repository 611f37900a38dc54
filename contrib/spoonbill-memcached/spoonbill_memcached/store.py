"""The named store: a stack of layers over the backend."""

from typing import Any, TypeVar

from spoonbill import Codec, MetadataIndex, Store
from spoonbill.store.named import NamedStore
from spoonbill_memcached.backend import Memcached

__all__ = ["MemcachedStore"]

K = TypeVar("K")
V = TypeVar("V")


class MemcachedStore(NamedStore[K, V]):
    """Values in a memcached server, with their types.

    Parameters
    ----------
    server : str, optional
        ``"host:port"``, or the path of a socket.
    prefix : str, optional
        What all keys on the server begin with.
    ttl : float, optional
        Seconds after which an entry expires, where a write gives none.
    index : Store, optional
        Keeps the keys, so that they can be listed and searched: any store that lists its own. Memcached cannot.
    strict : bool, optional
        False also holds what only pickle and cloudpickle can.
    codec : str or object, optional
        How values are written; ``"msgpack"`` where strict, else ``"cloudpickle"``.
    **client_options
        For ``pymemcache.client.base.PooledClient``.
    """

    def __init__(
        self,
        server: str = "localhost:11211",
        *,
        prefix: str = "",
        ttl: float | None = None,
        index: Store[Any, Any] | None = None,
        strict: bool = True,
        codec: str | object | None = None,
        **client_options: Any,
    ) -> None:
        held: Store[Any, Any] = Memcached(server, prefix=prefix, ttl=ttl, **client_options)
        if index is not None:
            held = MetadataIndex(held, index)
        super().__init__(Codec(held, codec, strict=strict))
