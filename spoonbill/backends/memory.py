"""A dict, or any dict-like object, as a store."""

from collections.abc import Callable, Iterable, Iterator, MutableMapping
from typing import Any, Self, overload

from spoonbill.common.generics import D, K, V
from spoonbill.common.sentinels import MISSING
from spoonbill.common.text import shortened
from spoonbill.common.traits import Guarantees
from spoonbill.errors import InvalidKeyError, StackError
from spoonbill.store import Store
from spoonbill.store.binding import no_ttl


class Memory(Store[K, V]):
    """A mapping in memory: wrapped, not copied.

    Parameters
    ----------
    mapping : MutableMapping or class, optional
        What holds the data. A class (``OrderedDict``, ``defaultdict``, ``Counter``) is called.
    strict : bool, optional
        False lets ``save`` pickle values that are of no plain type, and ``load`` read them.
    """

    guarantees = Guarantees(
        threads="every verb is safe where the mapping is; dict is",
        processes="each process has its own data",
        fork="the child has a copy of its own",
        crash="nothing survives",
        iteration="a snapshot of the keys: writes do not disturb a loop, which skips what was deleted",
        atomic="between the threads of this process",
    )

    reads_odd_keys = True
    never_waits = True

    def __init__(
        self,
        mapping: MutableMapping[K, V] | Callable[[], MutableMapping[K, V]] | None = None,
        *,
        strict: bool = True,
    ) -> None:
        made: Any = {} if mapping is None else mapping() if isinstance(mapping, type) else mapping
        if not isinstance(made, MutableMapping):
            raise StackError(f"{type(self).__name__} wraps a mutable mapping, not {type(made).__name__}")
        self._mapping = made
        # The [] of a dict reads; that of a defaultdict or a Counter would insert or make up a value.
        plain = isinstance(made, dict) and not hasattr(made, "__missing__")
        self._reader: Any = made if plain else _ByGet(made)
        self.never_waits = isinstance(made, dict)
        self.strict = strict

    @property
    def mapping(self) -> MutableMapping[K, V]:
        """The mapping itself."""
        return self._mapping

    @property
    def client(self) -> MutableMapping[K, V]:
        """The mapping itself."""
        return self._mapping

    def _unhashable(self, key: Any, error: TypeError) -> InvalidKeyError:
        return InvalidKeyError(f"{self!r}: a key is hashable, {type(key).__name__} {shortened(key)} is not ({error})")

    @overload
    def get(self, key: K, default: None = None) -> V | None: ...

    @overload
    def get(self, key: K, default: V) -> V: ...

    @overload
    def get(self, key: K, default: D) -> V | D: ...

    def get(self, key: K, default: Any = None) -> Any:
        try:
            return self._mapping.get(key, default)
        except TypeError as error:
            raise self._unhashable(key, error) from error

    def set(self, key: K, value: V, *, ttl: float | None = None) -> None:
        if ttl is not None:
            raise no_ttl(self)
        self[key] = value

    def set_many(self, pairs: Iterable[tuple[K, V]], *, ttl: float | None = None) -> None:
        if ttl is not None:
            raise no_ttl(self)
        mapping = self._mapping
        for key, value in pairs:
            try:
                mapping[key] = value
            except TypeError as error:
                raise self._unhashable(key, error) from error

    def delete(self, key: K) -> bool:
        try:
            del self._mapping[key]
        except KeyError:
            return False
        except TypeError as error:
            raise self._unhashable(key, error) from error
        return True

    def iter(self) -> Iterator[K]:
        return iter(list(self._mapping))

    def has(self, key: K) -> bool:
        return key in self

    def count(self) -> int:
        return len(self._mapping)

    def entries(self) -> Iterator[tuple[K, V]]:
        reader = self._reader
        for key in list(self._mapping):
            try:
                value = reader[key]
            except KeyError:  # it was deleted meanwhile
                continue
            yield key, value

    def clear(self) -> None:
        self._mapping.clear()

    def canonical(self, key: K) -> Any:
        try:
            hash(key)
        except TypeError as error:
            raise self._unhashable(key, error) from error
        return key

    def check(self, key: K, value: V) -> None:  # noqa: ARG002 - any value fits
        self.has(key)

    def replace_all(self, pairs: Iterable[tuple[K, V]]) -> None:
        read = list(pairs)  # all of it, before the first entry goes
        with self._lock:
            self._mapping.clear()
            self.set_many(read)

    # Its dunders are its own, a frame shorter than the facade's.

    def __getitem__(self, key: K) -> V:
        try:
            return self._reader[key]  # type: ignore[no-any-return]
        except TypeError as error:
            raise self._unhashable(key, error) from error

    def __setitem__(self, key: K, value: V) -> None:
        try:
            self._mapping[key] = value
        except TypeError as error:
            raise self._unhashable(key, error) from error

    def __delitem__(self, key: K) -> None:
        try:
            del self._mapping[key]
        except TypeError as error:
            raise self._unhashable(key, error) from error

    def __contains__(self, key: object) -> bool:
        try:
            return key in self._mapping
        except TypeError as error:
            raise self._unhashable(key, error) from error

    def __len__(self) -> int:
        return len(self._mapping)

    def __bool__(self) -> bool:
        return len(self._mapping) > 0

    def __reduce__(self) -> tuple[Any, ...]:
        return self._rebuilt, (self._mapping, self.strict)

    @classmethod
    def _rebuilt(cls, mapping: MutableMapping[K, V], strict: bool) -> Self:
        return cls(mapping, strict=strict)


class _ByGet:
    """Reads a mapping by its ``get``, which never inserts."""

    def __init__(self, mapping: MutableMapping[Any, Any]) -> None:
        self._mapping = mapping

    def __getitem__(self, key: Any) -> Any:
        value = self._mapping.get(key, MISSING)
        if value is MISSING:
            raise KeyError(key)
        return value
