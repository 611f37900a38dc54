"""A fast store before a slow one."""

import dataclasses
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Literal, TypeVar

from spoonbill.common.locks import new_lock, waiting_lock
from spoonbill.common.nesting import copied
from spoonbill.common.sentinels import MISSING, RAISE, absent
from spoonbill.common.stripes import Stripes
from spoonbill.errors import StackError, UnsupportedError
from spoonbill.query import Part, Plan, Query, Step
from spoonbill.store import Store
from spoonbill.store.binding import given
from spoonbill.store.layering.several import Several

__all__ = ["Tiered"]

K = TypeVar("K")
V = TypeVar("V")

_GONE: Final = object()


class Tiered(Several[K, V]):
    """A fast store before a slow one, which has everything: `Cached` with a store in place of memory.

    A read asks the fast store, then the slow one, and leaves what it found in the fast one. Listing, counting and
    searching are the slow one's. Within one process no read is older than a finished write. Where several processes
    share the fast store, a read of one that races a write of another can leave the older value there: let entries
    expire in it, ``Expiring(fast, 60)``.

    ============= ================================================== ==============================================
    ``write``     what a write does                                  what a crash can lose
    ============= ================================================== ==============================================
    ``"through"`` drops the fast entry, writes the slow store, then  nothing that a finished write promised: the
                  the fast one                                       slow store has it
    ``"back"``    is kept in memory; `flush`, `close`, a listing or  the last writes that were not flushed, at most
                  `max_dirty` entries bring it to the slow store     `max_dirty` entries; both stores stay as they
                                                                     were, neither torn nor newer than the other
    ============= ================================================== ==============================================

    With ``"back"`` only `set`, `set_many`, `delete` and `delete_many` wait, where they give no ``ttl``; `add`,
    `replace`, `pop`, `increment` and the like go through at once. A process that was forked has none of its parent's
    waiting writes.

    Parameters
    ----------
    fast, slow : Store
        Stores of the same keys and values. The fast one must hold nothing else: what is not in the slow one goes.
    write : {"through", "back"}, optional
        When a write reaches the slow store.
    max_dirty : int, optional
        With ``"back"``, how many entries may wait; the write that makes one more flushes them all.

    Raises
    ------
    StackError
        If the fast store is one that writes back.

    Examples
    --------
    >>> from spoonbill.datastores import InMemoryStore
    >>> fast, slow = InMemoryStore(), InMemoryStore({"a": 1})
    >>> store = Tiered(fast, slow, write="back")
    >>> store["a"], fast.copy()
    (1, {'a': 1})
    >>> store["b"] = 2
    >>> slow.copy(), store["b"], len(store), slow.copy()
    ({'a': 1}, 2, 2, {'a': 1, 'b': 2})
    """

    _passes_parts = True

    def __init__(
        self,
        fast: Store[Any, Any],
        slow: Store[Any, Any],
        *,
        write: Literal["through", "back"] = "through",
        max_dirty: int = 1000,
    ) -> None:
        if write not in {"through", "back"}:
            raise UnsupportedError(f"Tiered writes 'through' or 'back', not {write!r}")
        if isinstance(max_dirty, bool) or not isinstance(max_dirty, int) or max_dirty < 1:
            raise UnsupportedError(f"max_dirty is a number of entries, 1 or more, not {max_dirty!r}")
        super().__init__((fast, slow))
        self.write_back: bool = write == "back"
        if isinstance(fast, Tiered) and fast.write_back:
            raise StackError(
                "a Tiered that writes back cannot be the fast store: Tiered(a, Tiered(b, c, write='back'))"
            )
        self.fast, self.slow = fast, slow
        self.features = slow.features & {"ttl"}
        self.lists_keys, self.dialect = slow.lists_keys, slow.dialect
        self.read_only = slow.read_only
        self._max_dirty = max_dirty
        self._stripes = Stripes(waits=self.suspends)
        self._guard = waiting_lock() if self.suspends else new_lock()
        self._dirty: dict[Any, tuple[K, Any]] = {}
        self._owner = os.getpid()
        crash = slow.guarantees.crash
        if self.write_back:
            crash = f"loses what was not flushed, {max_dirty} entries at the most; of the rest: {crash}"
        self.guarantees = dataclasses.replace(slow.guarantees, crash=crash)

    def native(self, verb: str) -> bool:
        return super().native(verb) if verb in {"get", "set", "delete"} else self.slow.native(verb)

    # -- what waits --------------------------------------------------------------------------------------------

    def _waiting(self) -> dict[Any, tuple[K, Any]]:
        if self._owner != os.getpid():  # forked: they are the parent's to write
            self._dirty, self._owner = {}, os.getpid()
        return self._dirty

    def _wait_with(self, pairs: Iterable[tuple[K, Any]]) -> None:
        """Keep writes until the next flush; _GONE stands for a removal."""
        for key, value in pairs:
            if value is not _GONE:
                self.check(key, value)
            known = self.slow.canonical(key)
            with self._stripes.holding((known,)):
                self._note(known, key, value)
            if len(self._dirty) > self._max_dirty:
                self._write_dirty()

    def _note(self, known: Any, key: K, value: Any) -> None:
        kept = value if value is _GONE else copied(value)  # the caller may change it before it is written
        with self._guard:
            self._waiting()[known] = key, kept

    def _write_dirty(self, only: Iterable[Any] | None = None) -> None:
        """Bring what waits to the slow store: all, or what is known by these names."""
        dirty = self._waiting()
        if not dirty:
            return
        with self._stripes.holding(None), self._guard:
            names = list(dirty) if only is None else [name for name in dict.fromkeys(only) if name in dirty]
            pairs = [dirty[name] for name in names]
            if not pairs:
                return
            self.fast.delete_many([key for key, _ in pairs])
            kept = [(key, value) for key, value in pairs if value is not _GONE]
            gone = [key for key, value in pairs if value is _GONE]
            if kept:
                self.slow.set_many(kept)
            if gone:
                self.slow.delete_many(gone)
            for name in names:
                del dirty[name]

    def _dirty_value(self, known: Any) -> Any:
        """Return the value that waits under a name, _GONE for a removal, MISSING where nothing waits."""
        if not self.write_back:
            return MISSING
        found = self._waiting().get(known)
        return MISSING if found is None else found[1]

    @property
    def raw(self) -> Store[Any, Any]:
        return self.slow.raw

    @property
    def stands_on(self) -> tuple[Store[Any, Any], ...]:
        return (self.slow,)

    # -- reads -------------------------------------------------------------------------------------------------

    def get(self, key: K, default: Any = None) -> Any:
        known = self.slow.canonical(key)
        value = self._dirty_value(known)
        if value is not MISSING:
            return default if value is _GONE else copied(value)
        value = self.fast.get(key, MISSING)
        if value is not MISSING:
            return value
        with self._stripes.holding((known,)):
            waits = self._dirty_value(known)
            if waits is not MISSING:
                return default if waits is _GONE else copied(waits)
            value = self.slow.get(key, MISSING)
            if value is MISSING:
                return default
            self._fill(key, value)
        return value

    def _fill(self, key: K, value: Any) -> None:
        """Leave a value in the fast store, no longer than it stays in the slow one."""
        left: float | None = None
        if "ttl" in self.features:
            try:
                left = self.slow.ttl(key)
            except KeyError:
                return
        if left is None:
            self.fast.add(key, value)
        elif left > 0 and "ttl" in self.fast.features:
            self.fast.add(key, value, ttl=left)

    def has(self, key: Any) -> bool:
        value = self._dirty_value(self.slow.canonical(key))
        if value is not MISSING:
            return value is not _GONE
        return self.fast.has(key) or self.slow.has(key)

    def get_many(self, keys: Iterable[K], default: Any = None) -> list[Any]:
        keys = list(keys)
        names = [self.slow.canonical(key) for key in keys]
        if self.write_back:
            self._write_dirty(names)
        found = self.fast.get_many(keys, MISSING)
        missed = {name: key for name, key, value in zip(names, keys, found, strict=True) if value is MISSING}
        if missed:
            with self._stripes.holding(missed):
                read = dict(zip(missed, self.slow.get_many(list(missed.values()), MISSING), strict=True))
                there = [(missed[name], value) for name, value in read.items() if value is not MISSING]
                if there and "ttl" not in self.features:  # when each ends is not known in a batch
                    self.fast.set_many(there)
            found = [
                read.get(name, value) if value is MISSING else value for name, value in zip(names, found, strict=True)
            ]
        return [default if value is MISSING else value for value in found]

    # -- writes ------------------------------------------------------------------------------------------------

    def _through(self, keys: list[K] | None, write: Callable[[], Any]) -> Any:
        """Write to the slow store, with nothing of `keys` (None: anything) in the fast one before it and after it."""
        names = None if keys is None else [self.slow.canonical(key) for key in keys]
        while True:
            self._write_dirty(names)
            with self._stripes.holding(names):
                if self._waiting().keys() & names if names is not None else self._waiting():
                    continue  # another thread wrote meanwhile
                if keys is None:
                    self.fast.clear()
                else:
                    self.fast.delete_many(keys)
                return write()

    def set(self, key: K, value: V, *, ttl: float | None = None) -> None:
        if self.write_back and ttl is None:
            self._wait_with([(key, value)])
            return

        if ttl is None:
            self.fast.check(key, value)  # before the slow one has it

        def write() -> None:
            self.slow.set(key, value, **given(ttl=ttl))
            if ttl is None:
                self.fast.set(key, value)

        self._through([key], write)

    def set_many(self, pairs: Iterable[tuple[K, V]], *, ttl: float | None = None) -> None:
        if self.write_back and ttl is None:
            self._wait_with(pairs)
            return
        batch = list(pairs)
        if ttl is None:
            for key, value in batch:
                self.fast.check(key, value)

        def write() -> None:
            self.slow.set_many(batch, **given(ttl=ttl))
            if ttl is None:
                self.fast.set_many(batch)

        self._through([key for key, _ in batch], write)

    def delete(self, key: K) -> bool:
        if self.write_back:
            known = self.slow.canonical(key)
            with self._stripes.holding((known,)):
                there = self.has(key)
                self._note(known, key, _GONE)
            if len(self._dirty) > self._max_dirty:
                self._write_dirty()
            return there
        return bool(self._through([key], lambda: self.slow.delete(key)))

    def delete_many(self, keys: Iterable[K]) -> int:
        keys = list(keys)
        return int(self._through(keys, lambda: self.slow.delete_many(keys)))

    def add(self, key: K, value: V, *, ttl: float | None = None) -> bool:
        return bool(self._through([key], lambda: self.slow.add(key, value, **given(ttl=ttl))))

    def replace(self, key: K, expected: V, value: V, *, ttl: float | None = None) -> bool:
        return bool(self._through([key], lambda: self.slow.replace(key, expected, value, **given(ttl=ttl))))

    def discard(self, key: K, expected: V) -> bool:
        return bool(self._through([key], lambda: self.slow.discard(key, expected)))

    def increment(self, key: K, by: float = 1, *, ttl: float | None = None) -> Any:
        return self._through([key], lambda: self.slow.increment(key, by, **given(ttl=ttl)))

    def touch(self, key: K, ttl: float | None) -> bool:
        return bool(self._through([key], lambda: self.slow.touch(key, ttl)))

    def pop(self, key: K, default: Any = RAISE) -> Any:
        value = self._through([key], lambda: self.slow.pop(key, MISSING))
        return absent(key, default) if value is MISSING else value

    def clear(self) -> None:
        self._through(None, self.slow.clear)

    def replace_all(self, pairs: Iterable[tuple[K, V]]) -> None:
        read = list(pairs)  # before anything goes: they may come from here
        self._through(None, lambda: self.slow.replace_all(read))

    # -- of the slow store, once it has everything -------------------------------------------------------------

    def _settled(self) -> Store[Any, Any]:
        if self.write_back:
            self._write_dirty()
        return self.slow

    def iter(self) -> Iterator[K]:
        return self._settled().iter()

    def count(self) -> int:
        return self._settled().count()

    def entries(self) -> Iterator[tuple[K, V]]:
        return self._settled().entries()

    def select(self, query: Query) -> Iterator[tuple[K, V]]:
        return self._settled().select(query)

    def split(self, count: int) -> list[Part]:
        return self._settled().split(count)

    def plan(self, query: Query) -> Plan:
        step = Step(type(self).__name__, f"asks the slow store, {self.slow!r}")
        return self.slow.plan(query).behind(step, str(query))

    def ttl(self, key: K) -> float | None:
        return self._settled().ttl(key)

    def canonical(self, key: K) -> Any:
        return self.slow.canonical(key)

    def check(self, key: K, value: V) -> None:
        self.slow.check(key, value)
        self.fast.check(key, value)

    def flush(self) -> None:
        self._write_dirty()
        super().flush()

    def close(self) -> None:
        try:
            self._write_dirty()
        finally:
            self._dirty.clear()  # what could not be written is lost, and the error says so
            super().close()

    def __reduce__(self) -> Any:
        self._write_dirty()  # the other one reads what is in the stores
        return super().__reduce__()
