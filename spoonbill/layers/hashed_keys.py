"""Keys of any length, over an engine that holds short ones."""

from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any, ClassVar, Final, TypeVar

from spoonbill.common.batching import batches
from spoonbill.common.sentinels import MISSING
from spoonbill.common.text import shortened
from spoonbill.common.traits import Limits
from spoonbill.errors import CodecError, InvalidKeyError, UnsupportedError
from spoonbill.query import AnyOf, Plan, Query, prefix
from spoonbill.store import BytesLayer, KeyLayer, Store

__all__ = ["HashedKeys"]

K = TypeVar("K")
V = TypeVar("V")

_MARK: Final = "sha256~"
_LENGTH: Final = len(_MARK) + 64
_HEAD: Final = 4  # bytes of the length of a key


def _bytes_of(key: str) -> bytes:
    return key.encode("utf-8", "surrogatepass")


def _is_hash(name: str) -> bool:
    return len(name) == _LENGTH and name.startswith(_MARK)


def _hashed(data: bytes) -> str:
    return _MARK + sha256(data).hexdigest()


class _Names(KeyLayer[Any, Any]):
    """Keys go down as their names; names come up as they are, since the keys themselves stand beside the values."""

    owns_all = True
    leaves: ClassVar[tuple[str, ...]] = ("iter", "entries", "select", "plan", "split", "ping", "flush", "close")

    def __init__(self, inner: Store[Any, Any], longest: int | None) -> None:
        super().__init__(inner)
        self._longest = longest

    def down(self, key: Any) -> str:
        if not isinstance(key, str):
            raise InvalidKeyError(
                f"HashedKeys holds str keys, not {type(key).__name__} {shortened(key)}: put a Codec above it"
            )
        data = _bytes_of(key)
        long = self._longest is not None and len(data) > self._longest
        return _hashed(data) if long or _is_hash(key) else key


class HashedKeys(BytesLayer[K, V]):
    """Takes keys that are too long for the engine: such a key goes by its SHA-256, and stands beside the value.

    Listing and searching give the keys themselves back, at the price of reading the values of the hashed ones. All
    other entries are stored as they would be without the layer, so that it can be put over a store that is in use. A
    key that looks like a hash is hashed too, so that two keys never become one. Over a named store the layer goes in
    below the codec.

    Parameters
    ----------
    store : Store
        A store of bytes under str keys, or a named store.
    max_bytes : int, optional
        The longest key, in bytes of UTF-8, that is stored as it is; at least 71, the length of a hash. By default what
        the engine holds. Keep it: an entry written under one bound is not found under another.

    Raises
    ------
    UnsupportedError
        If the engine's keys, or `max_bytes`, are shorter than a hash.

    Examples
    --------
    >>> from spoonbill.backends import Memory
    >>> raw = Memory()
    >>> store = HashedKeys(raw, max_bytes=100)
    >>> store["https://" + "x" * 1000] = b"a page"
    >>> len(next(iter(raw))), len(next(iter(store)))
    (71, 1008)
    """

    def __init__(self, store: Store[Any, Any], *, max_bytes: int | None = None) -> None:
        self._max_bytes = max_bytes
        super().__init__(store)
        if self._working is self:
            self.limits = Limits(None, self.limits.value_bytes)

    def _based(self, bottom: Store[Any, Any]) -> Store[Any, Any]:
        held = bottom.limits.key_bytes
        longest = held if self._max_bytes is None else self._max_bytes
        if longest is not None and (longest < _LENGTH or (held is not None and longest > held)):
            raise UnsupportedError(
                f"HashedKeys over {bottom!r}: max_bytes is {_LENGTH}, the length of a hash, up to "
                f"{'any number' if held is None else held}, not {longest}"
            )
        return _Names(bottom, longest)

    def encode(self, value: Any, key: Any) -> bytes:
        data = self._checked(value, key)
        name = self.inner.down(key)  # type: ignore[attr-defined] # a _Names
        if name == key:
            return data
        written = _bytes_of(key)
        return len(written).to_bytes(_HEAD, "big") + written + data

    def decode(self, data: bytes, key: Any) -> Any:
        name = self.inner.down(key)  # type: ignore[attr-defined] # a _Names
        return data if name == key else self._opened(name, data)[1]

    def _opened(self, name: str, data: bytes) -> tuple[str, bytes]:
        """Return the key and the value that stand under a hash."""
        end = _HEAD + int.from_bytes(data[:_HEAD], "big")
        written = data[_HEAD:end]
        if len(data) < end or _hashed(written) != name:
            raise CodecError(
                f"the entry {shortened(name)} in {self!r} is named like a hashed key and does not hold that key: it "
                "was not written by a HashedKeys layer"
            )
        return written.decode("utf-8", "surrogatepass"), data[end:]

    # -- listing -----------------------------------------------------------------------------------------------

    def iter(self) -> Iterator[K]:
        return self._keys(self.inner.iter())

    def _keys(self, names: Iterable[str]) -> Iterator[Any]:
        """Yield the keys of names; those of hashes are read in batches."""
        for some in batches(names):
            hashes = [name for name in some if _is_hash(name)]
            found = dict(zip(hashes, self.inner.inner.get_many(hashes, MISSING), strict=True)) if hashes else {}  # type: ignore[attr-defined]
            for name in some:
                data = found.get(name)
                if data is None:
                    yield name
                elif data is not MISSING:  # it went away since its name was listed
                    yield self._opened(name, data)[0]

    def entries(self) -> Iterator[tuple[K, V]]:
        return self._pairs(self.inner.entries())

    def _pairs(self, stored: Iterable[tuple[str, bytes]]) -> Iterator[tuple[Any, Any]]:
        return (self._opened(name, data) if _is_hash(name) else (name, data) for name, data in stored)

    def translate(self, query: Query) -> Query:
        query = query.without_conditions()
        if query.pattern is None or query.pattern.everything:
            return query
        return query.with_pattern(AnyOf((query.pattern, prefix(_MARK))))

    def select(self, query: Query) -> Iterator[tuple[K, V]]:
        found = self.inner.select(self.translate(query))
        if query.keys_only:
            return ((key, None) for key in self._keys(name for name, _ in found))  # type: ignore[misc]
        return self._pairs(found)

    def plan(self, query: Query) -> Plan:
        return self._below(query, "finds hashed keys beside their values")
