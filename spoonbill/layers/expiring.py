"""Entries that expire, over any store."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Final, TypeVar

from spoonbill.common.equality import python_equal
from spoonbill.common.progress import Progress, with_progress
from spoonbill.common.sentinels import MISSING, RAISE, absent
from spoonbill.common.text import shortened
from spoonbill.errors import CodecError, StackError
from spoonbill.layers.write_once import WriteOnce
from spoonbill.query import Plan, Query
from spoonbill.store import BytesLayer, Store
from spoonbill.store.binding import bind
from spoonbill.store.layering.looking import stack_of
from spoonbill.store.numbers import check_number

__all__ = ["Expiring"]

K = TypeVar("K")
V = TypeVar("V")

_MARK: Final = b"\xe7"
_HEAD: Final = 9
_UNTIL, _VALUE = "spoonbill__until", "spoonbill__value"
_NEVER: Final = 0
_WRITES: Final = ("set", "set_many", "add", "replace", "increment")


class Expiring(BytesLayer[K, V]):
    """Gives every store ``ttl=``: an entry whose time is over is absent at once, and is removed when `sweep` comes by.

    Where the engine expires entries itself (Redis, ...) this only adds a time to live for writes that give none.
    Anywhere else each value is stored with the time at which it ends: bytes behind nine bytes, any other value in a
    small dict.
    Over a named store the layer goes in below the codec. Listing and `len` read values, to leave out what is over. The
    clock is that of the reading machine.

    Parameters
    ----------
    store : Store
        Any store, or a named store.
    ttl : float, optional
        Seconds to live for what is written without a ``ttl=``; by default such entries stay.
    clock : callable, optional
        Returns seconds; ``time.time`` by default.

    Examples
    --------
    >>> from spoonbill.datastores import InMemoryStore
    >>> now = [0.0]
    >>> store = Expiring(InMemoryStore(), clock=lambda: now[0])
    >>> store.set("a", 1, ttl=10)
    >>> now[0] = 9.0
    >>> store["a"], store.ttl("a")
    (1, 1.0)
    >>> now[0] = 10.0
    >>> "a" in store, store.sweep()
    (False, 1)
    """

    once = True

    def __init__(
        self, store: Store[Any, Any], ttl: float | None = None, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._default = ttl
        self._now = clock
        _until(ttl, 0.0)
        super().__init__(store)
        if self._working is self and "ttl" in self.inner.features:
            self._pass_through()
        self.features = self.features | {"ttl"}
        self.ends_by_default = self.ends_by_default or ttl is not None

    def _check_order(self, bottom: Store[Any, Any]) -> None:
        super()._check_order(bottom)
        if any(isinstance(below, WriteOnce) for below in stack_of(bottom)):
            raise StackError(
                f"Expiring over {bottom!r}: what is over can be neither removed nor written anew there. Build it the "
                "other way round: WriteOnce(Expiring(...))"
            )

    def _pass_through(self) -> None:
        """Leave every verb to the engine, which expires entries itself."""
        for verb in self._forms:
            function = getattr(self.inner, verb)
            if verb in _WRITES and self._default is not None:
                function = _with_default(function, self._default)
            bind(self, verb, function, because="the engine expires entries itself")

    # -- the envelope ------------------------------------------------------------------------------------------

    def _wrapped(self, value: Any, ttl: float | None) -> Any:
        return _envelope(value, _until(self._default if ttl is None else ttl, self._now()))

    def _alive(self, data: Any, key: Any) -> tuple[Any, int]:
        """Return the value in an envelope and the time of its end; MISSING for the value where that is over."""
        if isinstance(data, bytes):
            if data[:1] != _MARK or len(data) < _HEAD:
                raise CodecError(
                    f"the value of key {shortened(key)} in {self!r} was not written by an Expiring layer: copy "
                    "the entries through one"
                )
            until, value = int.from_bytes(data[1:_HEAD], "big"), data[_HEAD:]
        elif isinstance(data, Mapping) and data.keys() == {_UNTIL, _VALUE}:
            until, value = data[_UNTIL], data[_VALUE]
        else:
            return data, _NEVER  # written before this layer was there: it stays
        return (MISSING if until != _NEVER and until <= self._now() * 1000 else value), until

    def decode(self, data: Any, key: K) -> Any:
        """Return the value in an envelope; MISSING where its time is over."""
        return self._alive(data, key)[0]

    def _read(self, key: K) -> tuple[Any, Any, int]:
        """Return what is stored, its value and its end; MISSING for the value where there is none now."""
        data = self.inner.get(key, MISSING)
        if data is MISSING:
            return MISSING, MISSING, _NEVER
        value, until = self._alive(data, key)
        return data, value, until

    # -- one key -----------------------------------------------------------------------------------------------

    reads_odd_keys = True

    def get(self, key: K, default: Any = None) -> Any:
        value = self._read(key)[1]
        return default if value is MISSING else value

    def has(self, key: Any) -> bool:
        return self._read(key)[1] is not MISSING

    def set(self, key: K, value: V, *, ttl: float | None = None) -> None:
        self.inner.set(key, self._wrapped(value, ttl))

    def delete(self, key: K) -> bool:
        data = self.inner.pop(key, MISSING)
        try:
            return data is not MISSING and self.decode(data, key) is not MISSING
        except CodecError:
            return True  # damaged, but it was there

    def pop(self, key: K, default: Any = RAISE) -> Any:
        value = super().pop(key, MISSING)
        return absent(key, default) if value is MISSING else value

    def add(self, key: K, value: V, *, ttl: float | None = None) -> bool:
        new = self._wrapped(value, ttl)
        while True:
            data, present, _ = self._read(key)
            if data is MISSING:
                if self.inner.add(key, new):
                    return True
            elif present is not MISSING:
                return False
            elif self.inner.replace(key, data, new):
                return True

    def replace(self, key: K, expected: V, value: V, *, ttl: float | None = None) -> bool:
        new = self._wrapped(value, ttl)
        while True:
            data, present, _ = self._read(key)
            if present is MISSING or not python_equal(present, expected):
                return False
            if self.inner.replace(key, data, new):
                return True

    def discard(self, key: K, expected: V) -> bool:
        while True:
            data, present, _ = self._read(key)
            if present is MISSING or not python_equal(present, expected):
                return False
            if self.inner.discard(key, data):
                return True

    def increment(self, key: K, by: float = 1, *, ttl: float | None = None) -> Any:
        check_number(by, self, key)
        while True:
            data, present, until = self._read(key)
            if present is MISSING:
                if self.add(key, by, ttl=ttl):  # type: ignore[arg-type] # a number
                    return by
                continue
            total = check_number(present, self, key) + by
            new = _envelope(total, until) if ttl is None else self._wrapped(total, ttl)  # its end stays
            if self.inner.replace(key, data, new):
                return total

    def ttl(self, key: K) -> float | None:
        _, value, until = self._read(key)
        if value is MISSING:
            raise KeyError(key)
        return None if until == _NEVER else until / 1000 - self._now()

    def touch(self, key: K, ttl: float | None) -> bool:
        while True:
            data, value, _ = self._read(key)
            if value is MISSING:
                return False
            if self.inner.replace(key, data, self._wrapped(value, math.inf if ttl is None else ttl)):
                return True

    # -- many keys ---------------------------------------------------------------------------------------------

    def get_many(self, keys: Iterable[K], default: Any = None) -> list[Any]:
        keys = list(keys)
        found = self.inner.get_many(keys, MISSING)
        values = (
            MISSING if data is MISSING else self._alive(data, key)[0] for key, data in zip(keys, found, strict=True)
        )
        return [default if value is MISSING else value for value in values]

    def set_many(self, pairs: Iterable[tuple[K, V]], *, ttl: float | None = None) -> None:
        self.inner.set_many((key, self._wrapped(value, ttl)) for key, value in pairs)

    def delete_many(self, keys: Iterable[K]) -> int:
        keys = list(dict.fromkeys(keys))
        alive = sum(value is not MISSING for value in self.get_many(keys, MISSING))
        self.inner.delete_many(keys)
        return alive

    def replace_all(self, pairs: Iterable[tuple[K, V]]) -> None:
        self.inner.replace_all((key, self._wrapped(value, None)) for key, value in pairs)

    def iter(self) -> Iterator[K]:
        return (key for key, _ in self.entries())

    def count(self) -> int:
        return sum(1 for _ in self.entries())

    def entries(self) -> Iterator[tuple[K, V]]:
        return self._living(self.inner.entries())

    def select(self, query: Query) -> Iterator[tuple[K, V]]:
        return self._living(self.inner.select(self.translate(query)))

    def _living(self, pairs: Iterator[tuple[K, Any]]) -> Iterator[tuple[K, V]]:
        for key, data in pairs:
            value, _ = self._alive(data, key)
            if value is not MISSING:
                yield key, value

    def translate(self, query: Query) -> Query:
        return replace(query.without_conditions().without_limit(), keys_only=False)

    def plan(self, query: Query) -> Plan:
        return self._below(query, "leaves out what has expired")

    def check(self, key: K, value: V) -> None:
        self.inner.check(key, self._wrapped(value, None))

    leaves: ClassVar[tuple[str, ...]] = ("clear", "split", "canonical", "ping", "flush", "close")

    def sweep(self, *, progress: Progress = False) -> int:
        """Remove what has expired, beside readers and writers, and return how many entries it was.

        Parameters
        ----------
        progress : bool or callable, optional
            True shows a progress bar; a callable is called with the number of entries looked at.
        """
        layer = self._working
        if "ttl" in layer.inner.features:
            return 0
        entries = with_progress(layer.inner.entries(), progress, "sweeping")
        dead = ((key, data) for key, data in entries if layer._alive(data, key)[0] is MISSING)  # noqa: SLF001 - of this class
        return sum(layer.inner.discard(key, data) for key, data in dead)


def _until(ttl: float | None, now: float) -> int:
    """Return the time of an entry's end in milliseconds since 1970, 0 for one that stays."""
    if ttl is None:
        return _NEVER
    if isinstance(ttl, bool) or not isinstance(ttl, (int, float)) or not ttl > 0:
        raise ValueError(f"ttl is a number of seconds above 0, or math.inf for an entry that stays, not {ttl!r}")
    return _NEVER if ttl == math.inf else max(1, math.ceil((now + ttl) * 1000))


def _envelope(value: Any, until: int) -> Any:
    if isinstance(value, bytes):
        return _MARK + until.to_bytes(_HEAD - 1, "big") + value
    return {_UNTIL: until, _VALUE: value}


def _with_default(function: Callable[..., Any], default: float) -> Callable[..., Any]:
    def write(*arguments: Any, ttl: float | None = None) -> Any:
        return function(*arguments, ttl=default if ttl is None else ttl)

    return write
