"""Values compressed, where that makes them smaller."""

from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple, TypeVar

from spoonbill.common.failures import was_raised_by_signal
from spoonbill.common.text import shortened
from spoonbill.errors import CodecError, MissingExtraError, UnsupportedError
from spoonbill.store import BytesLayer, Store

__all__ = ["Compressed"]

K = TypeVar("K")
V = TypeVar("V")

_PLAIN: Final = b"\x00"
_MAX_SIZE: Final = 1 << 30


class _Method(NamedTuple):
    """One method of compression: its marker byte, its functions, and its usual level."""

    marker: bytes
    level: int
    pack: Callable[[bytes, int], bytes]
    unpack: Callable[[bytes, int], bytes]  # of data and the most bytes to return, one more than is allowed


def _zstd(data: bytes, level: int) -> bytes:
    import zstandard

    return bytes(zstandard.ZstdCompressor(level=level, write_content_size=True).compress(data))


def _unzstd(data: bytes, most: int) -> bytes:
    import zstandard

    with zstandard.ZstdDecompressor().stream_reader(data) as reader:
        return bytes(reader.read(most))


def _lz4(data: bytes, level: int) -> bytes:
    from lz4 import frame

    return bytes(frame.compress(data, compression_level=level))


def _unlz4(data: bytes, most: int) -> bytes:
    from lz4 import frame

    return bytes(frame.LZ4FrameDecompressor().decompress(data, max_length=most))


def _gzip(data: bytes, level: int) -> bytes:
    import gzip

    return gzip.compress(data, level, mtime=0)


def _ungzip(data: bytes, most: int) -> bytes:
    import zlib

    return zlib.decompressobj(wbits=31).decompress(data, most)


def _brotli(data: bytes, level: int) -> bytes:
    import brotli

    return bytes(brotli.compress(data, quality=level))


def _unbrotli(data: bytes, most: int) -> bytes:
    import brotli

    return bytes(brotli.Decompressor().process(data, output_buffer_limit=most))


_METHODS: Final = {
    "zstd": _Method(b"\x01", 3, _zstd, _unzstd),
    "lz4": _Method(b"\x02", 0, _lz4, _unlz4),
    "gzip": _Method(b"\x03", 6, _gzip, _ungzip),
    "brotli": _Method(b"\x04", 5, _brotli, _unbrotli),
}
_BY_MARKER: Final = {method.marker[0]: name for name, method in _METHODS.items()}
_CLIENTS: Final = {"zstd": "zstandard", "lz4": "lz4", "brotli": "brotli", "gzip": "gzip"}


class Compressed(BytesLayer[K, V]):
    """Compresses stored bytes, each value on its own; over a named store it goes in below the codec.

    A marker byte tells how a value is stored, so that a store may hold values of several methods, and the method can be
    changed at any time. Small values, and those that compression does not make smaller, are stored plain.

    Parameters
    ----------
    store : Store
        A store of bytes, or a named store.
    codec : {"zstd", "lz4", "gzip", "brotli"}, optional
        The method for new values. All but gzip need the extra ``compression``.
    min_size : int, optional
        Values of fewer bytes stay plain.
    level : int, optional
        The method's own level; by default 3 for zstd, 0 for lz4, 6 for gzip, 5 for brotli.
    max_size : int, optional
        The most bytes that a value may have when it is decompressed; 1 GiB by default. A small value that claims more
        is refused, so that no stored value can fill the memory.

    Raises
    ------
    UnsupportedError
        If there is no such method.
    MissingExtraError
        If its library is not installed.

    Examples
    --------
    >>> from spoonbill.datastores import InMemoryStore
    >>> from spoonbill import Codec
    >>> raw = InMemoryStore()
    >>> store = Codec(Compressed(raw, "gzip"))
    >>> store["a"] = "x" * 10_000
    >>> len(raw["a"]) < 100
    True
    """

    once = True
    compresses = True

    def __init__(
        self,
        store: Store[Any, Any],
        codec: Literal["zstd", "lz4", "gzip", "brotli"] = "zstd",
        *,
        min_size: int = 128,
        level: int | None = None,
        max_size: int = _MAX_SIZE,
    ) -> None:
        if codec not in _METHODS:
            raise UnsupportedError(f"Compressed knows no method {codec!r}: use one of {', '.join(_METHODS)}")
        self._method = _METHODS[codec]
        self._level = self._method.level if level is None else level
        self._min_size = min_size
        self.max_size = max_size
        try:
            self._method.pack(b"", self._level)
        except ImportError as error:
            raise MissingExtraError(
                f"Compressed(codec={codec!r}) needs the {_CLIENTS[codec]} library: "
                "pip install 'spoonbill-framework[compression]'"
            ) from error
        super().__init__(store)

    def encode(self, value: Any, key: K) -> bytes:
        data = self._checked(value, key)
        if len(data) >= self._min_size:
            packed = self._method.pack(data, self._level)
            if len(packed) < len(data):
                return self._method.marker + packed
        return _PLAIN + data

    def decode(self, data: bytes, key: K) -> Any:
        if data[:1] == _PLAIN:
            return data[1:]
        name = _BY_MARKER.get(data[0]) if data else None
        if name is None:
            raise self._damaged(key, "it was not written by a Compressed layer")
        try:
            value = _METHODS[name].unpack(data[1:], self.max_size + 1)
        except ImportError as error:
            raise MissingExtraError(
                f"the value of key {shortened(key)} is compressed by {name}: "
                "pip install 'spoonbill-framework[compression]'"
            ) from error
        except Exception as error:
            known = {"zstandard", "zlib", "brotli", "builtins", "_brotli"}
            if was_raised_by_signal(error) or type(error).__module__.partition(".")[0] not in known:
                raise
            raise self._damaged(key, f"{name}: {error}") from error
        if len(value) > self.max_size:
            raise self._damaged(key, f"it has more than {self.max_size} bytes; raise max_size= if you trust it")
        return value

    def _damaged(self, key: K, reason: str) -> CodecError:
        return CodecError(f"the value of key {shortened(key)} in {self!r} cannot be decompressed: {reason}")
