"""Any filesystem that fsspec opens: one file a key."""

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

from spoonbill.backends.filesystem.root import FilesystemRoot, opening_failures
from spoonbill.common.batching import batches
from spoonbill.common.masking import masked, secrets_in
from spoonbill.common.progress import Progress
from spoonbill.common.sentinels import MISSING, RAISE, absent
from spoonbill.errors import KeyTooLongError, StoreError
from spoonbill.filesystems.folder import Folder
from spoonbill.filesystems.names import keys_of, stems_of
from spoonbill.filesystems.opening import open_folder
from spoonbill.filesystems.staging import Staging
from spoonbill.query import Part, Plan, Query, Step
from spoonbill.snapshots.folder_writer import export
from spoonbill.store.parts import check_count, select_names

_BATCH = 100
"""Files of one batch of reads: their values are in memory together."""
_BATCH_BYTES = 32 << 20
"""Bytes after which a batch of writes goes out before it is full."""
_BETWEEN = "between"
"""The kind of a part: ``("between", after, last)``, names behind `after` and up to `last`, None: to the end."""
_WHOLE: Part = (_BETWEEN,)
_ABSENCES = (FileNotFoundError, NotADirectoryError)


class Filesystem(FilesystemRoot):
    """One file a key below a root, with names that people can read and that never leave the root.

    Parameters
    ----------
    url : str or Path
        A local directory or any fsspec URL. A directory is made at the first write, a bucket is not.
    sync : bool, optional
        True writes files, renames and deletes through to the disk (local only): slower, and survives a power cut.
    cache : str or Path, optional
        A local directory for copies of what was read; each read asks whether its copy is still the file.
    manifest : str, optional
        A file below the root that lists the others, one name a line, for a web server without listings.
    **storage_options
        For the fsspec filesystem.
    """

    # -- one key -----------------------------------------------------------------------------------------------

    def get(self, key: str, default: Any = None) -> Any:
        path = self._path(key)
        try:
            return self._open_values().read(path)
        except _ABSENCES:
            return default
        except self._failures as error:
            if self._cannot_be(path, error):
                return default
            self._refuse("get", key, error)

    def _cannot_be(self, path: str, error: Exception) -> bool:
        """Return whether a name is too long to be there: that is a proof of absence."""
        return self._too_long(path) or (isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG)

    def has(self, key: str) -> bool:
        path = self._path(key)
        try:
            return self._open_for_reading().exists(path)
        except self._failures as error:
            if self._cannot_be(path, error):
                return False
            self._refuse("has", key, error)

    def read_range(self, key: str, start: int, stop: int) -> bytes:
        """Return the bytes of a value from `start` up to `stop`, without reading the rest.

        Parameters
        ----------
        key : str
            The key.
        start, stop : int
            Positions as in a slice, 0 or more; where the value ends before `stop`, there is less to return.

        Raises
        ------
        KeyError
            If the key is absent.
        """
        if start < 0 or stop < 0:
            raise ValueError(f"read_range takes positions of 0 or more, not {start} and {stop}")
        path = self._path(key)
        try:
            return self._open_for_reading().read_part(path, start, max(start, stop))
        except _ABSENCES:
            raise KeyError(key) from None
        except self._failures as error:
            if self._cannot_be(path, error):
                raise KeyError(key) from None
            self._refuse("read_range", key, error)

    def set(self, key: str, value: bytes) -> None:
        path = self._new_path(key, value)
        with self._writing:
            try:
                self._open_for_writing().write(path, value)
            except self._failures as error:
                self._refuse("set", key, error)

    def delete(self, key: str) -> bool:
        path = self._path(key)
        with self._writing:
            try:
                return self._open_for_writing().remove(path)
            except self._failures as error:
                if self._cannot_be(path, error):
                    return False
                self._refuse("delete", key, error)

    # -- one key in one step -----------------------------------------------------------------------------------

    def native(self, verb: str) -> bool:
        if verb in {"add", "replace", "pop"}:
            return verb in self._folder.atomic
        if verb == "split":
            return self._folder.in_order
        return super().native(verb)

    def add(self, key: str, value: bytes) -> bool:
        if "add" not in self._folder.atomic:
            return super().add(key, value)
        path = self._new_path(key, value)
        with self._writing:
            try:
                return self._open_for_writing().create(path, value)
            except self._failures as error:
                self._refuse("add", key, error)

    def replace(self, key: str, expected: bytes, value: bytes) -> bool:
        if "replace" not in self._folder.atomic:
            return super().replace(key, expected, value)
        path = self._new_path(key, value)
        try:
            return self._open_for_writing().swap(path, expected, value)
        except self._failures as error:
            self._refuse("replace", key, error)

    def pop(self, key: str, default: Any = RAISE) -> Any:
        if "pop" not in self._folder.atomic:
            return super().pop(key, default)
        path = self._path(key)
        # The lock, where there are no conditions on the service's deletes: not every server that speaks S3 has them.
        with self._lock:
            try:
                return self._open_for_writing().take(path)
            except _ABSENCES:
                return absent(key, default)
            except self._failures as error:
                if self._cannot_be(path, error):
                    return absent(key, default)
                self._refuse("pop", key, error)

    # -- many keys ---------------------------------------------------------------------------------------------

    def get_many(self, keys: Iterable[str], default: Any = None) -> list[Any]:
        keys = list(keys)
        found = self._open_values().read_many([self._path(key) for key in keys])
        for place, one in enumerate(found):
            if one is MISSING:
                found[place] = default
            elif one.__class__ is not bytes:
                found[place] = self.get(keys[place], default)  # once more, which tells a lasting failure by its key
        return found

    def set_many(self, pairs: Iterable[tuple[str, bytes]]) -> None:
        done = 0
        for batch in self._batches(pairs):
            files = {path: value for path, _, value in batch}
            with self._writing:
                results = self._open_for_writing().write_many(files)
            refused = {path: error for path, error in zip(files, results, strict=True) if error is not None}
            if refused:
                self._refuse_batch(batch, done, refused)
            done += len(batch)

    def _batches(self, pairs: Iterable[tuple[str, bytes]]) -> Iterator[list[tuple[str, str, bytes]]]:
        batch, size = [], 0
        for key, value in pairs:
            batch.append((self._new_path(key, value), key, value))
            size += len(value)
            if len(batch) >= 5 * _BATCH or size >= _BATCH_BYTES:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    def _refuse_batch(self, batch: list[tuple[str, str, bytes]], done: int, refused: dict[str, Exception]) -> NoReturn:
        failed = tuple(dict.fromkeys(key for path, key, _ in batch if path in refused))
        done += sum(path not in refused for path, _, _ in batch)
        error = next(iter(refused.values()))
        try:
            self._refuse("set", failed[0], error)
        except (StoreError, KeyTooLongError) as reason:
            if not done:
                raise
            raise self._partial_failure("set_many", reason, done=done, failed=failed) from error

    def delete_many(self, keys: Iterable[str]) -> int:
        removed = 0
        for batch in batches(dict.fromkeys(keys), 1000):
            paths = [path for path in map(self._path, batch) if not self._too_long(path)]
            with self._writing:
                removed += self._try("delete", self._open_for_writing().remove_many, paths)
        return removed

    def clear(self) -> None:
        for batch in batches([self._path(key) for key in self.iter()], 1000):
            with self._writing:
                self._try("clear", self._open_for_writing().drop_many, batch)

    def replace_all(self, pairs: Iterable[tuple[str, bytes]]) -> None:
        """Write everything under names that nobody sees, and only then rename it into place and remove the rest."""
        try:
            with self._lock, Staging(self._open_for_writing()) as staging:
                self._try("replace_all", staging.start)
                for batch in self._batches(pairs):
                    self._try("replace_all", staging.write, {path: value for path, _, value in batch})
                self._try("replace_all", staging.commit)
        except BaseException:
            self._settled = False  # the next use sees to what may be left of it
            raise

    # -- listings ----------------------------------------------------------------------------------------------

    def iter(self) -> Iterator[str]:
        for page in self._pages(""):
            yield from keys_of(page)

    def count(self) -> int:
        return sum(len(keys_of(page)) for page in self._pages(""))

    def _pages(self, stem: str, part: Part = _WHOLE) -> Iterator[list[str]]:
        reader = self._open_for_reading()
        pages = reader.pages_between(stem, *part[1:]) if part[1:] else reader.pages(stem)
        while True:
            page = self._try("iter", next, pages, None)
            if page is None:
                return
            yield page

    def split(self, count: int) -> list[Part]:
        if not self._folder.in_order:
            return super().split(count)
        check_count(count)
        names = sorted(name for page in self._pages("") for name in page)
        count = max(1, min(count, len(names)))
        lasts = [names[index * len(names) // count - 1] for index in range(1, count)]
        return [(_BETWEEN, after, last) for after, last in pairwise(("", *lasts, None))]

    def entries(self) -> Iterator[tuple[str, bytes]]:
        return self._with_values(self.iter())

    def _with_values(self, keys: Iterator[str]) -> Iterator[tuple[str, bytes]]:
        for batch in batches(keys, _BATCH):
            for key, value in zip(batch, self.get_many(batch, MISSING), strict=True):
                if value is not MISSING:  # it went away since it was listed
                    yield key, value

    def select(self, query: Query) -> Iterator[tuple[str, Any]]:
        part = query.part or _WHOLE
        if part[0] != _BETWEEN:
            return select_names(self, query)
        # Not read: a file whose name cannot match costs its name only.
        keys = (key for key in self._beginning_with(self._starts(query), part) if query.matches_key(key))
        return ((key, None) for key in keys) if query.keys_only else self._with_values(keys)

    def _starts(self, query: Query) -> tuple[str, ...]:
        return ("",) if query.pattern is None else query.pattern.prefixes

    def _beginning_with(self, starts: tuple[str, ...], part: Part) -> Iterator[str]:
        for start in starts:
            for stem in stems_of(start):
                for page in self._pages(stem, part):
                    yield from (key for key in keys_of(page) if key.startswith(start))

    def plan(self, query: Query) -> Plan:
        starts = [start for start in self._starts(query) if start]
        return Plan(
            steps=(Step(where=repr(self), runs=str(query)),),
            native=f"names that begin with {' or '.join(map(repr, starts))}" if starts else "nothing",
            finished_here=str(query),
            scanned=f"the listing of {masked(self._root)}, and the files whose names match",
        )

    def check(self, key: str, value: bytes) -> None:
        self._new_path(key, value)

    # -- the whole ---------------------------------------------------------------------------------------------

    def export(
        self,
        url: str | Path,
        note: dict[str, Any],
        *,
        progress: Progress = False,
        **storage_options: Any,
    ) -> None:
        """Copy every file to another root, inside the service where it is the same one, and leave a note about them.

        Parameters
        ----------
        url : str or Path
            A local directory or any fsspec URL.
        note : dict
            What a reader has to know: the codec's name and how keys are written.
        progress : bool or callable, optional
            As for ``save``.
        **storage_options
            For the other filesystem.
        """
        url = os.fspath(url)
        self._secrets |= secrets_in(url, storage_options)
        try:
            target = open_folder(url, storage_options, sync=False, manifest=None)
        except opening_failures(url) as error:
            self._refuse("save", MISSING, error)
        with closing(target):
            try:
                export(self._whole_source(), target, note, progress)
            except (*self._failures, *target.failures) as error:
                self._refuse("save", MISSING, error)

    def _whole_source(self) -> Folder:
        if self._open_for_reading() is not self._folder:
            raise StoreError(
                f"a load or save into {self._root} was broken off in its last step: call flush() of the store, or "
                "write to it, which finishes that, and save then"
            )
        return self._folder

    def flush(self) -> None:
        """Finish a load or save that was broken off in its last step, as the first write does."""
        if not self.read_only:
            self._open_for_writing()

    @property
    def client(self) -> Any:
        """The filesystem of fsspec."""
        return self._folder.fs

    def close(self) -> None:
        self._folder.close()
