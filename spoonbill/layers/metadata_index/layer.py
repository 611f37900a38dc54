"""The layer that lists the keys of an engine that cannot."""

import dataclasses
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from spoonbill.common.batching import BATCH, batches
from spoonbill.common.equality import python_equal
from spoonbill.common.sentinels import MISSING, RAISE, absent
from spoonbill.common.traits import Limits
from spoonbill.errors import PartialWriteError, SpoonbillError, StackError, StoreError
from spoonbill.layers.any_key import AnyKey
from spoonbill.layers.codec import Codec
from spoonbill.layers.metadata_index.indexed_fields import UNKNOWN, IndexedFields
from spoonbill.query import Part, Plan, Query, Step
from spoonbill.store import Layer, Store
from spoonbill.store.binding import given

K = TypeVar("K")
V = TypeVar("V")

_OF_THE_INDEX = frozenset({"iter", "count", "split", "select", "plan"})


class MetadataIndex(Layer[K, V]):
    """Iteration, ``len`` and search for a store that cannot list its keys: a second store keeps them, an entry a key.

    No entry is shared between keys, so writers in any number of processes lose none, and an insert costs the same
    however many keys there are. A set marks the key in the index, writes the value, and marks the key again where
    another writer's delete took the mark away meanwhile; a delete removes the value, then the mark, and sets the mark
    again where another writer has set the value meanwhile. Whoever writes the index last has looked at the data since,
    so that the two agree when all calls have returned.

    A writer that dies in the middle leaves a *ghost* (a key that is listed and absent), or, only where another writer
    was at the same key at that moment, a value that is not listed. The same becomes of entries that expire, or are
    written past this layer. All reads live with both: `get` and ``in`` ask the store itself, batches and searches skip
    ghosts. `repair` corrects it.

    Parameters
    ----------
    store : Store
        What holds the values. It need not list its keys.
    index : Store
        What holds the keys, and nothing else: a store of bytes, or any that holds str and, with `fields`, dicts.
    fields : iterable of str, optional
        Fields of the values to keep in the index. A search with conditions on them reads only values that can match.
        Kept are None, bool, int, float, str, bytes and datetime; another value of such a field is read to be
        tested.

    Raises
    ------
    StackError
        If the index cannot list its keys, or is the store itself.
    """

    def __init__(self, store: Store[Any, Any], index: Store[Any, Any], fields: Iterable[str] = ()) -> None:
        super().__init__(store)
        if not isinstance(index, Store):
            raise StackError(f"MetadataIndex keeps its keys in a store, not in {type(index).__name__}")
        if not index.lists_keys:
            raise StackError(
                f"MetadataIndex needs an index that lists its keys, and {index!r} cannot: use any store that can, such "
                "as LmdbStore or RedisStore"
            )
        if index.raw is store.raw:
            raise StackError(f"MetadataIndex needs a second store for its index, and {index!r} is the first")
        self._kept = IndexedFields(fields)
        self._index = index
        self._ledger: Store[Any, Any] = (
            Codec(index, "msgpack", strict=store.strict) if index.holds_bytes else AnyKey(index, strict=store.strict)
        )
        self.lists_keys = True
        longest = [limit for limit in (store.limits.key_bytes, index.limits.key_bytes) if limit is not None]
        self.limits = Limits(min(longest, default=None), store.limits.value_bytes)
        self.guarantees = dataclasses.replace(
            store.guarantees,
            crash=f"{store.guarantees.crash}; a writer that dies may leave a key listed, or unlisted, until repair()",
            iteration=f"what the index lists: {index.guarantees.iteration}",
        )

    @property
    def index(self) -> Store[Any, Any]:
        """The store that holds the keys."""
        return self._index

    @property
    def engines(self) -> tuple[Store[Any, Any], ...]:
        return (*super().engines, *self._index.engines)

    @property
    def suspends(self) -> bool:
        return super().suspends or self._index.suspends

    # -- one key -----------------------------------------------------------------------------------------------

    def set(self, key: K, value: V, *, ttl: float | None = None) -> None:
        listed, entry = self._begin(key, value)
        with self._taken_back({listed: key}):
            self.inner.set(key, value, **given(ttl=ttl))
        self._written(key, listed, entry)

    def add(self, key: K, value: V, *, ttl: float | None = None) -> bool:
        listed, entry = self._begin(key, value)
        with self._taken_back({listed: key}):
            added = self.inner.add(key, value, **given(ttl=ttl))
        if added:
            self._written(key, listed, entry)
        elif self._kept:
            self._settle(key, listed, UNKNOWN)
        return added

    def replace(self, key: K, expected: V, value: V, *, ttl: float | None = None) -> bool:
        if self._kept:  # a stale entry would hide the value, were this writer to die
            listed, entry = self._begin(key, value)
        else:
            listed, entry = self._listed(key), UNKNOWN
        with self._taken_back({listed: key} if self._kept else {}):
            replaced = self.inner.replace(key, expected, value, **given(ttl=ttl))
        if replaced:
            self._written(key, listed, entry)
        elif self._kept:
            self._settle(key, listed, UNKNOWN)
        return replaced

    def delete(self, key: K) -> bool:
        there = self.inner.delete(key)
        self._deleted(key)
        return there

    def pop(self, key: K, default: Any = RAISE) -> Any:
        value = self.inner.pop(key, MISSING)
        self._deleted(key)
        return absent(key, default) if value is MISSING else value

    # -- what keeps the index in step --------------------------------------------------------------------------

    def _listed(self, key: K) -> Any:
        """Return `key` as the index lists it: two keys that name one entry of the store are listed as one."""
        known = self.inner.canonical(key)
        if known == key:
            return key
        try:
            itself = self.inner.canonical(known) == known
        except (TypeError, ValueError):
            return key
        return known if itself else key

    def _begin(self, key: K, value: V) -> tuple[Any, Any]:
        """List `key` before its value is written, and return its name in the index and the entry that is to be."""
        listed, entry = self._listed(key), self._kept.entry(value)
        if self._kept:
            self._ledger.check(listed, entry)
        self._ledger.set(listed, UNKNOWN)  # set and not added: where entries expire, it begins their time anew
        return listed, entry

    @contextmanager
    def _taken_back(self, listed: dict[Any, K]) -> Iterator[None]:
        """Take back the marks of keys whose write is refused. Where the engine failed, nobody knows what was done."""
        try:
            yield
        except StoreError:
            raise
        except (SpoonbillError, TypeError, ValueError):
            for name, key in listed.items():
                self._settle(key, name, UNKNOWN)
            raise

    def _written(self, key: K, listed: Any, entry: Any) -> None:
        """List `key` after its value was written."""
        if self._kept:
            self._ledger.set(listed, entry)
            self._settle(key, listed, entry)
        elif self._ledger.add(listed, UNKNOWN):
            self._settle(key, listed, UNKNOWN)

    def _deleted(self, key: K) -> None:
        """Take `key` from the index after its value was removed."""
        listed = self._listed(key)
        self._ledger.delete(listed)
        self._settle(key, listed, MISSING)

    def _settle(self, key: K, listed: Any, entry: Any) -> int:
        """Compare `entry`, which the index has for `key`, with the data, and repair it until they agree.

        Returns
        -------
        int
            How often it was repaired: no more than once, unless other writers are at the key.
        """
        repaired = 0
        while not python_equal(wanted := self._wanted(key), entry):
            if wanted is MISSING:
                self._ledger.delete(listed)
            else:
                self._ledger.set(listed, wanted)
            entry = wanted
            repaired += 1
        return repaired

    def _wanted(self, key: K) -> Any:
        """Return the entry that the index should have for `key`, MISSING where the store does not have it."""
        if not self._kept:
            return UNKNOWN if self.inner.has(key) else MISSING
        value = self.inner.get(key, MISSING)
        return MISSING if value is MISSING else self._kept.entry(value)

    # -- many keys ---------------------------------------------------------------------------------------------

    def set_many(self, pairs: Iterable[tuple[K, V]], *, ttl: float | None = None) -> None:
        done = 0
        for batch in batches(pairs):
            try:
                self._set_batch(batch, given(ttl=ttl))
            except StoreError as error:
                if not done:
                    raise
                failed = error.failed if isinstance(error, PartialWriteError) else tuple(key for key, _ in batch)
                raise PartialWriteError(
                    f"set_many in {self!r} stopped after the first {done} entries that were given: {error}",
                    done=done + (error.done if isinstance(error, PartialWriteError) else len(batch)),
                    failed=failed,
                ) from error
            done += len(batch)

    def _set_batch(self, batch: list[tuple[K, V]], expiry: dict[str, float]) -> None:
        listed = {self._listed(key): (key, value) for key, value in batch}
        entries = {name: self._kept.entry(value) for name, (_, value) in listed.items()}
        if self._kept:
            for name, entry in entries.items():
                self._ledger.check(name, entry)
        self._ledger.set_many((name, UNKNOWN) for name in listed)
        with self._taken_back({name: key for name, (key, _) in listed.items()}):
            self.inner.set_many(batch, **expiry)
        if self._kept:
            self._ledger.set_many(entries.items())
            values = self.inner.get_many([key for key, _ in listed.values()], MISSING)
            now = [MISSING if value is MISSING else self._kept.entry(value) for value in values]
        else:
            entries = dict.fromkeys(listed, UNKNOWN)
            now = self._ledger.get_many(listed, MISSING)
        for (name, (key, _)), found in zip(listed.items(), now, strict=True):
            if not python_equal(found, entries[name]):
                self._settle(key, name, entries[name] if self._kept else MISSING)

    def delete_many(self, keys: Iterable[K]) -> int:
        removed = 0
        for batch in batches(keys):
            removed += self.inner.delete_many(batch)
            listed = {self._listed(key): key for key in batch}
            self._ledger.delete_many(listed)
            for (name, key), value in zip(listed.items(), self.inner.get_many(listed.values(), MISSING), strict=True):
                if value is not MISSING:
                    self._settle(key, name, MISSING)
        return removed

    def clear(self) -> None:
        if self.inner.native("clear") or self.inner.lists_keys:
            self.inner.clear()
        if not self.inner.lists_keys:
            Store.clear(self)
            return
        self._ledger.clear()
        for key in self.inner.iter():  # another writer set it meanwhile
            self._settle(key, self._listed(key), MISSING)

    # -- listing and searching ---------------------------------------------------------------------------------

    def iter(self) -> Iterator[K]:
        return self._ledger.iter()

    def count(self) -> int:
        return self._ledger.count()

    def split(self, count: int) -> list[Part]:
        return self._ledger.split(count)

    def select(self, query: Query) -> Iterator[tuple[K, V]]:
        candidates = self._ledger.select(self.translate(query))
        return candidates if query.keys_only else self._read(candidates, query)

    def translate(self, query: Query) -> Query:
        """Return what is asked of the index: its entries where kept fields decide, its keys otherwise."""
        asked = dataclasses.replace(query.without_conditions(), keys_only=not self._kept.help_with(query))
        return asked if asked.keys_only and not query.filters_keys else asked.without_limit()

    def _read(self, candidates: Iterator[tuple[K, Any]], query: Query) -> Iterator[tuple[K, V]]:
        """Yield the pairs of those keys that can match, their values read in batches."""
        possible = (
            key for key, entry in candidates if query.matches_key(key) and not self._kept.rule_out(entry, query)
        )
        for keys in batches(possible, BATCH if query.limit is None else max(1, min(BATCH, query.limit))):
            for key, value in zip(keys, self.inner.get_many(keys, MISSING), strict=True):
                if value is not MISSING:
                    yield key, value

    def plan(self, query: Query) -> Plan:
        asked = self.translate(query)
        runs = f"keys of the index {self._index!r}" if asked.keys_only else f"kept fields {', '.join(self._kept.names)}"
        below = self._ledger.plan(asked)
        read = "" if query.keys_only else f", and the values that can match, of {self.inner!r}"
        planned = below.behind(Step(where=type(self).__name__, runs=runs), str(query))
        return dataclasses.replace(planned, scanned=below.scanned + read)

    # -- repairing -----------------------------------------------------------------------------------------------

    def repair(self) -> int:
        """Make the index agree with the data, beside writers at work.

        Ghosts go, and kept fields are made right. Values that are not listed are found where the store can list its
        keys; where it cannot, only `rebuild` with known keys, or a set, lists them. All listed keys are held in memory.

        Returns
        -------
        int
            How many keys were repaired.
        """
        entries = dict(self._ledger.entries()) if self._kept else dict.fromkeys(self._ledger.iter(), UNKNOWN)
        there = {self._listed(key): key for key in self.inner.iter()} if self.inner.lists_keys else {}
        doubtful = entries.keys() | there.keys() if self._kept else entries.keys() ^ there.keys()
        return self._mend({listed: there.get(listed, listed) for listed in doubtful}, entries)

    def _mend(self, doubtful: dict[Any, K], entries: dict[Any, Any]) -> int:
        repaired = 0
        for batch in batches(doubtful.items()):
            values = self.inner.get_many([key for _, key in batch], MISSING)
            for (listed, key), value in zip(batch, values, strict=True):
                entry = entries.get(listed, MISSING)
                if not python_equal(MISSING if value is MISSING else self._kept.entry(value), entry):
                    repaired += bool(self._settle(key, listed, entry))
        return repaired

    def rebuild(self, keys: Iterable[K] | None = None) -> int:
        """Make the index anew, while no writer is at work.

        Parameters
        ----------
        keys : iterable of keys, optional
            Keys that may be in the store; those that are, are listed. By default all keys, of a store that lists them.

        Returns
        -------
        int
            How many keys are listed now.
        """
        known = self.inner.iter() if keys is None else keys
        self._ledger.clear()
        return sum(self._mend({self._listed(key): key for key in batch}, {}) for batch in batches(known))

    # -- the rest ----------------------------------------------------------------------------------------------

    def native(self, verb: str) -> bool:
        """Return whether `verb` leads to an engine's own form of it: the index's for what the index answers."""
        return self._ledger.native(verb) if verb in _OF_THE_INDEX else super().native(verb)

    def check(self, key: K, value: V) -> None:
        self.inner.check(key, value)
        self._ledger.check(self._listed(key), self._kept.entry(value))

    def flush(self) -> None:
        self.inner.flush()
        self._index.flush()

    def close(self) -> None:
        self.inner.close()
        self._index.close()
