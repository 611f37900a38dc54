"""LMDB: a memory-mapped B+ tree in a directory of its own."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from itertools import pairwise, repeat
from pathlib import Path
from typing import Any, NoReturn, Unpack

import lmdb

from spoonbill.backends.lmdb.compiled import (
    EMPTY,
    FAILURES,
    Batch,
    batch,
    batch_verbs,
    decode_keys,
    encode_all,
    is_small_dict,
    listing_verbs,
    single_key_verbs,
    writing_verbs,
)
from spoonbill.backends.lmdb.environment import Environment, SharedHandle, environment, remedy
from spoonbill.backends.lmdb.named import empty
from spoonbill.backends.lmdb.options import LmdbOptions
from spoonbill.backends.lmdb.ranges import pairs_of
from spoonbill.backends.lmdb.spool import Spool
from spoonbill.backends.shared.turns import Turns
from spoonbill.common.batching import batches
from spoonbill.common.failures import raise_alone
from spoonbill.common.sentinels import MISSING, RAISE, absent
from spoonbill.common.text import shortened
from spoonbill.common.traits import Guarantees, Limits
from spoonbill.errors import InvalidKeyError, KeyDecodeError, KeyTooLongError, SpoonbillError
from spoonbill.query import Part, Plan, Query
from spoonbill.store import Store
from spoonbill.store.binding import no_ttl
from spoonbill.store.odd_keys import raise_unhashable
from spoonbill.store.ordered import bounds_of, plan_of_prefixes
from spoonbill.store.parts import check_count, select_names

_LONGEST = 511
_BATCH = 25_000
"""Pairs of a stream that are in memory and sorted together: more would cost memory, and is slower too."""
_RANGE = "range"
"""The kind of a part: ``("range", start, stop)``, keys as bytes, without `stop`, which is None for no end."""


class Lmdb(Store[str, bytes]):
    """The main database of an LMDB environment, keys as plain UTF-8, as lmdbm and py-lmdb open it.

    Parameters
    ----------
    path : str or Path
        The environment's directory; made where it is missing.
    **options
        As `LmdbOptions` tells them; all others go to ``lmdb.open``.
    """

    limits = Limits(key_bytes=_LONGEST)
    whole_batch = sys.maxsize  # all are read, then put in one transaction
    guarantees = Guarantees(
        threads="safe",
        processes="safe on a local disk; never on a network filesystem",
        fork="both sides go on; with a live iterator the child gets a StoreError",
        crash='a finished write survives a power cut; with durability="process" only the end of the process',
        iteration="a snapshot of the moment when the loop began; writing meanwhile works",
        atomic="between all processes",
    )
    path_options = frozenset({"path"})
    reads_odd_keys = True
    _batch = _BATCH  # a class of larger values says fewer

    def __init__(self, path: str | Path, **options: Unpack[LmdbOptions]) -> None:
        engine: dict[str, Any] = {**options}
        durability, map_size = engine.pop("durability", "disk"), engine.pop("map_size", None)
        if durability not in {"disk", "process"}:
            raise ValueError(f'Lmdb: durability is "disk" or "process", not {durability!r}')
        if durability == "process":
            engine.setdefault("sync", False)
        if map_size is not None:
            engine["map_size"] = map_size
        shared = environment(path, engine)
        self._lock = shared.lock
        self._handle = SharedHandle(shared)
        self.turns = Turns(always=durability == "disk")

    @property
    def _shared(self) -> Environment:
        if self._handle.shared is None:
            raise self._closed_error()
        return self._handle.shared

    @property
    def client(self) -> Any:
        """The ``lmdb.Environment``, for what spoonbill does not wrap; it is closed with the store."""
        return self._shared.env

    # A write begins by ``begin(None, None, True)``: LMDB's binding takes keywords at twice the price.

    # -- single keys -------------------------------------------------------------------------------------------

    def get(self, key: str, default: Any = None) -> Any:
        try:
            return self._handle.begin().get(key.encode() or EMPTY, default)
        except FAILURES as error:
            return self.get(key, default) if self._repair("get", key, error) else default

    def has(self, key: str) -> bool:
        return self.get(key, MISSING) is not MISSING

    def set(self, key: str, value: bytes, *, ttl: float | None = None) -> None:
        if ttl is not None:
            raise no_ttl(self)
        try:
            with self._lock, self._handle.begin(None, None, True) as txn:
                txn.put(key.encode() or EMPTY, value)
                if self.turns.is_due():
                    self.look()
        except FAILURES as error:
            if not self._repair("set", key, error):
                self._too_long(key)
            self.set(key, value)

    def delete(self, key: str) -> bool:
        try:
            with self._lock, self._handle.begin(None, None, True) as txn:
                if self.turns.is_due():
                    self.look()
                return bool(txn.delete(key.encode() or EMPTY))
        except FAILURES as error:
            return self._repair("delete", key, error) and self.delete(key)

    def add(self, key: str, value: bytes) -> bool:
        return bool(self._write("add", key, lambda txn, data: txn.put(data, value, overwrite=False)))

    def pop(self, key: str, default: Any = RAISE) -> Any:
        value = self._write("pop", key, lambda txn, data: txn.pop(data))
        return absent(key, default) if value is None else value

    def replace(self, key: str, expected: bytes, value: bytes) -> bool:
        def swap(txn: Any, data: bytes) -> bool:
            return txn.get(data) == expected and bool(txn.put(data, value))

        return bool(self._write("replace", key, swap))

    def look(self) -> None:
        """Look whether the file is still there, and after dead readers."""
        self._shared.tend()

    def _write(self, operation: str, key: str, work: Callable[[Any, bytes], Any]) -> Any:
        """Do `work` on one key in a write transaction, again after the map grew."""
        while True:
            try:
                with self._lock, self._handle.begin(None, None, True) as txn:
                    if self.turns.is_due():
                        self.look()
                    return work(txn, key.encode() or EMPTY)
            except FAILURES as error:
                if not self._repair(operation, key, error):
                    return self._too_long(key) if operation == "add" else None

    # -- many keys ---------------------------------------------------------------------------------------------

    def get_many(self, keys: Iterable[str], default: Any = None) -> list[Any]:
        keys = list(keys)
        try:
            txn = self._handle.begin()
            return list(map(txn.get, encode_all(keys), repeat(default)))
        except (AttributeError, UnicodeEncodeError):
            return [self.get(key, default) for key in keys]  # one of them can be the key of no entry
        except FAILURES as error:
            if self._repair("get_many", MISSING, error):
                return self.get_many(keys, default)
            return [self.get(key, default) for key in keys]  # one of them is too long to be there

    def set_many(self, pairs: Iterable[tuple[str, bytes]]) -> None:
        self.put_all("set_many", pairs, self._name, clear=False)

    def replace_all(self, pairs: Iterable[tuple[str, bytes]]) -> None:
        self.put_all("replace_all", pairs, self._name, clear=True)

    def put_all(
        self, operation: str, pairs: Iterable[tuple[Any, bytes]], down: Callable[[Any], str], *, clear: bool
    ) -> None:
        """Put `pairs` in one transaction, keys by `down`, sorted so far as they fit in memory at once."""
        pieces: Iterable[Any] = [pairs.mapping] if is_small_dict(pairs) else batches(pairs, self._batch)
        chunks = (batch(piece, down) for piece in pieces)
        with closing(self._spooled(operation, chunks)) as spool:
            if spool.is_large:
                self._shared.widen()
            chunk = Batch((), tuple)
            while True:
                try:
                    with self._lock, self._handle.begin(None, None, True) as txn:
                        self._shared.tend()
                        if clear:
                            empty(txn, self._shared.env.open_db(None, txn=txn), self._handle.begin(buffers=True))
                        for chunk in spool:
                            chunk.put(txn)
                        return
                except FAILURES as error:
                    if isinstance(error, lmdb.BadValsizeError):
                        self._too_long(next(name for name in chunk.names if len(name) > _LONGEST).decode())
                    self._repair(operation, MISSING, error)

    def _spooled(self, operation: str, chunks: Iterator[Batch]) -> Spool:
        """Read all pairs before the transaction: what makes them may use this store, or wait for who does."""
        try:
            return Spool(chunks, self._shared.env.path())
        except OSError as error:
            if isinstance(error, SpoonbillError):
                raise
            raise self._failure(operation, MISSING, error, "Nothing was written; free some space.") from error

    def _name(self, key: Any) -> str:
        if not isinstance(key, str):
            raise self._no_key(key)
        try:
            key.encode()
        except UnicodeEncodeError as error:
            raise self._no_key(key) from error
        return key

    def delete_many(self, keys: Iterable[str]) -> int:
        keys = list(keys)
        while True:
            try:
                names = [name for name in encode_all(keys) if len(name) <= _LONGEST]
                with self._lock, self._handle.begin(None, None, True) as txn:
                    self.look()
                    return sum(map(txn.delete, names))
            except (AttributeError, UnicodeEncodeError):
                return sum(1 for key in keys if self.delete(key))  # one of them can be the key of no entry
            except FAILURES as error:
                self._repair("delete_many", MISSING, error)

    def clear(self) -> None:
        self.put_all("clear", (), self._name, clear=True)

    # -- listing -----------------------------------------------------------------------------------------------

    def count(self) -> int:
        try:
            return self._handle.begin().stat()["entries"]  # type: ignore[no-any-return]
        except FAILURES as error:
            self._repair("count", MISSING, error)
            return self.count()

    def iter(self) -> Iterator[str]:
        with self.snapshot("iter") as cursor:
            yield from decode_keys(cursor.iternext(values=False), self.text, cursor)

    def entries(self) -> Iterator[tuple[str, bytes]]:
        with self.snapshot("entries") as cursor:
            for key, value in cursor.iternext():
                yield self.text(key), value

    def select(self, query: Query) -> Iterator[tuple[str, Any]]:
        if query.part is None:
            return self._select(query, b"", None)
        if query.part[0] == _RANGE:
            return self._select(query, *query.part[1:])
        return select_names(self, query)

    def _select(self, query: Query, start: bytes, stop: bytes | None) -> Iterator[tuple[str, Any]]:
        """Yield the pairs of a range of keys that have one of the pattern's beginnings."""
        prefixes = ("",) if query.pattern is None else query.pattern.prefixes
        with self.snapshot("select") as cursor:
            for prefix in prefixes:
                head = prefix.encode(errors="surrogatepass")
                if not cursor.set_range(max(head, start)):
                    continue
                for key, value in pairs_of(cursor, keys_only=query.keys_only):
                    if not key.startswith(head) or (stop is not None and key >= stop):
                        break
                    yield self.text(key), value

    def split(self, count: int) -> list[Part]:
        check_count(count)
        with self.snapshot("split") as cursor:
            bounds = bounds_of(cursor.iternext(values=False), self.count(), count)
        return [(_RANGE, start, stop) for start, stop in pairwise((b"", *bounds, None))]

    def plan(self, query: Query) -> Plan:
        return plan_of_prefixes(self, query) or super().plan(query)

    @contextmanager
    def snapshot(self, operation: str) -> Iterator[Any]:
        """Hold a read transaction with a cursor, counted so that nothing closes the environment under it."""
        snapshot, shared = object(), self._shared
        try:
            while True:
                shared.live.add(snapshot)  # first, so that no other thread closes it in between
                try:
                    txn = self._handle.begin()
                    break
                except FAILURES as error:
                    shared.live.discard(snapshot)
                    self._repair(operation, MISSING, error)
            try:
                yield txn.cursor()
            finally:
                txn.abort()
        finally:
            shared.live.discard(snapshot)

    def text(self, key: bytes) -> str:
        """Return LMDB's `key` as a str."""
        try:
            return key.decode()
        except UnicodeDecodeError as error:
            if key == EMPTY:
                return ""
            raise KeyDecodeError(
                f"{self!r} holds the key {key!r}, which is no UTF-8 text: another program wrote it; read it with "
                "py-lmdb",
                repr(key),
            ) from error

    # -- the environment ---------------------------------------------------------------------------------------

    def check(self, key: str, value: bytes) -> None:
        try:
            data = key.encode()
        except (AttributeError, UnicodeEncodeError) as error:
            raise self._no_key(key) from error
        if len(data) > _LONGEST:
            self._too_long(key)
        if not isinstance(value, bytes):
            raise InvalidKeyError(f"{self!r} holds bytes, not {type(value).__name__}: put a Codec on it")

    def flush(self) -> None:
        try:
            self._shared.env.sync(True)
            self._shared.tend()
        except FAILURES as error:
            self._repair("flush", MISSING, error)

    def close(self) -> None:
        self._handle.close(self._closed_error())

    def compile_keys(self, down: Callable[[Any], str], up: Callable[[str], Any]) -> dict[str, Callable[..., Any]]:
        compiled = {
            **single_key_verbs(self, self._handle, down),
            **writing_verbs(self, self._handle, self._lock, down),
            **batch_verbs(self, self._handle, down),
            **listing_verbs(self, up),
        }
        own = vars(Lmdb)  # of a verb that a subclass has changed there is no compiled form
        return {verb: function for verb, function in compiled.items() if getattr(type(self), verb) is own[verb]}

    def _repair(self, operation: str, key: Any, error: Exception) -> bool:
        """Do what lets the call be made again, and return True; False where the key is too long; else raise."""
        shared = self._shared
        if isinstance(error, lmdb.MapFullError):
            shared.grow()
        elif isinstance(error, lmdb.MapResizedError):
            shared.adopt_size()
        elif isinstance(error, lmdb.BadValsizeError):
            return False
        elif isinstance(error, (AttributeError, UnicodeEncodeError)) and key is not MISSING:
            if operation in {"get", "delete", "pop"}:
                raise_unhashable(key, self._no_key(key))
                return False
            raise self._no_key(key) from error
        elif type(error) is lmdb.Error and "closed" in str(error):
            shared.revive()
        elif isinstance(error, lmdb.ReadersFullError) and shared.env.reader_check():
            pass  # slots of dead readers, which are free now
        elif isinstance(error, lmdb.Error):
            raise self._failure(operation, key, error, remedy(error)) from error
        elif isinstance(error, TypeError) and operation in {"set", "add", "replace", "set_many", "replace_all"}:
            raise InvalidKeyError(f"{operation} in {self!r}: keys are str and values bytes ({error})") from error
        else:
            raise_alone(error)
        return True

    def _no_key(self, key: Any) -> InvalidKeyError:
        return InvalidKeyError(
            f"{self!r}: a key is a str of valid text, not {type(key).__name__} {shortened(key)}; a Codec holds any key"
        )

    def _too_long(self, key: str) -> NoReturn:
        raise KeyTooLongError(
            f"set of key {shortened(key)} in {self!r}: it is {len(key.encode())} bytes long, LMDB holds {_LONGEST}; "
            "shorten it, or keep it in the value under a hash"
        ) from None
