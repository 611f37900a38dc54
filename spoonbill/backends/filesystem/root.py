"""The root of a store of files: how it is opened, when it is repaired, and what its failures mean."""

import errno
import inspect
import os
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from spoonbill.backends.filesystem.cache import DiskCache
from spoonbill.backends.filesystem.limits import limits_below, longest_path
from spoonbill.backends.shared import check_spelling, unknown_option
from spoonbill.common.failures import UNSOUND, pass_on, raise_alone
from spoonbill.common.masking import scrub, secrets_in
from spoonbill.common.open_places import note_place
from spoonbill.common.paths import absolute, is_local
from spoonbill.common.sentinels import MISSING
from spoonbill.common.text import shortened
from spoonbill.errors import InvalidKeyError, KeyTooLongError, SpoonbillError
from spoonbill.filesystems.commit import recover
from spoonbill.filesystems.errors import is_unanswered, remedy
from spoonbill.filesystems.folder import Folder
from spoonbill.filesystems.local import LocalFolder
from spoonbill.filesystems.names import path_of
from spoonbill.filesystems.opening import open_folder
from spoonbill.filesystems.recovery.unfinished import Readable, Values, look
from spoonbill.store import Store

_OPTIONS = ("strict", "codec", "cache", "sync", "manifest")
_NEAR = 0.74


def _known_options(folder: Folder | None) -> list[str]:
    return [*_OPTIONS, *(inspect.signature(type(folder.fs)).parameters if folder is not None else ())]


def opening_failures(url: str) -> tuple[type[Exception], ...]:
    """Return what opening a folder can raise: fsspec and its clients raise anything, the operating system does not."""
    return (OSError, *UNSOUND) if is_local(url) else (Exception,)


def _root_of(root: str) -> tuple[str, ...]:
    return (root,)


class FilesystemRoot(Store[str, bytes]):
    """What `Filesystem` is made of below its verbs. The parameters are told there."""

    guarantees = LocalFolder.guarantees
    _folder: Folder
    features = frozenset({"read_range"})

    path_options = frozenset({"url", "cache"})

    def __init__(
        self,
        url: str | Path,
        *,
        sync: bool = False,
        cache: str | Path | None = None,
        manifest: str | None = None,
        **storage_options: Any,
    ) -> None:
        url = os.fspath(url)
        self._secrets = secrets_in(url, storage_options)
        check_spelling(repr(self), storage_options, _OPTIONS, _NEAR)
        try:
            folder = open_folder(url, storage_options, sync=sync, manifest=manifest)
        except SpoonbillError:
            raise
        except opening_failures(url) as error:
            self._refuse("open", MISSING, error)
        self._folder = folder
        self._root = folder.root
        self._start = folder.start
        self._failures = folder.failures
        self._copies = None if cache is None else DiskCache(absolute(cache), folder)
        self.awaits = folder.awaits and cache is None
        self._settled = folder.read_only
        self._lock = folder.lock
        self._writing = self._lock if folder.serial else nullcontext()
        self._longest = longest_path(folder.limits, self._root)
        self.limits = limits_below(folder.limits, self._root)
        self.guarantees = folder.guarantees
        self.read_only = folder.read_only  # a web server, an archive
        if isinstance(folder, LocalFolder):
            note_place(folder, "a FilesystemStore", partial(_root_of, folder.root))

    # -- the folder --------------------------------------------------------------------------------------------

    def _open_for_writing(self) -> Folder:
        """Return the folder for writes: the first one ends what a dead process of this user has left half done."""
        if self._closed:
            raise self._closed_error()
        if not self._settled:
            self._try("open", recover, self._folder)
            self._settled = True
        return self._folder

    def _open_for_reading(self) -> Readable:
        """Return what is read, and change nothing: where a load or save is half done, the state that was decided."""
        if self._closed:
            raise self._closed_error()
        if not self._settled:
            unfinished = self._try("open", look, self._folder)
            if unfinished is not None:
                return unfinished  # type: ignore[no-any-return]
            self._settled = True
        return self._folder

    def _open_values(self) -> Values:
        """Return what gives the values: the local copies, where there are any."""
        reader = self._open_for_reading()
        return self._copies if self._copies is not None and reader is self._folder else reader

    # -- keys and failures -------------------------------------------------------------------------------------

    def _path(self, key: str) -> str:
        try:
            return self._start + path_of(key)
        except (AttributeError, TypeError, UnicodeEncodeError) as error:
            raise InvalidKeyError(
                f"{self!r}: a key is a str of valid text, not {type(key).__name__} {shortened(key)}; "
                "a Codec holds any key"
            ) from error

    def _new_path(self, key: str, value: bytes) -> str:
        path = self._path(key)
        if value.__class__ is not bytes and not isinstance(value, bytes):
            raise InvalidKeyError(f"{self!r} holds bytes, not {type(value).__name__}: put a Codec on it")
        if 4 * len(path) > self._longest and self._too_long(path):
            self._refuse_long(key)
        return path

    def _too_long(self, path: str) -> bool:
        return len(path.encode()) > self._longest

    def _refuse_long(self, key: str) -> NoReturn:
        limit = f"{self.limits.key_bytes} bytes" if self.limits.key_bytes else "what this filesystem's paths hold"
        raise KeyTooLongError(
            f"the key {shortened(key)} is longer than {limit} in {self!r} (a capital or a sign takes several bytes): "
            "use a shorter key, for instance a hash of it"
        )

    def _refuse(self, operation: str, key: Any, error: Exception) -> NoReturn:
        """Raise what the filesystem failed with as an error of our tree."""
        if isinstance(error, SpoonbillError):
            raise_alone(error)
        pass_on(error)
        if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG and key is not MISSING:
            self._refuse_long(key)
        misspelled = unknown_option(repr(self), error, _known_options(vars(self).get("_folder")))
        if misspelled is not None:
            raise misspelled from None
        scrub(error, self._secrets)
        raise self._failure(operation, key, error, remedy(error), unanswered=is_unanswered(error)) from error

    def _try(self, operation: str, call: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return call(*arguments)
        except self._failures as error:
            self._refuse(operation, MISSING, error)
