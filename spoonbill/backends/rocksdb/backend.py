"""RocksDB: a log-structured merge tree in a directory of its own, for more writes than a B+ tree takes."""

import os
from collections.abc import Iterable, Iterator
from itertools import chain, pairwise, repeat
from pathlib import Path
from typing import Any, ClassVar, Final, NoReturn, Unpack

from spoonbill.backends.rocksdb.database import DEFAULT, Database, Opening, opened
from spoonbill.backends.rocksdb.errors import is_of_rocksdb, remedy_for
from spoonbill.backends.rocksdb.limits import LARGEST_VALUE, LONGEST_KEY, check_pair
from spoonbill.backends.rocksdb.options import RocksDBOptions
from spoonbill.backends.shared import client_module, refused_option
from spoonbill.common.batching import batches
from spoonbill.common.paths import absolute
from spoonbill.common.sentinels import MISSING, RAISE, absent
from spoonbill.common.text import shortened
from spoonbill.common.traits import Guarantees, Limits
from spoonbill.errors import (
    InvalidKeyError,
    KeyDecodeError,
    ReadOnlyError,
    SpoonbillError,
    StoreError,
)
from spoonbill.query import Part, Plan, Query
from spoonbill.store import Store
from spoonbill.store.binding import no_ttl
from spoonbill.store.ordered import bounds_of, plan_of_prefixes
from spoonbill.store.parts import check_count, select_names

__all__ = ["RocksDB"]

_BATCH: Final = 10_000
_RANGE: Final = "range"
"""The kind of a part: ``("range", start, stop)``, keys as bytes, without `stop`, which is None for no end."""


