"""A store with bounds: on keys, values, entries, bytes and calls."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, ClassVar, Literal, TypeVar

from spoonbill.common.batching import batches
from spoonbill.common.equality import python_equal
from spoonbill.common.locks import new_lock, waiting_lock
from spoonbill.common.sentinels import MISSING, RAISE, absent
from spoonbill.common.text import shortened
from spoonbill.common.traits import Limits
from spoonbill.errors import FullError, KeyTooLongError, UnsupportedError, ValueTooLargeError
from spoonbill.layers.limited.gate import Gate
from spoonbill.layers.limited.ledger import Ledger
from spoonbill.store import VERBS, Store
from spoonbill.store.binding import bind, given
from spoonbill.store.layering.below_codec import BelowCodec

__all__ = ["Limited"]

K = TypeVar("K")
V = TypeVar("V")

_UNGUARDED = frozenset({"canonical", "plan", "close"})


class Limited(BelowCodec[K, V]):
    """Bounds a store: the length of keys, the size of values, the number of entries, their bytes, the calls.

    With a policy other than ``"refuse"`` what is written makes room: a bounded cache on disk. Over a named store the
    layer goes in below the codec and measures stored bytes; a value that is no bytes counts as what ``sys.getsizeof``
    says. An entry counts as its key and its value.

    With `max_entries` or `max_bytes` the key and the size of every entry are kept in memory, about 200 bytes an entry,
    and counted by reading the store once, at the first write. Writes of one process then go one after the other.

    - **A second process** counts for itself: what others write is known to it when it reads it, or after `recount`.
      Two that fill one store can therefore exceed a bound, each by what it has not seen.
    - **A crash** loses the order of use, and nothing else: it begins anew with the order of listing. Room is made
      before an entry is written, so a bound holds at every moment; what was evicted may be gone without the new entry
      being there.

    Parameters
    ----------
    store : Store
        Any store, or a named store.
    max_key, max_value : int, optional
        Bytes of the longest key and of the largest value.
    max_entries, max_bytes : int, optional
        How many entries there may be, and how many bytes.
    policy : {"refuse", "lru", "lfu", "fifo"}, optional
        What happens to a write that exceeds them: it raises `FullError`, or the least recently used, the least
        frequently used, or the oldest entries go. Reads by `get` and `get_many` are uses; listings are none.
    max_concurrent : int, optional
        Calls at once, in this process; the others wait. A listing counts while it is begun.
    rate : float, optional
        Calls a second, in this process; the others wait.

    Raises
    ------
    UnsupportedError
        If a bound is no positive number, or there is no such policy.

    Examples
    --------
    >>> from spoonbill.datastores import InMemoryStore
    >>> store = Limited(InMemoryStore(), max_entries=2, policy="lru")
    >>> store.update(a=1, b=2)
    >>> store["a"], store.set("c", 3), sorted(store)
    (1, None, ['a', 'c'])
    """

    needs_bytes = False
    reads_odd_keys = True
    leaves: ClassVar[tuple[str, ...]] = (
        "has",
        "count",
        "iter",
        "entries",
        "select",
        "plan",
        "split",
        "canonical",
        "ttl",
        "touch",
        "ping",
        "flush",
        "close",
    )

    def __init__(
        self,
        store: Store[Any, Any],
        *,
        max_key: int | None = None,
        max_value: int | None = None,
        max_entries: int | None = None,
        max_bytes: int | None = None,
        policy: Literal["refuse", "lru", "lfu", "fifo"] = "refuse",
        max_concurrent: int | None = None,
        rate: float | None = None,
    ) -> None:
        _check_bounds(max_key, max_value, max_entries, max_bytes, max_concurrent, rate)
        self._ledger: Ledger | None = None
        self._ledger_of = (policy, max_entries, max_bytes)
        Ledger(*self._ledger_of)
        self._counts = max_entries is not None or max_bytes is not None
        self._uses = self._counts and policy in {"lru", "lfu"}
        self._most_value = min((most for most in (max_value, max_bytes) if most is not None), default=None)
        self._most_key = max_key
        self.awaits = rate is not None  # it pauses
        super().__init__(store)
        self._guard = waiting_lock() if self.suspends else new_lock()
        if self._working is not self:
            return
        self.limits = Limits(_least(self.limits.key_bytes, max_key), _least(self.limits.value_bytes, max_value))
        if self._counts:
            self.guarantees = replace(
                self.guarantees,
                processes=f"{self.guarantees.processes}; each counts entries for itself until recount()",
            )
        for verb in () if self._uses else ("get", "get_many"):
            if getattr(type(self), verb) is getattr(Limited, verb):
                bind(self, verb, getattr(self.inner, verb), because="reads are not counted")
        if max_concurrent is not None or rate is not None:
            gate = Gate(max_concurrent, rate, waits=self.suspends)
            for verb in VERBS.keys() - _UNGUARDED:
                bind(self, verb, gate.guarding(getattr(self, verb)), because="waits for its turn")

    # -- measuring ---------------------------------------------------------------------------------------------

    def _measured(self, key: K, value: V) -> int:
        """Return the size of an entry, or refuse it."""
        key_size, value_size = _size(key), _size(value)
        if self._most_key is not None and key_size > self._most_key:
            raise KeyTooLongError(
                f"key {shortened(key)} has {key_size} bytes, {self!r} takes {self._most_key} at the most: shorten it, "
                "or put HashedKeys around the store"
            )
        size = key_size + value_size
        most_bytes = self._ledger_of[2]
        too_large = self._most_value is not None and value_size > self._most_value
        if too_large or (most_bytes is not None and size > most_bytes):
            raise ValueTooLargeError(
                f"the value of key {shortened(key)} has {value_size} bytes, {self!r} takes {self._most_value} at the "
                "most, in all with its key: raise the bound, or put Compressed around the store"
            )
        return size

    def _counted(self) -> Ledger:
        """Return what is known of the entries, counted now where it is not known."""
        if self._ledger is None:
            ledger = Ledger(*self._ledger_of)
            ledger.count((key, _size(key) + _size(value)) for key, value in self.inner.entries())
            self._ledger = ledger
        return self._ledger

    @contextmanager
    def _room_for(self, new: dict[K, int]) -> Iterator[list[K]]:
        """Make room for entries, and give those that go again at once, for there are more of them than fit."""
        if not self._counts:
            yield []
            return
        with self._guard:
            ledger = self._counted()
            if self._ledger_of[0] == "refuse" and not ledger.fits(new):
                raise FullError(
                    f"{self!r} is full, with {ledger.entries} entries of {ledger.bytes} bytes: remove some, raise the "
                    "bound, or name a policy that makes room"
                )
            try:
                gone = [key for name, size in new.items() for key in ledger.admit(name, size)]
                if gone:
                    self.inner.delete_many(gone)
                yield [key for key in gone if key in new and not ledger.size(key)]
            except BaseException:
                self._ledger = None  # what was done is not known: it is counted again
                raise

    def _forget(self, keys: Iterable[K]) -> None:
        with self._guard:
            if self._ledger is not None:
                self._ledger.forget(keys)

    # -- writes ------------------------------------------------------------------------------------------------

    def set(self, key: K, value: V, *, ttl: float | None = None) -> None:
        with self._room_for({key: self._measured(key, value)}):
            self.inner.set(key, value, **given(ttl=ttl))

    def set_many(self, pairs: Iterable[tuple[K, V]], *, ttl: float | None = None) -> None:
        done = 0
        for some in batches(pairs) if self._counts else [pairs]:
            batch = dict(some)
            try:
                with self._room_for({key: self._measured(key, value) for key, value in batch.items()}) as gone:
                    kept = ((key, value) for key, value in batch.items() if key not in gone)
                    self.inner.set_many(kept, **given(ttl=ttl))
            except FullError as error:
                if not done:
                    raise
                raise self._partial_failure("set_many", error, done=done, failed=tuple(batch)) from error
            done += len(batch)

    def add(self, key: K, value: V, *, ttl: float | None = None) -> bool:
        size = self._measured(key, value)
        if not self._counts:
            return self.inner.add(key, value, **given(ttl=ttl))
        with self._guard:
            if self.inner.has(key):
                return False
            with self._room_for({key: size}):
                added = self.inner.add(key, value, **given(ttl=ttl))
            if not added:
                self._ledger = None  # another process was faster
            return added

    def replace(self, key: K, expected: V, value: V, *, ttl: float | None = None) -> bool:
        size = self._measured(key, value)
        if not self._counts:
            return self.inner.replace(key, expected, value, **given(ttl=ttl))
        with self._guard:
            present = self.inner.get(key, MISSING)
            if present is MISSING or not python_equal(present, expected):
                return False
            with self._room_for({key: size}):
                replaced = self.inner.replace(key, expected, value, **given(ttl=ttl))
            if not replaced:
                self._ledger = None
            return replaced

    def delete(self, key: K) -> bool:
        there = self.inner.delete(key)
        self._forget((key,))
        return there

    def delete_many(self, keys: Iterable[K]) -> int:
        keys = list(keys)
        removed = self.inner.delete_many(keys)
        self._forget(keys)
        return removed

    def pop(self, key: K, default: Any = RAISE) -> Any:
        value = self.inner.pop(key, MISSING)
        self._forget((key,))
        return absent(key, default) if value is MISSING else value

    def discard(self, key: K, expected: V) -> bool:
        removed = self.inner.discard(key, expected)
        if removed:
            self._forget((key,))
        return removed

    def clear(self) -> None:
        with self._guard:
            self._ledger = None
            self.inner.clear()

    def replace_all(self, pairs: Iterable[tuple[K, V]]) -> None:
        kept = dict(pairs)
        sizes = {key: self._measured(key, value) for key, value in kept.items()}
        ledger = Ledger(*self._ledger_of)
        if self._ledger_of[0] == "refuse" and not ledger.fits(sizes):
            raise FullError(
                f"{len(sizes)} entries of {sum(sizes.values())} bytes do not fit in {self!r}: raise the bound"
            )
        for key, size in sizes.items():
            for gone in ledger.admit(key, size):
                del kept[gone]
        with self._guard:
            self._ledger = None
            self.inner.replace_all(kept.items())

    def check(self, key: K, value: V) -> None:
        self._measured(key, value)
        self.inner.check(key, value)

    # -- reads that are uses -----------------------------------------------------------------------------------

    def get(self, key: K, default: Any = None) -> Any:
        value = self.inner.get(key, MISSING)
        self._used([(key, value)])
        return default if value is MISSING else value

    def get_many(self, keys: Iterable[K], default: Any = None) -> list[Any]:
        keys = list(keys)
        values = self.inner.get_many(keys, MISSING)
        self._used(list(zip(keys, values, strict=True)))
        return [default if value is MISSING else value for value in values]

    def _used(self, read: list[tuple[K, Any]]) -> None:
        with self._guard:
            if self._ledger is None:
                return
            for key, value in read:
                if value is not MISSING:
                    self._ledger.use(key, _size(key) + _size(value))

    # -- what is there -----------------------------------------------------------------------------------------

    def recount(self) -> tuple[int, int]:
        """Count the entries anew, those of other processes among them, and return their number and their bytes."""
        layer = self._working
        with layer._guard:  # noqa: SLF001 - of this class
            layer._ledger = None  # noqa: SLF001
            ledger = layer._counted()  # noqa: SLF001
            return ledger.entries, ledger.bytes


def _size(thing: Any) -> int:
    if isinstance(thing, str):
        return len(thing) if thing.isascii() else len(thing.encode("utf-8", "surrogatepass"))
    return len(thing) if isinstance(thing, (bytes, bytearray, memoryview)) else sys.getsizeof(thing)


def _least(one: int | None, other: int | None) -> int | None:
    return min((most for most in (one, other) if most is not None), default=None)


def _check_bounds(*bounds: float | None) -> None:
    for bound in bounds:
        if bound is not None and (isinstance(bound, bool) or not isinstance(bound, (int, float)) or not bound > 0):
            raise UnsupportedError(f"a bound of Limited is a number above 0, or None, not {bound!r}")
