r"""A stream of entries as one file, and back.

Format, version 1: the magic line ``spoonbill snapshot 1\n``; then frames, each a big-endian u32 size, a u32 crc32 and
that many bytes of typed msgpack (a tuple of flag, key and value); then an end frame of size zero whose crc field is
followed by a u64 count of entries; last the sha256 of all bytes before it. The flag marks a value that is a pickle: a
reader that did not consent refuses the file there, and runs none of them.
"""

import hashlib
import reprlib
import struct
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Any, Protocol

from spoonbill.codecs import get_codec
from spoonbill.common.open_places import refuse_open_place
from spoonbill.common.progress import Progress, with_progress
from spoonbill.errors import CodecError, SnapshotError
from spoonbill.filesystems import open_for_reading, write_atomically
from spoonbill.snapshots.folder_reader import find_folder

_MAGIC = b"spoonbill snapshot 1\n"
_HEAD = struct.Struct(">II")
_COUNT = struct.Struct(">Q")
_PLAIN, _PICKLED = 0, 1
_PIECE = 1 << 20
_MOST = 1 << 31  # a larger size in a frame's head is corruption, not an entry


class Entries(Protocol):
    """Reads a snapshot from its beginning, verifying it; may be called several times."""

    def __call__(self, *, progress: Progress = False) -> Iterator[tuple[Any, Any]]: ...


def write(
    url: str | Path,
    entries: Iterable[tuple[Any, Any]],
    *,
    allow_pickle: bool = False,
    progress: Progress = False,
    **storage_options: Any,
) -> int:
    """Write `entries` as a snapshot, which appears only when it is whole.

    Parameters
    ----------
    url : str or Path
        A local path or any fsspec URL.
    entries : iterable of pairs
        What to write.
    allow_pickle : bool, optional
        Whether a value of no plain type is pickled instead of refused.
    progress : bool or callable, optional
        True shows a progress bar.
    **storage_options
        For the fsspec filesystem.

    Returns
    -------
    int
        The number of entries.

    Raises
    ------
    CodecError
        If a value cannot be held.
    StoreError
        If it cannot be written, or `url` is a file of a store that is open in this process.
    """
    refuse_open_place(url)
    with write_atomically(url, storage_options) as file:
        return _write_frames(file, with_progress(entries, progress, "saving"), allow_pickle=allow_pickle)


@contextmanager
def open_snapshot(url: str | Path, *, allow_pickle: bool = False, **storage_options: Any) -> Iterator[Entries]:
    """Open a snapshot to read it, once or several times: a file, or a folder that `FilesystemStore.save` wrote.

    Parameters
    ----------
    url : str or Path
        A local path or any fsspec URL.
    allow_pickle : bool, optional
        Consent to run what pickled values say.
    **storage_options
        For the fsspec filesystem.

    Yields
    ------
    Entries
        Call it to iterate over the pairs. Iteration raises `SnapshotError` where the file is not whole; what it
        yields before that is not to be trusted, so read it once in full before the first use.
    """
    folder = find_folder(url, storage_options)
    if folder is not None:

        def of_files(*, progress: Progress = False) -> Iterator[tuple[Any, Any]]:
            return with_progress(folder.entries(allow_pickle=allow_pickle), progress, "loading")

        with closing(folder):
            yield of_files
        return
    with open_for_reading(url, storage_options) as file:  # opened once: every turn reads the same file

        def of_frames(*, progress: Progress = False) -> Iterator[tuple[Any, Any]]:
            file.seek(0)
            return with_progress(_read_frames(file, str(url), allow_pickle=allow_pickle), progress, "loading")

        yield of_frames


def _write_frames(file: IO[bytes], entries: Iterable[tuple[Any, Any]], *, allow_pickle: bool) -> int:
    digest = hashlib.sha256()

    def put(data: bytes) -> None:
        digest.update(data)
        file.write(data)

    put(_MAGIC)
    count = 0
    for key, value in entries:
        frame = _frame(key, value, allow_pickle=allow_pickle)
        put(_HEAD.pack(len(frame), zlib.crc32(frame)))
        put(frame)
        count += 1
    put(_HEAD.pack(0, 0) + _COUNT.pack(count))
    file.write(digest.digest())
    return count


def _frame(key: Any, value: Any, *, allow_pickle: bool) -> bytes:
    codec = get_codec("msgpack")
    # The value is dumped on its own: a top-level array has a faster form than an array in a tuple.
    try:
        return codec.dumps((_PLAIN, key, codec.dumps(value)))
    except CodecError:
        if not allow_pickle:
            raise
        return codec.dumps((_PICKLED, key, get_codec("pickle-first").dumps(value)))


def _read_frames(file: IO[bytes], name: str, *, allow_pickle: bool) -> Iterator[tuple[Any, Any]]:
    digest = hashlib.sha256()

    def take(size: int) -> bytes:
        pieces = []
        while size:  # piece by piece: a read takes memory for what is claimed, not for what there is
            piece = file.read(min(size, _PIECE))
            if not piece:
                raise SnapshotError(f"{name} is torn: it ends in the middle of an entry; use another copy")
            digest.update(piece)
            pieces.append(piece)
            size -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    first = file.read(len(_MAGIC))
    digest.update(first)
    if first != _MAGIC:
        raise SnapshotError(f"{name} is no snapshot of version 1: it does not begin with {_MAGIC.decode()!r}")
    count = 0
    while True:
        size, crc = _HEAD.unpack(take(_HEAD.size))
        if size == 0:
            break
        if size >= _MOST:
            raise SnapshotError(f"{name} is corrupted at entry {count}: it claims {size} bytes; use another copy")
        frame = take(size)
        if zlib.crc32(frame) != crc:
            raise SnapshotError(f"{name} is corrupted at entry {count}; use another copy")
        yield _entry(frame, name, allow_pickle=allow_pickle)
        count += 1
    (expected,) = _COUNT.unpack(take(_COUNT.size))
    if count != expected or file.read(32) != digest.digest() or file.read(1):
        raise SnapshotError(f"{name} is corrupted: its count or its checksum does not fit; use another copy")


def _entry(frame: bytes, name: str, *, allow_pickle: bool) -> tuple[Any, Any]:
    codec = get_codec("msgpack")
    try:
        flag, key, data = codec.loads(frame)
        flag = flag if type(flag) is int else None
        if flag == _PLAIN:
            return key, codec.loads(data)
        if allow_pickle and flag == _PICKLED:
            return key, get_codec("pickle-first").loads(data)
    except (TypeError, ValueError) as error:
        raise SnapshotError(f"{name} holds an entry that cannot be read: {error}") from error
    if flag == _PICKLED:
        raise SnapshotError(
            f"{name} holds a pickle under the key {reprlib.repr(key)}, which can run code when it is read: load it "
            "into a store with strict=False, if you trust where it comes from"
        )
    raise SnapshotError(f"{name} holds an entry of an unknown kind")
