"""One safetensors file on any filesystem of fsspec, read by ranges."""

from typing import Any

from spoonbill.codecs.safetensors.header import header_length, parse_header
from spoonbill.errors import CodecError
from spoonbill.filesystems import open_filesystem

__all__ = ["RemoteFile"]


class RemoteFile:
    """A file of which only the header is kept; the bytes of a tensor are fetched when they are asked for.

    Parameters
    ----------
    url : str
        Any fsspec URL. ``simplecache::`` before it downloads the file instead.
    storage_options : dict
        For the fsspec filesystem.

    Attributes
    ----------
    tensors, metadata : dict
        Of the verified header.

    Raises
    ------
    OSError
        If it cannot be opened.
    CodecError
        If it is no whole safetensors file.
    """

    def __init__(self, url: str, storage_options: dict[str, Any]) -> None:
        self._filesystem, self._path = open_filesystem(url, storage_options)
        self._identity = self._look()
        total = int(self._filesystem.size(self._path) or 0)
        length = header_length(self._read(0, 8), total)
        header = parse_header(self._read(8, 8 + length), total)
        self.tensors, self.metadata = header.tensors, header.metadata

    def _look(self) -> str:
        self._filesystem.invalidate_cache(self._path)
        return str(self._filesystem.ukey(self._path))

    def _read(self, start: int, end: int) -> bytes:
        data: bytes = self._filesystem.cat_file(self._path, start=start, end=end) if end > start else b""
        return data

    def current(self) -> bool:
        """Return whether the URL still names this file, unchanged."""
        return self._look() == self._identity

    def span(self, start: int, end: int) -> tuple[Any, int]:
        """Return a buffer that holds these bytes, and where in it they begin."""
        data = self._read(start, end)
        if len(data) != end - start:
            raise CodecError(f"it is truncated: {len(data)} of {end - start} bytes came")
        return bytearray(data), 0

    def close(self) -> None:
        """Nothing is held open."""
