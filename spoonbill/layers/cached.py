"""The layer that keeps what was read."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from threading import get_ident
from typing import Any, Literal, TypeVar

from spoonbill.common.bridging.bridge import caller
from spoonbill.common.locks import new_lock
from spoonbill.common.nesting import copied
from spoonbill.common.sentinels import MISSING, RAISE, absent
from spoonbill.errors import UnsupportedError
from spoonbill.layers.endings import Ends
from spoonbill.layers.flights import Flights, Refresher
from spoonbill.layers.hearing import listen
from spoonbill.layers.policies import CacheStats, Recent, cache_of
from spoonbill.layers.writing import Writing
from spoonbill.store import Layer, Store
from spoonbill.store.binding import given
from spoonbill.store.odd_keys import ODD

K = TypeVar("K")
V = TypeVar("V")


class Cached(Layer[K, V]):
    """A cache in front of a store.

    A read fills the cache and a write drops the entry, so that what comes back is what is stored. Through one Cached
    no read is older than a finished write, from any thread; what others write to the store below is seen when the
    entry leaves the cache, or, with ``invalidate="engine"``, as soon as the engine tells of it. Threads that miss one
    key at once read it once.

    An entry whose time is over below is not given: over an `Expiring` the store is asked for its end when it is kept,
    one more read for a miss, and batches are not kept. Where the engine itself expires entries, the times given through
    this object are known; those that others gave end here with `ttl`.

    Parameters
    ----------
    store : Store
        Any store.
    maxsize : int, optional
        The most entries to hold, or their most total size in the unit of `getsizeof`.
    ttl : float, optional
        Seconds after which an entry is read anew.
    stale_while_revalidate : float, optional
        Seconds, after the end of `ttl`, in which an entry is still given at once, while one thread in the background
        reads it anew. What this object wrote is never given stale.
    policy : {"lru", "lfu", "fifo", "ttl"}, optional
        What makes room.
    getsizeof : callable, optional
        The size of a value, for a cache bounded by bytes: ``len`` over a store of bytes, ``sys.getsizeof`` for a
        rough one.
    absences : bool, optional
        Whether absence is remembered too.
    copy : bool, optional
        True returns a deep copy on each read. Otherwise a mutable value is shared with the cache: who changes it in
        place changes what the next reader gets, though not what is stored.
    invalidate : {"engine"}, optional
        Drops an entry when the engine tells that anybody changed it, within the time of a message. While the engine
        cannot be heard, nothing is kept.

    Raises
    ------
    UnsupportedError
        If the options do not go together, or the engine tells nobody of changes.
    """

    reads_odd_keys = True
    _refresher: Refresher | None = None

    def __init__(
        self,
        store: Store[Any, Any],
        maxsize: int = 1024,
        ttl: float | None = None,
        policy: Literal["lru", "lfu", "fifo", "ttl"] = "lru",
        *,
        getsizeof: Callable[[Any], int] | None = None,
        absences: bool = False,
        copy: bool = False,
        stale_while_revalidate: float | None = None,
        invalidate: Literal["engine"] | None = None,
    ) -> None:
        super().__init__(store)
        if stale_while_revalidate is not None:
            if ttl is None or not stale_while_revalidate > 0:
                raise UnsupportedError("Cached(stale_while_revalidate=...) takes seconds above 0, and needs ttl=")
            self._refresher = Refresher(self._refresh, ttl)
        kept = None if ttl is None else ttl + (stale_while_revalidate or 0)
        self._empty = partial(cache_of, policy, maxsize, kept, getsizeof)
        self._cache = self._empty()
        self._unsure: dict[object, object] = {}  # what changes the cache now, and who does: cut off, it stays here
        self._flights = Flights(waits=store.suspends)
        self._guard = new_lock()
        self._caller: Callable[[], object] = caller if store.suspends else get_ident
        self._absences = absences
        self._given: Callable[[Any], Any] = copied if copy else _as_it_is
        self._hits = 0
        self._misses = 0
        self._writes = 0  # counts beginnings and ends of writes: a fill that saw it change is dropped
        self._canonical = store.canonical
        self._names: dict[Any, Any] = {}  # what a str key is in the cache: the way through all layers only once
        self._most_names = 2 * maxsize + 1000
        self._ends = Ends(store)
        self._over = self._ends.at
        self._is_plain = isinstance(self._cache, Recent) and not copy and _ONE_AT_A_TIME
        self._deaf = invalidate is not None
        if invalidate is not None:
            self._watch = listen(self, invalidate)

    # -- reads -------------------------------------------------------------------------------------------------

    def get(self, key: K, default: Any = None) -> Any:
        known = self._names.get(key) if type(key) is str else None
        if known is None:
            try:
                known = self._name_of(key)
            except ODD:
                return self.inner.get(key, default)
        if self._is_plain and not self._unsure and not self._over:
            # A finished write has dropped the entry, and a fill is whole: this takes no lock but the interpreter's.
            cache = self._cache
            value = cache.get(known, _UNKNOWN)
            if value is not _UNKNOWN:
                try:  # noqa: SIM105 - `suppress` costs as much as all the rest
                    cache.move_to_end(known)
                except KeyError:  # it went in this moment
                    pass
                self._hits += 1
                return default if value is MISSING else value
        with self._guard:
            value = self._look(known)
            if value is not _UNKNOWN:
                self._hits += 1
                if self._refresher is not None:
                    self._refresher.used(known, key)
                return default if value is MISSING else self._given(value)
            self._misses += 1
            seen = self._writes
        value = self._flights.read((known, seen), lambda: self._read(key, known, seen))
        return default if value is MISSING else self._given(value)

    def _name_of(self, key: K) -> Any:
        """Return what a key is in the cache, and remember it of a str."""
        known = self._canonical(key)
        if type(key) is str:
            if len(self._names) > self._most_names:
                self._names = {}
            self._names[key] = known
        return known

    def _read(self, key: K, known: Any, seen: int) -> Any:
        doubtful = self._ends.asks or (bool(self._ends.at) and self._ends.over(known))  # or another wrote it anew
        value = self.inner.get(key, MISSING)
        if value is MISSING or not doubtful or self._ends.ask(key, known):
            self._fill([(known, value)], seen)
        return value

    def _refresh(self, key: K, known: Any) -> None:
        """Read an entry anew that is given meanwhile as it was."""
        with self._guard:
            seen = self._writes
        self._read(key, known, seen)

    def has(self, key: K) -> bool:
        try:
            known = self._canonical(key)
        except ODD:
            return self.inner.has(key)
        with self._guard:
            value = self._look(known)
        return self.inner.has(key) if value is _UNKNOWN else value is not MISSING

    def get_many(self, keys: Iterable[K], default: Any = None) -> list[Any]:
        keys = list(keys)
        try:
            names, name_of = self._names, self._name_of
            wanted = [(key, names.get(key) if type(key) is str and key in names else name_of(key)) for key in keys]
        except ODD:
            return [self.get(key, default) for key in keys]
        with self._guard:
            found = {known: self._look(known) for _, known in wanted}
            seen = self._writes
        missed = {known: key for key, known in wanted if found[known] is _UNKNOWN}
        with self._guard:
            self._hits += len(wanted) - len(missed)
            self._misses += len(missed)
        if missed:
            read = list(zip(missed, self.inner.get_many(list(missed.values()), MISSING), strict=True))
            if not self._ends.asks:  # when each of them ends is not known in a batch
                self._fill(read, seen)
            found.update(read)
        values = (found[known] for _, known in wanted)
        return [default if value is MISSING else self._given(value) for value in values]

    def _look(self, known: Any) -> Any:
        """Return what is remembered of a key; what was cut off in the middle of a change is forgotten before."""
        if self._unsure:
            self._recover()
        try:
            if self._over and self._ends.over(known):
                return _UNKNOWN
            value = self._cache.get(known, _UNKNOWN)
            if value is not _UNKNOWN and isinstance(self._cache, Recent):
                self._cache.move_to_end(known)
        except BaseException:  # it came in the middle of the policy's own code
            self._cache = self._empty()
            raise
        return value

    def _recover(self) -> None:
        """Forget everything where an exception from outside cut off a change of this thread, or of a call."""
        me = self._caller()
        changes = list(self._unsure.items())
        cut_off = [change for change, whose in changes if whose == me or getattr(whose, "over", False)]
        if cut_off:
            with self._guard:
                self._writes += 1
                self._cache = self._empty()
                for change in cut_off:
                    self._unsure.pop(change, None)

    def _fill(self, read: list[tuple[Any, Any]], seen: int) -> None:
        with self._guard:
            if self._writes != seen or self._deaf:
                return
            change = object()
            self._unsure[change] = self._caller()
            keep = self._cache.keep if isinstance(self._cache, Recent) else self._cache.__setitem__
            for known, value in read:
                if value is MISSING and not self._absences:
                    continue
                try:
                    keep(known, value)
                    if self._refresher is not None:
                        self._refresher.filled(known)
                except ValueError:  # larger than the whole cache: it stays below
                    self._cache.pop(known, None)
            del self._unsure[change]

    def _hear(self, keys: list[Any] | None, listening: bool) -> None:
        """Forget what the engine tells of; everything, and what is read from now on, while it cannot be heard."""
        with self._guard:
            self._deaf = not listening
        if keys is None or keys:
            self._drop(keys)

    # -- writes ------------------------------------------------------------------------------------------------

    def _writing(self, keys: Iterable[K] | None) -> Writing:
        """Drop `keys` (None: everything) before and after a write, and cancel the fills that ran beside it."""
        return Writing(self, keys)

    def _begin_write(self, write: object, keys: Iterable[K] | None) -> None:
        if self._unsure:
            self._recover()
        self._unsure[write] = self._caller()
        self._drop(None if keys is None else self._known(keys))

    def _end_write(self, write: object, keys: Iterable[K] | None) -> None:
        self._drop(None if keys is None else self._known(keys))
        self._unsure.pop(write, None)

    def _note_end(self, keys: Iterable[K], ttl: float | None, began: float) -> None:
        """Note when what was written is over, counted from the beginning of the write; without a `ttl` it stays."""
        if ttl is not None or self._ends.at:
            with self._guard:
                self._ends.note(self._known(keys), ttl, began)

    def _known(self, keys: Iterable[K]) -> list[Any]:
        """Return the keys of the cache for those of `keys` that can have an entry at all."""
        known = []
        for key in keys:
            with suppress(*ODD):
                known.append(self._canonical(key))
        return known

    def _drop(self, known: list[Any] | None) -> None:
        with self._guard:
            self._writes += 1
            if known is None:
                self._cache = self._empty()
            else:
                for key in known:
                    self._cache.pop(key, None)

    def set(self, key: K, value: V, *, ttl: float | None = None) -> None:
        with self._writing((key,)) as began:
            self.inner.set(key, value, **given(ttl=ttl))
            self._note_end((key,), ttl, began)

    def delete(self, key: K) -> bool:
        with self._writing((key,)):
            return self.inner.delete(key)

    def set_many(self, pairs: Iterable[tuple[K, V]], *, ttl: float | None = None) -> None:
        written: list[K] = []
        with self._writing(written) as began:
            self.inner.set_many(_noted(pairs, written), **given(ttl=ttl))
            self._note_end(written, ttl, began)

    def delete_many(self, keys: Iterable[K]) -> int:
        keys = list(keys)
        with self._writing(keys):
            return self.inner.delete_many(keys)

    def add(self, key: K, value: V, *, ttl: float | None = None) -> bool:
        with self._writing((key,)) as began:
            added = self.inner.add(key, value, **given(ttl=ttl))
            if added:
                self._note_end((key,), ttl, began)
            return added

    def replace(self, key: K, expected: V, value: V, *, ttl: float | None = None) -> bool:
        with self._writing((key,)) as began:
            replaced = self.inner.replace(key, expected, value, **given(ttl=ttl))
            if replaced:
                self._note_end((key,), ttl, began)
            return replaced

    def discard(self, key: K, expected: V) -> bool:
        with self._writing((key,)):
            return self.inner.discard(key, expected)

    def increment(self, key: K, by: float = 1, *, ttl: float | None = None) -> Any:
        with self._writing((key,)) as began:
            total = self.inner.increment(key, by, **given(ttl=ttl))
            if ttl is not None:  # else its end stays
                self._note_end((key,), ttl, began)
            return total

    def touch(self, key: K, ttl: float | None) -> bool:
        with self._writing((key,)) as began:
            there = self.inner.touch(key, ttl)
            self._note_end((key,), ttl, began)
            return there

    def pop(self, key: K, default: Any = RAISE) -> Any:
        with self._writing((key,)):
            value = self.inner.pop(key, MISSING)
        return absent(key, default) if value is MISSING else value

    def clear(self) -> None:
        with self._writing(None):
            self.inner.clear()

    def replace_all(self, pairs: Iterable[tuple[K, V]]) -> None:
        with self._writing(None):
            self.inner.replace_all(pairs)

    leaves = (
        "iter",
        "count",
        "entries",
        "select",
        "plan",
        "split",
        "canonical",
        "check",
        "ttl",
        "ping",
        "flush",
        "close",
    )

    # -- the cache itself --------------------------------------------------------------------------------------

    @property
    def stats(self) -> CacheStats:
        """Hits and misses since the cache was made, and how full it is."""
        with self._guard:
            return CacheStats(self._hits, self._misses, int(self._cache.currsize), int(self._cache.maxsize))

    def forget(self) -> None:
        """Empty the cache; the store below is not touched."""
        self._drop(None)


_UNKNOWN = object()
_ONE_AT_A_TIME = getattr(sys, "_is_gil_enabled", lambda: True)()
"""Whether the interpreter runs one thread at a time, so that no hit is lost in the count."""


def _as_it_is(value: Any) -> Any:
    return value


def _noted(pairs: Iterable[tuple[K, V]], written: list[K]) -> Iterator[tuple[K, V]]:
    for pair in pairs:
        written.append(pair[0])
        yield pair
