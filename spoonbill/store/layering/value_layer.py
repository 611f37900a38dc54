"""The base of layers that change values."""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, overload

from spoonbill.common.equality import python_equal
from spoonbill.common.generics import D, K, V
from spoonbill.common.sentinels import MISSING, RAISE, absent
from spoonbill.query import Plan, Query
from spoonbill.store.attempts import attempts
from spoonbill.store.binding import given
from spoonbill.store.layering.layer import Layer


class ValueLayer(Layer[K, V]):
    """A layer that changes values: write `encode` and `decode`.

    Two dumps of one value need not be equal bytes (sets, pickles and nonces are not): `replace` compares what it
    loads, then swaps the stored bytes for which it holds.
    """

    reads_odd_keys = True
    leaves: ClassVar[tuple[str, ...]] = (
        "has",
        "count",
        "iter",
        "delete",
        "delete_many",
        "clear",
        "split",
        "canonical",
        "ttl",
        "touch",
        "ping",
        "flush",
        "close",
    )

    def encode(self, value: V, key: K) -> Any:  # noqa: ARG002 - the key is there for layers that sign or encrypt with it
        """Return what the inner store shall hold for `value`."""
        return value

    def decode(self, data: Any, key: K) -> V:  # noqa: ARG002 - as above
        """Return the value for what the inner store holds. The inverse of `encode`."""
        return data  # type: ignore[no-any-return]

    @overload
    def get(self, key: K, default: None = None) -> V | None: ...

    @overload
    def get(self, key: K, default: V) -> V: ...

    @overload
    def get(self, key: K, default: D) -> V | D: ...

    def get(self, key: K, default: Any = None) -> Any:
        data = self.inner.get(key, MISSING)
        return default if data is MISSING else self.decode(data, key)

    def set(self, key: K, value: V, *, ttl: float | None = None) -> None:
        if ttl is None:
            self.inner.set(key, self.encode(value, key))
        else:
            self.inner.set(key, self.encode(value, key), ttl=ttl)

    def get_many(self, keys: Iterable[K], default: Any = None) -> list[Any]:
        keys = list(keys)
        found = self.inner.get_many(keys, MISSING)
        decode = self.decode
        return [default if data is MISSING else decode(data, key) for key, data in zip(keys, found, strict=True)]

    def set_many(self, pairs: Iterable[tuple[K, V]], *, ttl: float | None = None) -> None:
        self.inner.set_many(self._encoded(pairs), **given(ttl=ttl))

    def entries(self) -> Iterator[tuple[K, V]]:
        decode = self.decode
        for key, data in self.inner.entries():
            yield key, decode(data, key)

    def add(self, key: K, value: V, *, ttl: float | None = None) -> bool:
        return self.inner.add(key, self.encode(value, key), **given(ttl=ttl))

    def replace(self, key: K, expected: V, value: V, *, ttl: float | None = None) -> bool:
        new = self.encode(value, key)
        for _ in attempts(self, "replace", key):
            data = self.inner.get(key, MISSING)
            if data is MISSING or not python_equal(self.decode(data, key), expected):
                return False
            if self.inner.replace(key, data, new, **given(ttl=ttl)):
                return True
        return False

    def discard(self, key: K, expected: V) -> bool:
        for _ in attempts(self, "discard", key):
            data = self.inner.get(key, MISSING)
            if data is MISSING or not python_equal(self.decode(data, key), expected):
                return False
            if self.inner.discard(key, data):
                return True
        return False

    def pop(self, key: K, default: Any = RAISE) -> Any:
        # Loaded before it is let go: data that cannot be read must not be lost by the attempt.
        data = self.inner.get(key, MISSING)
        if data is MISSING:
            return absent(key, default)
        value = self.decode(data, key)
        removed = self.inner.pop(key, MISSING)
        if removed is MISSING:
            return absent(key, default)
        return value if python_equal(removed, data) else self._decode_or_put_back(removed, key)

    def _decode_or_put_back(self, data: Any, key: K) -> V:
        """Load what another writer set between the read and the removal."""
        try:
            return self.decode(data, key)
        except BaseException:  # of whatever kind: the value must not be lost by it
            self.inner.add(key, data)
            raise

    def translate(self, query: Query) -> Query:
        return query.without_conditions()

    def select(self, query: Query) -> Iterator[tuple[K, V]]:
        found = self.inner.select(self.translate(query))
        if query.keys_only:
            yield from found
            return
        decode = self.decode
        for key, data in found:
            if query.matches_key(key):  # tested before the work of loading
                yield key, decode(data, key)

    def plan(self, query: Query) -> Plan:
        return self._below(query, "decodes values")

    def check(self, key: K, value: V) -> None:
        self.inner.check(key, self.encode(value, key))

    def replace_all(self, pairs: Iterable[tuple[K, V]]) -> None:
        self.inner.replace_all(self._encoded(pairs))

    def _encoded(self, pairs: Iterable[tuple[K, V]]) -> Iterator[tuple[K, Any]]:
        encode = self.encode
        return ((key, encode(value, key)) for key, value in pairs)
