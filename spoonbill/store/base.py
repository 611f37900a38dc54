"""The contract: four verbs that a backend writes, and what is derived from them."""

import math
import time
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar, cast, overload

from spoonbill.common.batching import batches
from spoonbill.common.equality import python_equal
from spoonbill.common.sentinels import MISSING, RAISE, absent
from spoonbill.errors import (
    ClosedError,
    CodecError,
    InvalidKeyError,
    KeyTooLongError,
    StoreError,
    ValueTooLargeError,
)
from spoonbill.query import Part, Plan, Query, Step
from spoonbill.store.attempts import attempts
from spoonbill.store.binding import given, lasting, no_ttl
from spoonbill.store.described import Described
from spoonbill.store.numbers import check_number
from spoonbill.store.parts import check_count, parts_of_names, select_names

K = TypeVar("K")
V = TypeVar("V")
D = TypeVar("D")


class Verbs(Described, Generic[K, V]):
    """What a store can be asked to do: four verbs that a backend writes, and all that is derived from them.

    A backend writes `get`, `set`, `delete` and `iter`, for ``str`` keys and ``bytes`` values, and is complete: it can
    be layered, searched, saved, loaded and tested by the conformance kit. Every other verb has a derived form here; a
    class that defines one itself does so only to be faster, never to be different.

    Three things are kept apart everywhere: a stored None is a value, a proven absence is the default (or a
    ``KeyError``), and an engine's failure is a `StoreError`.

    """

    _states_contract = True

    # -- the four verbs ----------------------------------------------------------------------------------------

    @overload
    def get(self, key: K, default: None = None) -> V | None: ...

    @overload
    def get(self, key: K, default: V) -> V: ...

    @overload
    def get(self, key: K, default: D) -> V | D: ...

    @abstractmethod
    def get(self, key: K, default: Any = None) -> Any:
        """Return the value of `key`, or `default` where it is absent. A stored None is not absence."""

    @abstractmethod
    def set(self, key: K, value: V, *arguments: Any, **options: Any) -> None:
        """Replace the whole value of `key`. When it returns, every reader of this store sees it.

        Parameters
        ----------
        key, value
            What to store.
        *arguments, **options
            ``ttl``: seconds after which the entry is absent, where the store can expire entries. It is spelled openly
            here, so that a backend that cannot expire may leave it out; a caller who gives one to such a store gets an
            `UnsupportedError`, in the same words everywhere. `set_many`, `add` and `replace` take it too.
        """

    @abstractmethod
    def delete(self, key: K) -> bool:
        """Remove `key`. Return True where it was there; absence is no error."""

    @abstractmethod
    def iter(self) -> Iterator[K]:
        """Yield every key once."""

    # -- derived verbs -----------------------------------------------------------------------------------------

    def has(self, key: Any) -> bool:
        """Return whether `key` is there."""
        return self.get(key, MISSING) is not MISSING

    def count(self) -> int:
        """Return the number of keys."""
        return sum(1 for _ in self.iter())

    def get_many(self, keys: Iterable[K], default: Any = None) -> list[Any]:
        """Return a value for each of `keys`, in order, duplicates included, `default` for each that is absent."""
        return [self.get(key, default) for key in keys]

    def set_many(self, pairs: Iterable[tuple[K, V]], *arguments: Any, **options: Any) -> None:
        """Set every pair, as `set` does. Of several values for one key the last one wins."""
        expiry = given(*arguments, **options)
        for key, value in pairs:
            self.set(key, value, **expiry)

    def delete_many(self, keys: Iterable[K]) -> int:
        """Remove `keys`. Return how many were there; duplicates count once."""
        return sum(1 for key in keys if self.delete(key))

    def entries(self) -> Iterator[tuple[K, V]]:
        """Yield every pair once, read in batches."""
        for keys in batches(self.iter()):
            for key, value in zip(keys, self.get_many(keys, MISSING), strict=True):
                if value is not MISSING:  # it went away since its key was listed
                    yield key, value

    def clear(self) -> None:
        """Remove every key that is there when the call begins."""
        for keys in batches(list(self.iter())):
            self.delete_many(keys)

    def add(self, key: K, value: V, *arguments: Any, **options: Any) -> bool:
        """Set `key` only where it is absent. Return whether it was set."""
        expiry = given(*arguments, **options)
        with self._lock:
            if self.has(key):
                return False
            self.set(key, value, **expiry)
            return True

    def replace(self, key: K, expected: V, value: V, *arguments: Any, **options: Any) -> bool:
        """Set `key` only where its value equals `expected`. Return whether it was set."""
        expiry = given(*arguments, **options)
        with self._lock:
            present: Any = self.get(key, MISSING)
            if present is MISSING or not python_equal(present, expected):
                return False
            self.set(key, value, **expiry)
            return True

    def pop(self, key: K, default: Any = RAISE) -> Any:
        """Remove `key` and return its value, or `default` where it is absent.

        Raises
        ------
        KeyError
            If it is absent and no default was given.
        """
        with self._lock:
            value: Any = self.get(key, MISSING)
            if value is MISSING:
                return absent(key, default)
            self.delete(key)
            return value

    def discard(self, key: K, expected: V) -> bool:
        """Remove `key` only where its value equals `expected`. Return whether it was removed."""
        with self._lock:
            present: Any = self.get(key, MISSING)
            return present is not MISSING and python_equal(present, expected) and self.delete(key)

    def increment(self, key: K, by: float = 1, *arguments: Any, **options: Any) -> Any:
        """Add `by` to the number under `key`, atomically as `replace` is, and return the sum; absent counts as 0.

        Parameters
        ----------
        key
            Where the number is.
        by : int or float, optional
            What to add.
        *arguments, **options
            ``ttl``, as for `set`; it is counted from this call.

        Raises
        ------
        TypeError
            If the value is no number.
        """
        expiry = given(*arguments, **options)
        check_number(by, self, key)
        for _ in attempts(self, "increment", key):
            present: Any = self.get(key, MISSING)
            if present is MISSING:
                if self.add(key, cast("V", by), **expiry):
                    return by
                continue
            total = check_number(present, self, key) + by
            if self.replace(key, present, cast("V", total), **lasting(self, key, expiry)):
                return total
        return None

    def ttl(self, key: K) -> float | None:
        """Return the seconds after which `key` expires, None where it stays.

        Raises
        ------
        KeyError
            If it is absent.
        """
        if not self.has(key):
            raise KeyError(key)
        return None

    def touch(self, key: K, ttl: float | None) -> bool:
        """Let `key` expire `ttl` seconds from now, None: never. Return whether it was there; its value stays.

        Raises
        ------
        UnsupportedError
            If this store cannot expire entries.
        """
        if "ttl" not in self.features:
            raise no_ttl(self)
        for _ in attempts(self, "touch", key):
            present: Any = self.get(key, MISSING)
            if present is MISSING:
                return False
            if self.replace(key, present, present, ttl=math.inf if ttl is None else ttl):
                return True
        return False

    def ping(self) -> float:
        """Reach the engine, and return how many seconds its answer took.

        Raises
        ------
        StoreError
            If it cannot be reached.
        """
        start = time.perf_counter()
        any(True for _ in self.iter())
        return time.perf_counter() - start

    def select(self, query: Query) -> Iterator[tuple[K, V]]:
        """Yield at least every pair that matches `query`; the caller tests each again.

        An engine may narrow as far as it can prove. Where ``query.keys_only`` is set the values are not looked at, and
        may be None. ``query.part`` is the exception: nobody can test it again, so exactly its keys are yielded.
        """
        if query.part is not None:
            return select_names(self, query)
        if query.keys_only:
            return ((key, None) for key in self.iter())  # type: ignore[misc]
        return self.entries()

    def plan(self, query: Query) -> Plan:
        """Tell how `select` would run `query`."""
        return Plan(
            steps=(Step(where=repr(self), runs=str(query)),),
            finished_here=str(query),
            scanned=f"every key of {self!r}" if query.keys_only else f"every entry of {self!r}",
        )

    def split(self, count: int) -> list[Part]:
        """Return 1 to `count` disjoint parts that together hold every key that is there all the time.

        A part is a tuple of plain data, its first element its kind, so that it travels to other processes. The same
        store reads it there by ``select(Query(part=part))``; see `Store.shares`.
        """
        check_count(count)
        return parts_of_names([key for key, _ in self.select(Query(keys_only=True))], count)

    def canonical(self, key: K) -> Any:
        """Return the key as the engine knows it: equal for two keys exactly where they name one entry.

        A layer of yours that changes keys by its own verbs, and not as a `KeyLayer`, defines this too.
        """
        return key

    def check(self, key: K, value: V) -> None:
        """Raise the error that a set of this pair would raise. Writes nothing."""

    def replace_all(self, pairs: Iterable[tuple[K, V]]) -> None:
        """Replace the whole contents by `pairs`: in one step where the engine can, else clear first, then set.

        Raises
        ------
        StoreError
            If the engine fails. Where it cannot do it in one step, the error says that the old contents may be gone.
        """
        try:
            self.clear()
            self.set_many(pairs)
        except ClosedError:
            raise
        except (StoreError, CodecError, InvalidKeyError, KeyTooLongError, ValueTooLargeError) as error:
            error.args = (f"{error} The old contents may be gone, and only a part of the new ones there: do it again.",)
            raise

    def flush(self) -> None:
        """Wait until everything written so far is where the engine keeps it."""

    def close(self) -> None:
        """Release what the store itself opened. A client that was handed in stays open. Closing twice is no error."""

    def compile_keys(self, down: Callable[[Any], Any], up: Callable[[Any], Any]) -> dict[str, Callable[..., Any]]:  # noqa: ARG002 - for engines
        """Return verbs with the key functions `down` and `up` compiled in, where an engine has them, by name.

        A key layer that leaves str keys without the marker as they are uses them in place of its own, which saves
        frames. They must agree with the verbs themselves, and pass on every error of the functions.
        """
        return {}
