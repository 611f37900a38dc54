"""A store as a ``BaseStore`` of LangChain."""

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, TypeVar

from langchain_core.stores import BaseStore

from spoonbill.aio import AsyncStore
from spoonbill.query import prefix as begins_with
from spoonbill.store import Store

__all__ = ["LangChainAdapter"]

V = TypeVar("V")


class LangChainAdapter(BaseStore[str, V]):
    """Any store of ours as LangChain's key-value store: a ``ByteStore`` where its values are bytes.

    A batch is one batch of the engine. The methods whose names begin with ``a`` await the store's asynchronous face.

    Parameters
    ----------
    store : Store or AsyncStore
        A store with str keys. It stays open: it was handed in.

    Examples
    --------
    ::

        from langchain_classic.embeddings import CacheBackedEmbeddings

        kept = LangChainAdapter(Prefixed(RedisStore(url, codec=None), "embeddings:"))
        embeddings = CacheBackedEmbeddings.from_bytes_store(model, kept)
    """

    def __init__(self, store: Store[str, Any] | AsyncStore[str, Any]) -> None:
        self.store: AsyncStore[str, Any] = store if isinstance(store, AsyncStore) else AsyncStore(store)

    def mget(self, keys: Sequence[str]) -> list[V | None]:
        return self.store.sync.get_many(keys)

    async def amget(self, keys: Sequence[str]) -> list[V | None]:
        return await self.store.get_many(keys)

    def mset(self, key_value_pairs: Sequence[tuple[str, V]]) -> None:
        self.store.sync.set_many(key_value_pairs)

    async def amset(self, key_value_pairs: Sequence[tuple[str, V]]) -> None:
        await self.store.set_many(key_value_pairs)

    def mdelete(self, keys: Sequence[str]) -> None:
        self.store.sync.delete_many(keys)

    async def amdelete(self, keys: Sequence[str]) -> None:
        await self.store.delete_many(keys)

    def yield_keys(self, *, prefix: str | None = None) -> Iterator[str]:
        yield from self.store.sync.scan(begins_with(prefix or ""))

    async def ayield_keys(  # pyright: ignore[reportIncompatibleMethodOverride] # theirs is such a generator too
        self, *, prefix: str | None = None
    ) -> AsyncIterator[str]:
        async for key in self.store.scan(begins_with(prefix or "")):
            yield key
