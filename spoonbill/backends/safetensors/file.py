"""A safetensors file as a store that only reads: tensors by name, each read when it is asked for."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Never

from spoonbill.backends.safetensors.index import check_index, find_leading
from spoonbill.backends.safetensors.local import LocalFile
from spoonbill.backends.safetensors.mapped_pages import WORTH_MAPPING
from spoonbill.backends.safetensors.remote import RemoteFile
from spoonbill.codecs.safetensors.frameworks import get_framework
from spoonbill.codecs.safetensors.header import TensorInfo
from spoonbill.common.failures import pass_on_signal
from spoonbill.common.masking import hiding, masked, secrets_in, without
from spoonbill.common.paths import absolute
from spoonbill.common.text import shortened
from spoonbill.common.traits import Guarantees
from spoonbill.errors import CodecError, InvalidKeyError, ReadOnlyError, StoreError, UnsupportedError
from spoonbill.filesystems import is_local
from spoonbill.store import Store

__all__ = ["SafetensorsFile"]


class SafetensorsFile(Store[str, Any]):
    """The tensors of one file. The file is held open, its header read once and verified, and nothing else read.

    Parameters
    ----------
    path : str or Path
        A local path or any fsspec URL; a URL is read by ranges.
    framework : {"np", "pt", "tf", "flax"}, optional
        Whose tensors to return.
    device : str, optional
        Where they shall be, as the framework calls it.
    copy : bool, optional
        By default every tensor has memory of its own; that of a large torch tensor is mapped from the file and read
        when it is first used, as the safetensors library does it. True reads all of it at once. False returns views
        of one mapping: numpy's are read-only; torch's can be written to, which changes what later reads through this
        store return, and never the file.

        What is mapped keeps its mapping alive, and is right as long as nobody rewrites the file in place; a file that
        is moved into its place does not touch it.
    **storage_options
        For the fsspec filesystem.

    Raises
    ------
    StoreError
        If the file cannot be opened.
    CodecError
        If it is truncated, corrupted or no safetensors file.
    """

    holds_bytes = False
    guarantees = Guarantees(
        threads="safe",
        processes="safe; a file that another process moves into its place is seen at the next read",
        fork="both sides go on",
        crash="nothing is written",
        iteration="the names of the moment when the loop began; each tensor as it is when it is read",
        atomic="nothing is written",
    )

    path_options = frozenset({"path"})

    def __init__(
        self,
        path: str | Path,
        framework: str = "np",
        device: str = "cpu",
        *,
        copy: bool | None = None,
        **storage_options: Any,
    ) -> None:
        self._url = os.fspath(absolute(path))
        self._options = storage_options
        self._framework = get_framework(framework, device)
        self._load, self._part = self._framework.load, self._framework.part
        self._copy = copy is not False
        self._lazy = copy is None and "private" in self._framework.lends
        if copy is False and (not self._framework.lends or not is_local(path)):
            raise UnsupportedError(f"{self!r}: copy=False needs a local file and framework 'np' or 'pt'")
        self._file: LocalFile | RemoteFile | None = self._open_file()

    # -- the file ----------------------------------------------------------------------------------------------

    def _open_file(self) -> LocalFile | RemoteFile:
        try:
            if is_local(self._url):
                return LocalFile(self._url, writable=not self._copy and "private" in self._framework.lends)
            with hiding(self._url, self._options):
                return RemoteFile(self._url, self._options)
        except CodecError as error:
            raise CodecError(f"{masked(self._url)} cannot be opened: {error}. Use another copy of the file.") from error
        except OSError as error:
            pass_on_signal(error)
            reason = without(secrets_in(self._url, self._options), f"{type(error).__name__}: {error}")
            raise StoreError(
                f"{masked(self._url)} cannot be opened: {reason}. Check the path and its permissions."
            ) from error

    def _renew(self) -> LocalFile | RemoteFile:
        """Return the file that the path names now, where the one that was open is not that any more."""
        while True:
            file = self._file
            if file is None:
                raise self._closed_error()
            try:
                if file.current():
                    return file
            except OSError as error:
                if self._file is None:  # closed by another thread meanwhile
                    raise self._closed_error() from error
                raise self._engine_error("look", error) from error
            with self._lock:
                if self._file is file:
                    # The one before closes with its last reader: another thread may be in the middle of it.
                    self._file = self._open_file()

    def _current(self) -> LocalFile | RemoteFile:
        """Return the file that the path names now: opened anew where it was replaced."""
        file = self._file
        try:
            if file is not None and file.current():
                return file
        except OSError as error:  # told by what follows
            pass_on_signal(error)
        return self._renew()

    def _engine_error(self, operation: str, error: Exception) -> StoreError:
        return self._failure(operation, self._url, error, "Check that the file is still there and can be read.")

    def close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()

    # -- reading -----------------------------------------------------------------------------------------------

    def get(self, key: str, default: Any = None) -> Any:
        file = self._current()
        try:
            info = file.tensors.get(key)
            if info is None:
                return default
            if type(file) is not LocalFile:
                buffer, start = file.span(info.start, info.end)
                return self._load(info.dtype, info.shape, buffer, start, False)  # the buffer is its own
            if self._lazy and (pages := file.pages(info.start, info.end)) is not None:
                return self._load(info.dtype, info.shape, *pages, False)
            return self._load(info.dtype, info.shape, file.buffer, info.start, self._copy)
        except (CodecError, TypeError, ValueError, OSError) as error:
            raise self._unread(key, error) from error

    def has(self, key: str) -> bool:
        # As _current does it, a call less: there is little else to do here, and in count.
        file = self._file
        try:
            if file is None or not file.current():
                file = self._renew()
            return key in file.tensors  # noqa: TRY300 - of one piece with the look before it
        except (TypeError, OSError) as error:
            raise self._unread(key, error) from error

    def count(self) -> int:
        file = self._file
        try:
            if file is None or not file.current():
                file = self._renew()
            return len(file.tensors)
        except OSError as error:
            raise self._unread("", error) from error

    def iter(self) -> Iterator[str]:
        return iter(list(self._current().tensors))

    def entries(self) -> Iterator[tuple[str, Any]]:
        absent = object()
        for key in self.iter():
            value = self.get(key, absent)
            if value is not absent:
                yield key, value
            del value  # one tensor at a time

    def info(self, key: str) -> TensorInfo:
        """Return the dtype, the shape and the place of a tensor, without reading it.

        Raises
        ------
        KeyError
            If there is no such tensor.
        """
        return self._current().tensors[key]

    @property
    def metadata(self) -> dict[str, str]:
        """The free text of the file's author."""
        return dict(self._current().metadata)

    def get_slice(self, key: str, index: Any) -> Any:
        """Return a part of a tensor, reading no more than that part.

        Parameters
        ----------
        key : str
            The tensor's name.
        index : slice or int or Ellipsis or tuple of these
            As numpy takes it. Over a URL, what the first axis spans is fetched.

        Raises
        ------
        KeyError
            If there is no such tensor.
        IndexError
            If the index lies outside of it, or has too many axes.
        UnsupportedError
            If the index is of another kind.
        """
        file = self._current()
        info = file.tensors[key]
        try:
            check_index(index)
            if type(file) is not LocalFile:
                shape, rest, start, end = find_leading(info, index)
                return self._part(info.dtype, shape, *file.span(start, end), rest, copy=False)
            if self._lazy and info.nbytes >= WORTH_MAPPING:
                shape, rest, start, end = find_leading(info, index)
                if (pages := file.pages(start, end)) is not None:
                    return self._part(info.dtype, shape, *pages, rest, copy=False)
            return self._part(info.dtype, info.shape, file.buffer, info.start, index, copy=self._copy)
        except UnsupportedError as error:
            raise UnsupportedError(f"get_slice of key {shortened(key)} in {self!r}: {error}") from error
        except (CodecError, TypeError, ValueError, OSError) as error:
            raise self._unread(key, error) from error
        except IndexError as error:
            raise IndexError(f"get_slice of key {shortened(key)} in {self!r}: {error}") from error

    def _unread(self, key: Any, error: Exception) -> Exception:
        """Return what a failed read means: a key that cannot be one, bytes that make no tensor, or a failed engine."""
        try:
            hash(key)
        except TypeError:
            return InvalidKeyError(f"{self!r}: a key is a str, not {type(key).__name__} {shortened(key)}")
        if isinstance(error, OSError):
            return error if isinstance(error, StoreError) else self._engine_error("get", error)
        return CodecError(f"{self!r} cannot read the tensor {shortened(key)}: {error}")

    # -- writing -----------------------------------------------------------------------------------------------

    def set(self, key: str, value: Any) -> Never:  # noqa: ARG002 - nothing is written
        raise ReadOnlyError(f"set of key {shortened(key)} refused: {self!r} only reads")

    def delete(self, key: str) -> Never:
        raise ReadOnlyError(f"delete of key {shortened(key)} refused: {self!r} only reads")
