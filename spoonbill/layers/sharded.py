"""Entries spread over several stores."""

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any, TypeVar

from spoonbill.common.batching import batches
from spoonbill.common.progress import Progress, with_progress
from spoonbill.common.sentinels import MISSING
from spoonbill.keys import encode_key
from spoonbill.layers.partitioned import Partitioned
from spoonbill.store import Store
from spoonbill.store.binding import lasting

__all__ = ["Sharded"]

K = TypeVar("K")
V = TypeVar("V")


class Sharded(Partitioned[K, V]):
    """Spreads entries over stores by rendezvous hashing: where one of n stores comes or goes, one key in n moves.

    For many machines take the engine's own cluster first (Redis Cluster, DynamoDB, ...): it moves data while it serves.
    This is for engines that have none: LMDB files on several disks, folders, tables. Every process must name the same
    stores; with a list the name of a store is its position, so only the end of it may change without `reshard`.

    Parameters
    ----------
    stores : mapping of str to Store, or iterable of Store
        The stores, all of one kind, by names that stay. A name decides which keys a store has; its order does not.

    Examples
    --------
    >>> from spoonbill.datastores import InMemoryStore
    >>> store = Sharded({"disk1": InMemoryStore(), "disk2": InMemoryStore()})
    >>> store.update((str(number), number) for number in range(100))
    >>> [len(shard) for shard in store.stores], len(store)
    ([50, 50], 100)
    >>> larger = store.reshard({**store.by_name, "disk3": InMemoryStore()})
    >>> [len(shard) for shard in larger.stores], len(larger)
    ([33, 27, 40], 100)
    """

    def __init__(self, stores: Mapping[str, Store[Any, Any]] | Iterable[Store[Any, Any]]) -> None:
        named: Any = (
            stores if isinstance(stores, Mapping) else {str(number): store for number, store in enumerate(stores)}
        )
        self.by_name: dict[str, Store[Any, Any]] = dict(named)
        self._seeds = [blake2b(name.encode(), digest_size=16).digest() for name in self.by_name]
        super().__init__(self.by_name.values())

    def home(self, key: K) -> int:
        if isinstance(key, str):
            text: str = key
        else:
            known = self._stores[0].canonical(key)
            text = known if isinstance(known, str) else encode_key(known)
        data = text.encode("utf-8", "surrogatepass")
        scores = [blake2b(data, digest_size=8, key=seed).digest() for seed in self._seeds]
        return scores.index(max(scores))

    def reshard(
        self, stores: Mapping[str, Store[Any, Any]] | Iterable[Store[Any, Any]], *, progress: Progress = False
    ) -> "Sharded[K, V]":
        """Move every entry to where it belongs among other stores, and return the store over them.

        While it runs nobody else may write. An entry is copied and then removed, so none is ever lost; where it was
        stopped or killed, call it again with the same stores: what is moved already stays moved.

        Parameters
        ----------
        stores : mapping of str to Store, or iterable of Store
            The stores from now on. One that is left out is emptied.
        progress : bool or callable, optional
            True shows a progress bar; a callable is called with the number of entries looked at.
        """
        target: Sharded[K, V] = type(self)(stores)
        sources = {id(source): source for source in (*target.stores, *self._stores)}  # two of one content are two
        listed = ((source, key) for source in sources.values() for key in source.iter())
        for some in batches(with_progress(listed, progress, "resharding")):
            for known, source in sources.items():
                target._take(source, [key for owner, key in some if id(owner) == known])
        return target

    def _take(self, source: Store[Any, Any], keys: Iterable[K]) -> None:
        """Move those of `keys` from a store that belong to another one of this layout, with their time to live."""
        strangers = [key for key in keys if self._of(key) is not source]
        if not strangers:
            return
        pairs = zip(strangers, source.get_many(strangers, MISSING), strict=True)
        there = dict(zip(strangers, self.get_many(strangers, MISSING), strict=True))
        moving = [(key, value) for key, value in pairs if value is not MISSING and there[key] is MISSING]
        lasts = "ttl" in self.features and "ttl" in source.features
        if lasts:
            for key, value in moving:
                self.set(key, value, **lasting(source, key, {}))
        else:
            self.set_many(moving)
        self.flush()
        source.delete_many(strangers)
