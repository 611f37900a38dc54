"""Values larger than the engine holds, in parts."""

import dataclasses
import io
import time
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, ClassVar, Final, TypeVar, cast
from zlib import crc32

from spoonbill.common.batching import batches
from spoonbill.common.equality import python_equal
from spoonbill.common.progress import Progress
from spoonbill.common.sentinels import MISSING, RAISE, absent
from spoonbill.common.text import shortened
from spoonbill.common.traits import Limits
from spoonbill.errors import CodecError, UnsupportedError
from spoonbill.layers.chunked.parts import WHOLE, Keys, Manifest, new_name, part_name
from spoonbill.layers.chunked.streams import PartsReader, PartsWriter
from spoonbill.layers.chunked.sweeping import sweep
from spoonbill.query import Plan, Query
from spoonbill.store import KeyLayer, Store
from spoonbill.store.binding import given
from spoonbill.store.layering.below_codec import BelowCodec

__all__ = ["Chunked"]

K = TypeVar("K")
V = TypeVar("V")

_MARGIN: Final = 60.0
_AT_ONCE: Final = 50


class Chunked(BelowCodec[K, V]):
    """Holds values larger than the engine does: in parts, and a manifest under the key that names them.

    The parts are written first, under names of their own, then the manifest in one step, then the old parts go. So a
    reader sees the old value or the new one, whole, also where the writer is killed at any moment; what a killed writer
    left is found by no read and removed by `sweep`. Values of less than `size` bytes stand under their key, behind one
    byte. Parts are seen by no listing, count, search or clear of this layer; the engine lists them all the same, so a
    listing costs their number too. A set reads what stood there before, to remove its parts.

    Over a named store the layer goes in below the codec.

    Parameters
    ----------
    store : Store
        A store of bytes under str keys, or a named store.
    size : int, optional
        The most bytes of a part; by default what the engine holds in a value.

    Raises
    ------
    UnsupportedError
        If `size` is left out and the engine states no limit.

    Examples
    --------
    >>> from spoonbill.backends import Memory
    >>> raw = Memory()
    >>> store = Chunked(raw, 1000)
    >>> store["a"] = bytes(10_000)
    >>> len(store["a"]), len(store), len(raw), max(map(len, raw.values()))
    (10000, 1, 12, 1000)
    """

    reads_odd_keys = True
    leaves: ClassVar[tuple[str, ...]] = ("has", "count", "iter", "split", "canonical", "ttl", "ping", "flush", "close")

    def __init__(self, store: Store[Any, Any], size: int | None = None) -> None:
        self._size = 0 if size is None else size
        if size is not None and (isinstance(size, bool) or not isinstance(size, int) or size < 1):
            raise UnsupportedError(f"Chunked takes the size of a part in bytes, 1 or more, not {size!r}")
        super().__init__(store)
        if self._working is self:
            self.limits = Limits(self.limits.key_bytes, None)
            self.guarantees = dataclasses.replace(
                self.guarantees,
                crash=f"{self.guarantees.crash}; a value is the old or the new one, whole; sweep() removes the rest",
            )

    def _based(self, bottom: Store[Any, Any]) -> Store[Any, Any]:
        most = bottom.limits.value_bytes
        if not self._size and most is None:
            raise UnsupportedError(f"Chunked over {bottom!r}, which states no limit of a value: give size=")
        if most is not None and self._size > most:
            raise UnsupportedError(f"Chunked over {bottom!r}: a part has {most} bytes at the most, not {self._size}")
        self._size = self._size or cast("int", most)
        return Keys(bottom)

    # -- writing -----------------------------------------------------------------------------------------------

    def _planned(self, value: Any, key: K) -> Manifest | bytes:
        """Return what shall stand under the key: a manifest, or a value in one piece."""
        if not isinstance(value, bytes):
            raise CodecError(
                f"{self!r} holds bytes: the value of key {shortened(key)} is {type(value).__name__}; put a Codec on it"
            )
        if len(value) < self._size:
            return WHOLE + value
        return Manifest(new_name(), len(value), self._size, crc32(value))

    def _put_parts(self, planned: Iterable[tuple[Any, Any, Manifest | bytes]], ttl: float | None) -> None:
        """Write the parts of values, if there are any."""
        parts = [
            pair
            for key, value, manifest in planned
            if isinstance(manifest, Manifest)
            for pair in ((part_name(manifest.name, 0), self._head(key)), *manifest.cut(value))
        ]
        if parts:
            self._parts.set_many(parts, **given(ttl=None if ttl is None else ttl + _MARGIN))

    def _head(self, key: K) -> bytes:
        """Return what tells, beside the parts, under which key their manifest stands."""
        return str(cast("KeyLayer[Any, Any]", self.inner).down(key)).encode("utf-8", "surrogatepass")

    @property
    def _parts(self) -> Store[Any, Any]:
        """The store that holds parts and manifests alike."""
        return cast("KeyLayer[Any, Any]", self.inner).inner

    def _drop(self, stored: Iterable[Any]) -> None:
        """Remove the parts of what stood under a key."""
        manifests = (Manifest.read(data) for data in stored if data is not MISSING)
        names = [name for manifest in manifests if manifest is not None for name in manifest.names]
        if names:
            self._parts.delete_many(names)

    def set(self, key: K, value: V, *, ttl: float | None = None) -> None:
        self._put(key, value, self._planned(value, key), ttl)

    def _put(self, key: Any, value: Any, planned: Manifest | bytes, ttl: float | None) -> None:
        new = bytes(planned)
        self.inner.check(key, new)
        old = self.inner.get(key, MISSING)
        self._put_parts([(key, value, planned)], ttl)
        self.inner.set(key, new, **given(ttl=ttl))
        self._drop([old])

    def set_many(self, pairs: Iterable[tuple[K, V]], *, ttl: float | None = None) -> None:
        for some in batches(pairs):
            planned = [(key, value, self._planned(value, key)) for key, value in dict(some).items()]
            for key, _, new in planned:
                self.inner.check(key, bytes(new))
            old = self.inner.get_many([key for key, _, _ in planned], MISSING)
            self._put_parts(planned, ttl)
            self.inner.set_many([(key, bytes(new)) for key, _, new in planned], **given(ttl=ttl))
            self._drop(old)

    def add(self, key: K, value: V, *, ttl: float | None = None) -> bool:
        planned = self._planned(value, key)
        self.inner.check(key, bytes(planned))
        if isinstance(planned, Manifest) and self.inner.has(key):
            return False
        self._put_parts([(key, value, planned)], ttl)
        if self.inner.add(key, bytes(planned), **given(ttl=ttl)):
            return True
        self._drop([bytes(planned)])
        return False

    def replace(self, key: K, expected: V, value: V, *, ttl: float | None = None) -> bool:
        planned = self._planned(value, key)
        written = False
        while True:
            data, present = self._read(key)
            if present is MISSING or not python_equal(present, expected):
                if written:
                    self._drop([bytes(planned)])
                return False
            if not written:
                self._put_parts([(key, value, planned)], ttl)
                written = True
            if self.inner.replace(key, data, bytes(planned), **given(ttl=ttl)):
                self._drop([data])
                return True

    def touch(self, key: K, ttl: float | None) -> bool:
        data = self.inner.get(key, MISSING)
        manifest = None if data is MISSING else Manifest.read(data)
        for name in manifest.names if manifest is not None else ():
            self._parts.touch(name, None)  # they outlive the manifest, whichever end is the later one
        there = self.inner.touch(key, ttl)
        for name in manifest.names if manifest is not None and ttl is not None else ():
            self._parts.touch(name, cast("float", ttl) + _MARGIN)
        return there

    # -- removing ----------------------------------------------------------------------------------------------

    def delete(self, key: K) -> bool:
        data = self.inner.pop(key, MISSING)
        self._drop([data])
        return data is not MISSING

    def delete_many(self, keys: Iterable[K]) -> int:
        keys = list(keys)
        old = self.inner.get_many(keys, MISSING)
        removed = self.inner.delete_many(keys)
        self._drop(old)
        return removed

    def pop(self, key: K, default: Any = RAISE) -> Any:
        while True:
            data, value = self._read(key)
            if value is MISSING:
                return absent(key, default)
            if self.inner.discard(key, data):
                self._drop([data])
                return value

    def discard(self, key: K, expected: V) -> bool:
        while True:
            data, value = self._read(key)
            if value is MISSING or not python_equal(value, expected):
                return False
            if self.inner.discard(key, data):
                self._drop([data])
                return True

    def clear(self) -> None:
        for keys in batches(list(self.inner.iter())):
            self.delete_many(keys)

    # -- reading -----------------------------------------------------------------------------------------------

    def _read(self, key: K) -> tuple[Any, Any]:
        """Return what stands under the key and its value, MISSING for both where it is absent."""
        data = self.inner.get(key, MISSING)
        while data is not MISSING:
            value = self._joined([(key, data)])[0]
            if value is not MISSING:
                return data, value
            data, before = self.inner.get(key, MISSING), data
            if data == before:
                raise CodecError(f"the value of key {shortened(key)} in {self!r} is damaged: parts of it are missing")
        return MISSING, MISSING

    def _joined(self, stored: list[tuple[K, Any]]) -> list[Any]:
        """Return the values of what stands under keys, MISSING for those whose parts are not all there."""
        manifests = [self._manifest(key, data) for key, data in stored]
        names = [name for manifest in manifests if manifest is not None for name in manifest.parts]
        found = iter(self._parts.get_many(names, MISSING) if names else ())
        values: list[Any] = []
        for (key, data), manifest in zip(stored, manifests, strict=True):
            if manifest is None:
                values.append(MISSING if data is MISSING else data[1:])
                continue
            parts = [next(found) for _ in manifest.parts]
            if any(part is MISSING for part in parts):
                values.append(MISSING)
                continue
            value = b"".join(parts)
            if not manifest.fits(value):
                raise CodecError(f"the value of key {shortened(key)} in {self!r} is damaged: its checksum differs")
            values.append(value)
        return values

    def _manifest(self, key: K, data: Any) -> Manifest | None:
        try:
            return None if data is MISSING else Manifest.read(data)
        except CodecError as error:
            raise CodecError(f"the value of key {shortened(key)} in {self!r} cannot be read: {error}") from None

    def get(self, key: K, default: Any = None) -> Any:
        value = self._read(key)[1]
        return default if value is MISSING else value

    def get_many(self, keys: Iterable[K], default: Any = None) -> list[Any]:
        keys = list(keys)
        stored = list(zip(keys, self.inner.get_many(keys, MISSING), strict=True))
        values = [self._again(*pair) for pair in zip(stored, self._joined(stored), strict=True)]
        return [default if value is MISSING else value for value in values]

    def _again(self, stored: tuple[K, Any], value: Any) -> Any:
        """Return the value, read anew where its parts went away between the two reads."""
        key, data = stored
        return self._read(key)[1] if value is MISSING and data is not MISSING else value

    def entries(self) -> Iterator[tuple[K, V]]:
        return self._resolved(self.inner.entries())

    def _resolved(self, pairs: Iterable[tuple[K, Any]]) -> Iterator[tuple[K, V]]:
        for some in batches(pairs, _AT_ONCE):
            for stored, joined in zip(some, self._joined(some), strict=True):
                value = self._again(stored, joined)
                if value is not MISSING:
                    yield stored[0], value

    def translate(self, query: Query) -> Query:
        return query.without_conditions()

    def select(self, query: Query) -> Iterator[tuple[K, V]]:
        found = self.inner.select(self.translate(query))
        if query.keys_only:
            return found
        return self._resolved(pair for pair in found if query.matches_key(pair[0]))

    def plan(self, query: Query) -> Plan:
        return self._below(query, "joins parts")

    def check(self, key: K, value: V) -> None:
        self.inner.check(key, bytes(self._planned(value, key)))

    # -- streams -----------------------------------------------------------------------------------------------

    def open_reader(self, key: K) -> BinaryIO:
        """Return the value as a binary file to read and seek in, which holds a part in memory.

        It reads the value that was there when it was opened. Where that is replaced or removed meanwhile, the read
        raises a `CodecError`, and never gives bytes of another value.

        Raises
        ------
        KeyError
            If the key is absent.
        UnsupportedError
            If a codec stands above this layer, other than ``"raw"``.
        """
        layer, name = self._stream_of(key)
        data = layer.inner.get(name, MISSING)
        if data is MISSING:
            raise KeyError(key)
        manifest = layer._manifest(name, data)  # noqa: SLF001 - of this class
        if manifest is None:
            return io.BytesIO(data[1:])

        def gone() -> CodecError:
            return CodecError(
                f"the value of key {shortened(key)} in {self!r} was replaced while it was read: read anew"
            )

        return cast("BinaryIO", io.BufferedReader(PartsReader(manifest, layer._parts.get, gone)))  # noqa: SLF001

    def open_writer(self, key: K, *, ttl: float | None = None) -> BinaryIO:
        """Return a binary file to write a value in parts: it is there, whole, when the file is closed.

        Where the ``with`` block raises, or the file is never closed, the key is as it was; `sweep` removes the parts.

        Raises
        ------
        UnsupportedError
            If a codec stands above this layer, other than ``"raw"``.
        """
        layer, name = self._stream_of(key)
        return cast("BinaryIO", layer._writer(name, ttl))  # noqa: SLF001 - of this class

    def _writer(self, key: K, ttl: float | None) -> PartsWriter:
        self.inner.check(key, WHOLE)
        lasting = given(ttl=None if ttl is None else ttl + _MARGIN)

        def put(name: str, number: int, data: bytes) -> None:
            if number == 1:
                self._parts.set(part_name(name, 0), self._head(key), **lasting)
            self._parts.set(part_name(name, number), data, **lasting)

        def commit(planned: Manifest | bytes) -> None:
            old = self.inner.get(key, MISSING)
            new = bytes(planned) if isinstance(planned, Manifest) else WHOLE + planned
            self.inner.set(key, new, **given(ttl=ttl))
            self._drop([old])

        return PartsWriter(new_name(), self._size, put, commit)

    def _stream_of(self, key: Any) -> tuple["Chunked[Any, Any]", Any]:
        """Return the layer at work and its key for `key`."""
        above: Any = self
        while above is not self._working:
            above = above.inner
            if getattr(above, "codec", None) is not None and above.codec.name != "raw":
                raise UnsupportedError(
                    f"{self!r} cannot stream: its codec {above.codec.name!r} makes the bytes; use codec='raw'"
                )
            if isinstance(above, KeyLayer):
                key = above.down(key)
        return self._working, key

    # -- what killed writers left ------------------------------------------------------------------------------

    def sweep(self, older_than: float = 3600.0, *, progress: Progress = False) -> int:
        """Remove parts that belong to no value, beside readers and writers, and return how many they were.

        Parameters
        ----------
        older_than : float, optional
            Seconds since their writing began; more than the longest write takes, since the parts of a value that is
            still being written belong to none yet.
        progress : bool or callable, optional
            True shows a progress bar; a callable is called with the number of parts looked at.
        """
        return sweep(self._working._parts, time.time() - older_than, progress)  # noqa: SLF001 - of this class
