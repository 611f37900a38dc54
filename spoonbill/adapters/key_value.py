"""A store as an ``AsyncKeyValue`` of py-key-value."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from key_value.aio.stores.base import BaseContextManagerStore, BaseEnumerateKeysStore, BaseStore, ManagedEntry

from spoonbill.aio import AsyncStore
from spoonbill.common.sentinels import MISSING
from spoonbill.query import prefix
from spoonbill.store import Store

__all__ = ["KeyValueAdapter"]


class KeyValueAdapter(BaseEnumerateKeysStore, BaseContextManagerStore, BaseStore):
    """Any store of ours for the users of py-key-value, such as FastMCP.

    An entry is the document that py-key-value's own stores write, ``{"value": ..., "created_at": ..., "expires_at":
    ...}``, under the key ``collection:key``; in a collection's name ``%`` and ``:`` are written ``%25`` and ``%3A``.
    Where the store can expire entries it does; otherwise an expired one is absent, and stays until it is overwritten.
    A batch is one batch of the engine. `close` leaves the store open: it was handed in.

    Parameters
    ----------
    store : Store or AsyncStore
        A store of documents under str keys.
    default_collection : str, optional
        The collection of calls that name none.

    Examples
    --------
    >>> import asyncio
    >>> from spoonbill.datastores import InMemoryStore
    >>> async def main():
    ...     adapter = KeyValueAdapter(InMemoryStore())
    ...     await adapter.put("ada", {"age": 36}, collection="people")
    ...     return await adapter.get("ada", collection="people")
    >>> asyncio.run(main())
    {'age': 36}
    """

    def __init__(self, store: Store[str, Any] | AsyncStore[str, Any], *, default_collection: str | None = None) -> None:
        self.store: AsyncStore[str, Any] = store if isinstance(store, AsyncStore) else AsyncStore(store)
        super().__init__(default_collection=default_collection, stable_api=True, client_provided_by_user=True)

    async def _get_managed_entry(self, *, collection: str, key: str) -> ManagedEntry | None:
        return (await self._get_managed_entries(collection=collection, keys=[key]))[0]

    async def _get_managed_entries(self, *, collection: str, keys: Sequence[str]) -> list[ManagedEntry | None]:
        documents = await self.store.get_many([_name(collection, key) for key in keys], MISSING)
        return [None if one is MISSING else self._serialization_adapter.load_dict(data=one) for one in documents]

    async def _put_managed_entry(self, *, collection: str, key: str, managed_entry: ManagedEntry) -> None:
        document = self._document(managed_entry)
        await self.store.set(_name(collection, key), document, ttl=self._expiry(managed_entry.ttl))

    async def _put_managed_entries(
        self,
        *,
        collection: str,
        keys: Sequence[str],
        managed_entries: Sequence[ManagedEntry],
        ttl: float | None,
        created_at: datetime,  # noqa: ARG002 - it stands in each entry
        expires_at: datetime | None,  # noqa: ARG002
    ) -> None:
        documents = [self._document(entry) for entry in managed_entries]
        names = [_name(collection, key) for key in keys]
        await self.store.set_many(zip(names, documents, strict=True), ttl=self._expiry(ttl))

    async def _delete_managed_entry(self, *, key: str, collection: str) -> bool:
        return await self.store.delete(_name(collection, key))

    async def _delete_managed_entries(self, *, keys: Sequence[str], collection: str) -> int:
        return await self.store.delete_many([_name(collection, key) for key in keys])

    async def _get_collection_keys(self, *, collection: str, limit: int | None = None) -> list[str]:
        before = _name(collection, "")
        return [name[len(before) :] for name in await self.store.keys(prefix(before), limit)]

    def _document(self, entry: ManagedEntry) -> dict[str, Any]:
        """Return an entry as a document.

        Raises
        ------
        SerializationError
            If a value is nothing that JSON holds, as the protocol has it.
        """
        self._serialization_adapter.dump_json(entry=entry)
        return self._serialization_adapter.dump_dict(entry=entry)

    def _expiry(self, ttl: float | None) -> float | None:
        """Return the time to live where the store's own expiry takes it."""
        return ttl if ttl is not None and ttl > 0 and "ttl" in self.store.sync.features else None


def _name(collection: str, key: str) -> str:
    return f"{collection.replace('%', '%25').replace(':', '%3A')}:{key}"
