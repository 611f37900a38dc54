"""The base of stores that keep every entry in several stores."""

import logging
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar, TypeVar

from spoonbill.common.batching import batches
from spoonbill.common.equality import python_equal
from spoonbill.common.failures import came_from_outside, raise_alone
from spoonbill.common.progress import Progress, with_progress
from spoonbill.common.sentinels import MISSING, RAISE, absent
from spoonbill.common.stripes import Stripes
from spoonbill.errors import ConflictError, LockedError, PartialWriteError, StoreError, UnansweredError
from spoonbill.query import Part, Plan, Query, Step
from spoonbill.store import Store
from spoonbill.store.binding import given, no_ttl
from spoonbill.store.layering.several import Several

__all__ = ["Copies"]

K = TypeVar("K")
V = TypeVar("V")

_LOG = logging.getLogger("spoonbill.repairs")


class Copies(Several[K, V]):
    """Every entry is in each of several stores. A write is decided by one of them, then the others follow.

    A store that did not follow is behind: it answers no read until `repair`.
    """

    _passes_parts = True
    any_decides: ClassVar[bool] = False  # whether the next store decides a write where the first one fails

    def __init__(self, first: Store[Any, Any], *others: Store[Any, Any]) -> None:
        super().__init__((first, *others))
        self._stripes = Stripes(waits=self.suspends)
        self._behind: set[int] = set()

    @property
    def behind(self) -> list[Store[Any, Any]]:
        """The stores that missed a write, as far as this process knows."""
        return [self._stores[index] for index in sorted(self._behind)]

    @property
    def raw(self) -> Store[Any, Any]:
        return self._stores[0].raw

    def native(self, verb: str) -> bool:
        return super().native(verb) if verb in {"set", "delete"} else self._stores[0].native(verb)

    # -- reads -------------------------------------------------------------------------------------------------

    def _current(self) -> list[tuple[int, Store[Any, Any]]]:
        """Return the stores that have every write, in order; where there are none, all."""
        known = [(index, store) for index, store in enumerate(self._stores) if index not in self._behind]
        return known or list(enumerate(self._stores))

    def _read(self, read: Callable[[Store[Any, Any]], Any]) -> Any:
        """Return the answer of the first store that gives one."""
        error: StoreError | None = None
        for _, store in self._current():
            try:
                return read(store)
            except StoreError as failed:
                error = error or failed
        assert error is not None  # noqa: S101 - there is a store at least
        raise error

    def get(self, key: K, default: Any = None) -> Any:
        return self._read(lambda store: store.get(key, default))

    def has(self, key: Any) -> bool:
        return bool(self._read(lambda store: store.has(key)))

    def get_many(self, keys: Iterable[K], default: Any = None) -> list[Any]:
        wanted = list(keys)
        found: list[Any] = self._read(lambda store: store.get_many(wanted, default))
        return found

    def count(self) -> int:
        return int(self._read(lambda store: store.count()))

    def ttl(self, key: K) -> float | None:
        left: float | None = self._read(lambda store: store.ttl(key))
        return left

    def iter(self) -> Iterator[K]:
        return self._listed(lambda store: store.iter())

    def entries(self) -> Iterator[tuple[K, V]]:
        return self._listed(lambda store: store.entries())

    def select(self, query: Query) -> Iterator[tuple[K, V]]:
        if query.part is None:
            return self._listed(lambda store: store.select(query))
        return self._stores[0].select(query)  # a part is of the store that made it

    def split(self, count: int) -> list[Part]:
        return self._stores[0].split(count)

    def _listed(self, begin: Callable[[Store[Any, Any]], Iterator[Any]]) -> Iterator[Any]:
        """Yield a listing of the first store that begins one; what fails later raises."""

        def first(store: Store[Any, Any]) -> tuple[list[Any], Iterator[Any]]:
            listed = iter(begin(store))
            for thing in listed:
                return [thing], listed
            return [], listed

        begun, rest = self._read(first)
        yield from begun
        yield from rest

    def plan(self, query: Query) -> Plan:
        step = Step(type(self).__name__, "asks the first store that answers")
        return self._current()[0][1].plan(query).behind(step, str(query))

    def canonical(self, key: K) -> Any:
        return self._stores[0].canonical(key)

    def check(self, key: K, value: V) -> None:
        for store in self._stores:
            store.check(key, value)

    # -- writes ------------------------------------------------------------------------------------------------

    def _write(
        self,
        verb: str,
        keys: Iterable[K] | None,
        decide: Callable[[Store[Any, Any]], Any],
        follow: Callable[[Store[Any, Any], Any], object],
    ) -> Any:
        """Let one store decide a write, and the others follow what it answered."""
        names = None if keys is None else [self.canonical(key) for key in keys]
        with self._stripes.holding(names):
            chosen, answer, failed = self._decided(decide)
            for index, store in enumerate(self._stores):
                if index != chosen and index not in failed:
                    try:
                        follow(store, answer)
                    except BaseException as error:
                        if came_from_outside(error):
                            self._behind |= {other for other, _ in enumerate(self._stores) if other != chosen}
                            raise
                        failed[index] = error  # type: ignore[assignment] # an Exception, since it is of the call
            self._behind |= failed.keys()
        if failed:
            self._missed(verb, chosen, failed)
        return answer

    def _decided(self, decide: Callable[[Store[Any, Any]], Any]) -> tuple[int, Any, dict[int, Exception]]:
        failed: dict[int, Exception] = {}
        for index, store in self._current():
            try:
                return index, decide(store), failed
            except (ConflictError, LockedError):
                raise
            except StoreError as error:
                failed[index] = error
                unsure = isinstance(error, (UnansweredError, PartialWriteError))
                if unsure:
                    self._doubt(index)
                if unsure or not self.any_decides:
                    raise
            except BaseException as error:
                if came_from_outside(error):
                    self._doubt(index)  # it may have been done there, and nobody follows
                raise
        return raise_alone(failed.pop(min(failed)))

    def _lasts(self, ttl: float | None) -> dict[str, float]:
        """Return the options of a write: a time to live that not every store takes is refused before any has it."""
        if ttl is not None and "ttl" not in self.features:
            raise no_ttl(self)
        return given(ttl=ttl)

    @abstractmethod
    def _doubt(self, index: int) -> None:
        """Note which stores are behind where one may have taken a write that no other has."""

    @abstractmethod
    def _missed(self, verb: str, decided: int, failed: dict[int, Exception]) -> None:
        """Say what it means that stores did not take a write which another one took."""

    def set(self, key: K, value: V, *, ttl: float | None = None) -> None:
        lasts = self._lasts(ttl)
        self._write(
            "set",
            (key,),
            lambda store: store.set(key, value, **lasts),
            lambda store, _: store.set(key, value, **lasts),
        )

    def set_many(self, pairs: Iterable[tuple[K, V]], *, ttl: float | None = None) -> None:
        lasts, batch = self._lasts(ttl), list(pairs)
        self._write(
            "set_many",
            [key for key, _ in batch],
            lambda store: store.set_many(batch, **lasts),
            lambda store, _: store.set_many(batch, **lasts),
        )

    def delete(self, key: K) -> bool:
        there = self._write("delete", (key,), lambda store: store.delete(key), lambda store, _: store.delete(key))
        return bool(there)

    def delete_many(self, keys: Iterable[K]) -> int:
        doomed = list(keys)
        count = self._write(
            "delete_many",
            doomed,
            lambda store: store.delete_many(doomed),
            lambda store, _: store.delete_many(doomed),
        )
        return int(count)

    def clear(self) -> None:
        self._write("clear", None, lambda store: store.clear(), lambda store, _: store.clear())

    def replace_all(self, pairs: Iterable[tuple[K, V]]) -> None:
        read = list(pairs)
        self._write(
            "replace_all", None, lambda store: store.replace_all(read), lambda store, _: store.replace_all(read)
        )

    def add(self, key: K, value: V, *, ttl: float | None = None) -> bool:
        lasts = self._lasts(ttl)
        return bool(
            self._write(
                "add",
                (key,),
                lambda store: store.add(key, value, **lasts),
                lambda store, added: added and store.set(key, value, **lasts),
            )
        )

    def replace(self, key: K, expected: V, value: V, *, ttl: float | None = None) -> bool:
        lasts = self._lasts(ttl)
        return bool(
            self._write(
                "replace",
                (key,),
                lambda store: store.replace(key, expected, value, **lasts),
                lambda store, replaced: replaced and store.set(key, value, **lasts),
            )
        )

    def discard(self, key: K, expected: V) -> bool:
        return bool(
            self._write(
                "discard",
                (key,),
                lambda store: store.discard(key, expected),
                lambda store, removed: removed and store.delete(key),
            )
        )

    def pop(self, key: K, default: Any = RAISE) -> Any:
        value = self._write("pop", (key,), lambda store: store.pop(key, MISSING), lambda store, _: store.delete(key))
        return absent(key, default) if value is MISSING else value

    def touch(self, key: K, ttl: float | None) -> bool:
        if "ttl" not in self.features:
            raise no_ttl(self)
        there = self._write(
            "touch", (key,), lambda store: store.touch(key, ttl), lambda store, _: store.touch(key, ttl)
        )
        return bool(there)

    # -- after a failure ---------------------------------------------------------------------------------------

    def repair(self, *, progress: Progress = False) -> int:
        """Make every store hold what the first one that is not behind holds, beside readers and writers of this object.

        Only the difference is written: entries that are absent or not equal are set, others are removed. Call it when a
        store is back, and when a process that wrote was killed.

        Parameters
        ----------
        progress : bool or callable, optional
            True shows a progress bar; a callable is called with the number of keys looked at.

        Returns
        -------
        int
            How many entries were changed.
        """
        leading, source = self._current()[0]
        changed = 0
        others = [(index, store) for index, store in enumerate(self._stores) if index != leading]
        listed = (key for store in self._stores for key in store.iter())
        for keys in batches(with_progress(listed, progress, "repairing")):
            with self._stripes.holding([self.canonical(key) for key in keys]):
                changed += sum(self._follow(source, store, list(dict.fromkeys(keys))) for _, store in others)
        self._behind.clear()
        _LOG.info("%r was repaired from %r: %d entries changed", self, source, changed)
        return changed

    def _follow(self, source: Store[Any, Any], store: Store[Any, Any], keys: list[K]) -> int:
        wanted, held = source.get_many(keys, MISSING), store.get_many(keys, MISSING)
        different = [
            (key, value)
            for key, value, present in zip(keys, wanted, held, strict=True)
            if (value is MISSING) != (present is MISSING) or not python_equal(value, present)
        ]
        gone = [key for key, value in different if value is MISSING]
        setting = [(key, value) for key, value in different if value is not MISSING]
        if gone:
            store.delete_many(gone)
        if "ttl" in self.features:
            for key, value in setting:
                self._set_lasting(source, store, key, value)
        elif setting:
            store.set_many(setting)
        return len(different)

    def _set_lasting(self, source: Store[Any, Any], store: Store[Any, Any], key: K, value: V) -> None:
        try:
            store.set(key, value, **given(ttl=source.ttl(key)))
        except KeyError:  # it went away meanwhile
            store.delete(key)