class RocksDB(Store[str, bytes]):
    """A column family of a RocksDB folder, keys as plain UTF-8, values as they are, as ``rocksdict`` opens it raw.

    Parameters
    ----------
    path : str or Path
        The folder; made where it is missing.
    **options : RocksDBOptions
        ``durability``, ``column_family``, ``compression``, ``expire_after``, ``secondary``, ``readonly``, ``create``.
    """

    limits = Limits(key_bytes=LONGEST_KEY, value_bytes=LARGEST_VALUE)
    guarantees = Guarantees(
        threads="safe",
        processes="one process writes; others read it by secondary= instances, which see its writes",
        fork="the parent goes on; the child gets a StoreError, and can open a secondary= of its own",
        crash='a finished write survives a power cut; with durability="process" only the end of the process',
        iteration="a snapshot of the moment when the loop began, in the order of the keys; writing meanwhile works",
        atomic="between all threads of the one process that writes; an update is one step for each 10,000 entries",
    )
    path_options = frozenset({"path", "secondary"})
    reads_odd_keys = True
    _composed: ClassVar[frozenset[str]] = frozenset({"add", "replace", "pop", "discard"})

    def __init__(self, path: str | Path, **options: Unpack[RocksDBOptions]) -> None:
        for name in options.keys() - RocksDBOptions.__annotations__.keys():
            raise refused_option(repr(self), name, RocksDBOptions.__annotations__)
        durability = options.get("durability", "disk")
        if durability not in {"disk", "process"}:
            raise ValueError(f'RocksDB: durability is "disk" or "process", not {durability!r}')
        rocksdict = client_module("rocksdb")
        secondary = options.get("secondary")
        opening = Opening(
            path=absolute(os.fspath(path)),
            compression=options.get("compression"),
            expire_after=options.get("expire_after"),
            secondary=None if secondary is None else absolute(os.fspath(secondary)),
            readonly=options.get("readonly", False),
            create=options.get("create", True),
        )
        self.read_only = not opening.writes
        self._database: Database | None = None
        self._family: Any = None
        self._follows = opening.secondary is not None
        try:
            self._database = opened(opening)
            self._name = options.get("column_family", DEFAULT)
            self._family = self._database.family(self._name)
        except Exception as error:
            self._leave()
            self._fail("open", MISSING, error)
        self._lock = self._database.lock
        self._database.stores[id(self)] = self
        self._options: tuple[Any, ...] = ()
        if durability == "disk":
            synced = rocksdict.WriteOptions()
            synced.sync = True
            self._options = (synced,)
        self._put = None if self._options or self.read_only else self._family.put
        """What puts a pair where nothing has to be asked before; half the price of asking."""
        self._new_batch = rocksdict.WriteBatch

    @property
    def _open(self) -> Any:
        """The column family, where this process may use it; a secondary looks first what its primary wrote."""
        if self._family is not None and not self._follows:
            return self._family
        if self._database is None:
            raise self._closed_error()
        if self._family is None:
            raise StoreError(
                f"{self!r} was opened before a fork, and RocksDB does not work in a child: open it there, with "
                "secondary= where the parent goes on"
            )
        if self._follows:
            self._database.handle.try_catch_up_with_primary()
        return self._family

    @property
    def client(self) -> Any:
        """The ``rocksdict.Rdict`` of the column family."""
        return self._open

    # -- single keys -------------------------------------------------------------------------------------------

    def get(self, key: str, default: Any = None) -> Any:
        family = self._open if self._follows or self._family is None else self._family
        try:
            return family.get(key.encode(), default)
        except Exception as error:
            return self._without("get", key, error, default)

    def has(self, key: str) -> bool:
        return self.get(key, MISSING) is not MISSING

    def set(self, key: str, value: bytes, *, ttl: float | None = None) -> None:
        if ttl is not None:
            raise no_ttl(self)
        try:
            data = key.encode()
            if type(value) is not bytes or len(data) + len(value) > LONGEST_KEY:
                check_pair(self, key, data, value)
            put = self._put
            with self._lock:
                if put is None:
                    self._writing.put(data, value, *self._options)
                else:
                    put(data, value)
        except Exception as error:
            self._fail_with("set", key, error)

    def delete(self, key: str) -> bool:
        return self._taken("delete", key) is not MISSING

    def pop(self, key: str, default: Any = RAISE) -> Any:
        value = self._taken("pop", key)
        return absent(key, default) if value is MISSING else value

    def _taken(self, operation: str, key: str) -> Any:
        try:
            data = key.encode()
            with self._lock:
                family = self._writing
                value = family.get(data, MISSING)
                if value is not MISSING:
                    family.delete(data, *self._options)
                return value
        except Exception as error:
            return self._without(operation, key, error, MISSING)

    @property
    def _writing(self) -> Any:
        if self.read_only:
            raise ReadOnlyError(f"{self!r} is open for reading only: one process opens a RocksDB folder to write it")
        return self._open

    # -- many keys ---------------------------------------------------------------------------------------------

    def get_many(self, keys: Iterable[str], default: Any = None) -> list[Any]:
        found: list[Any] = []
        for batch in batches(keys, _BATCH):
            try:
                found += self._open.get([key.encode() for key in batch], default)
            except (AttributeError, UnicodeEncodeError):
                found += [self.get(key, default) for key in batch]
            except Exception as error:
                self._fail("get_many", MISSING, error)
        return found

    def set_many(self, pairs: Iterable[tuple[str, bytes]]) -> None:
        for chunk in batches(pairs, _BATCH):
            batch = self._batch()
            put = batch.put
            key: Any = MISSING
            try:
                for key, value in chunk:
                    data = key.encode()
                    if type(value) is not bytes or len(data) + len(value) > LONGEST_KEY:
                        check_pair(self, key, data, value)
                    put(data, value)
            except Exception as error:
                self._fail_with("set_many", key, error)
            self._apply("set_many", batch)

    def delete_many(self, keys: Iterable[str]) -> int:
        removed = 0
        for chunk in batches(dict.fromkeys(keys), _BATCH):
            with self._lock:
                found = self.get_many(chunk, MISSING)
                there = [key for key, value in zip(chunk, found, strict=True) if value is not MISSING]
                batch = self._batch()
                for key in there:
                    batch.delete(key.encode())
                self._apply("delete_many", batch)
            removed += len(there)
        return removed

    def clear(self) -> None:
        batch = self._batch()
        batch.delete_range(b"", b"\xff", self._part)  # no text in UTF-8 begins so
        self._apply("clear", batch)

    def _batch(self) -> Any:
        """Return an empty batch for the column family."""
        batch = self._new_batch(raw_mode=True)
        batch.set_default_column_family(self._part)
        return batch

    @property
    def _part(self) -> Any:
        """The name of the column family as a batch takes it."""
        if self._database is None:
            raise self._closed_error()
        return self._database.handle.get_column_family_handle(self._name)

    def _apply(self, operation: str, batch: Any) -> None:
        """Write a batch, which is one step."""
        try:
            with self._lock:
                self._writing.write(batch, *self._options)
        except Exception as error:
            self._fail(operation, MISSING, error)

    # -- listing -----------------------------------------------------------------------------------------------

    def count(self) -> int:
        return sum(map(len, self._pages("count", keys_only=True)))

    def iter(self) -> Iterator[str]:
        for page in self._pages("iter", keys_only=True):
            yield from map(self._text, page)

    def entries(self) -> Iterator[tuple[str, bytes]]:
        for page in self._pages("entries"):
            try:
                pairs = [(key.decode(), value) for key, value in page]
            except UnicodeDecodeError:
                for key, value in page:
                    yield self._text(key), value
            else:
                yield from pairs

    def select(self, query: Query) -> Iterator[tuple[str, Any]]:
        if query.part is None:
            return self._select(query, b"", None)
        if query.part[0] == _RANGE:
            return self._select(query, *query.part[1:])
        return select_names(self, query)

    def _select(self, query: Query, start: bytes, stop: bytes | None) -> Iterator[tuple[str, Any]]:
        """Yield the pairs of a range of keys that have one of the pattern's beginnings."""
        for prefix in ("",) if query.pattern is None else query.pattern.prefixes:
            head = prefix.encode(errors="surrogatepass")
            for key, value in self._listed("select", max(head, start), keys_only=query.keys_only):
                if not key.startswith(head) or (stop is not None and key >= stop):
                    break
                yield self._text(key), value

    def split(self, count: int) -> list[Part]:
        check_count(count)
        keys = chain.from_iterable(self._pages("split", keys_only=True))
        bounds = bounds_of(keys, self.count(), count)
        return [(_RANGE, start, stop) for start, stop in pairwise((b"", *bounds, None))]

    def plan(self, query: Query) -> Plan:
        return plan_of_prefixes(self, query) or super().plan(query)

    def _listed(self, operation: str, start: bytes = b"", *, keys_only: bool = False) -> Iterator[tuple[bytes, Any]]:
        """Yield the pairs from a key on as they are now; values are None where only keys are wanted."""
        for page in self._pages(operation, start, keys_only=keys_only):
            yield from zip(page, repeat(None)) if keys_only else page

    def _pages(self, operation: str, start: bytes = b"", *, keys_only: bool = False) -> Iterator[list[Any]]:
        """Yield pages of the pairs from a key on as they are now, or of the keys."""
        try:
            listed = self._open.keys if keys_only else self._open.items
            with self._database.looping(listed(from_key=start)) as loop:  # type: ignore[union-attr] # it is open
                while page := loop.page():
                    yield page
                    _ = self._open  # which says why a loop cannot go on
        except Exception as error:
            self._fail(operation, MISSING, error)

    def _text(self, key: bytes) -> str:
        try:
            return key.decode()
        except UnicodeDecodeError as error:
            raise self._no_text(key) from error

    def _no_text(self, key: bytes) -> KeyDecodeError:
        return KeyDecodeError(
            f"{self!r} holds the key {key!r}, which is no UTF-8 text: another program wrote it; read it with rocksdict",
            repr(key),
        )

    # -- the rest ----------------------------------------------------------------------------------------------

    def check(self, key: str, value: bytes) -> None:
        try:
            data = key.encode()
        except (AttributeError, UnicodeEncodeError) as error:
            raise self._no_key(key) from error
        check_pair(self, key, data, value)

    def flush(self) -> None:
        """Wait until everything written is on the disk, in files of the tree."""
        try:
            with self._lock:
                family = self._open
                if not self.read_only:
                    family.flush()
        except Exception as error:
            self._fail("flush", MISSING, error)

    def checkpoint(self, path: str | Path) -> None:
        """Make a folder that holds the whole database as it is now, which RocksDB opens; on one disk it costs no copy.

        Parameters
        ----------
        path : str or Path
            The new folder; it must not be there.
        """
        from rocksdict import Checkpoint

        try:
            _ = self._writing
            Checkpoint(self._database.handle).create_checkpoint(os.fspath(path))  # type: ignore[union-attr] # it is open
        except Exception as error:
            self._fail("checkpoint", MISSING, error)

    def close(self) -> None:
        self._leave()

    def left_to_the_parent(self) -> None:
        """Take notice that this process is a forked child, which cannot use what is open."""
        self._family = self._put = None

    def _leave(self) -> None:
        database, self._database = self._database, None
        if database is not None:
            self._family = self._put = None
            database.leave()

    def _no_key(self, key: Any) -> InvalidKeyError:
        return InvalidKeyError(
            f"{self!r}: a key is a str of valid text, not {type(key).__name__} {shortened(key)}; a Codec holds any key"
        )

    def _without(self, operation: str, key: Any, error: Exception, default: Any) -> Any:
        """Return the answer for a key that no entry can have; raise any other error."""
        if isinstance(error, (AttributeError, UnicodeEncodeError)) and not isinstance(key, str | bytes):
            hash(key)  # as a dict, which cannot look for it either
            return default
        if isinstance(error, UnicodeEncodeError):
            return default
        return self._fail(operation, key, error)

    def _fail_with(self, operation: str, key: Any, error: Exception) -> NoReturn:
        """Raise the error of a write, of which the key may be what is wrong."""
        if isinstance(error, (AttributeError, UnicodeEncodeError)):
            raise self._no_key(key) from error
        self._fail(operation, key, error)

    def _fail(self, operation: str, key: Any, error: Exception) -> NoReturn:
        if not isinstance(error, SpoonbillError) and (isinstance(error, OSError) or is_of_rocksdb(error)):
            raise self._failure(operation, key, error, remedy_for(error)) from error
        raise error
