"""A value in parts as a file that is read, or written."""

import io
from collections.abc import Callable
from typing import Any
from zlib import crc32

from spoonbill.common.sentinels import MISSING
from spoonbill.layers.chunked.parts import Manifest

__all__ = ["PartsReader", "PartsWriter"]


class PartsReader(io.RawIOBase):
    """Reads one version of a value, a part at a time."""

    def __init__(self, manifest: Manifest, get: Callable[..., Any], gone: Callable[[], Exception]) -> None:
        super().__init__()
        self._manifest = manifest
        self._names = manifest.parts
        self._get = get
        self._gone = gone
        self._position = 0
        self._number = -1
        self._part = b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._manifest.length}[whence]
        if base + offset < 0:
            raise ValueError(f"a position in a value is 0 or more, not {base + offset}")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        number, offset = divmod(self._position, self._manifest.size)
        if self._position >= self._manifest.length:
            return 0
        if number != self._number:
            part = self._get(self._names[number], MISSING)
            if part is MISSING:
                raise self._gone()
            self._number, self._part = number, part
        view = memoryview(buffer).cast("B")
        data = self._part[offset : offset + len(view)]
        view[: len(data)] = data
        self._position += len(data)
        return len(data)


class PartsWriter(io.RawIOBase):
    """Writes a value a part at a time; it is there, whole, when the file is closed, and not at all if that fails."""

    def __init__(
        self, name: str, size: int, put: Callable[[str, int, bytes], None], commit: Callable[[Any], None]
    ) -> None:
        super().__init__()
        self._name = name
        self._size = size
        self._put = put
        self._commit = commit
        self._waiting = bytearray()
        self._length = self._crc = self._parts = 0
        self._aborted = False

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        if self.closed:
            raise ValueError("write to a closed file")
        view = memoryview(data).cast("B")
        self._waiting += view
        self._crc = crc32(view, self._crc)
        self._length += len(view)
        while len(self._waiting) > self._size:
            self._put_part()
        return len(view)

    def _put_part(self) -> None:
        self._parts += 1
        self._put(self._name, self._parts, bytes(self._waiting[: self._size]))
        del self._waiting[: self._size]

    def abort(self) -> None:
        """Give the value up: what is stored under the key stays as it is."""
        self._aborted = True
        self.close()

    def close(self) -> None:
        if self.closed:
            return
        super().close()
        if self._aborted:
            return
        if not self._parts:
            self._commit(bytes(self._waiting))
            return
        if self._waiting:
            self._put_part()
        self._commit(Manifest(self._name, self._length, self._size, self._crc))

    def __exit__(self, kind: type[BaseException] | None, *exc_info: object) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()

    def __del__(self) -> None:
        self._aborted = True  # what was never closed is no value
        super().__del__()
