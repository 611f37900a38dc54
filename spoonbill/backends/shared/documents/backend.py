"""The base of the document stores' backends: everything about keys, batches and searches that is not the engine's."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NoReturn

from spoonbill.backends.shared.documents.engine import DocumentEngine, UnwrittenError
from spoonbill.backends.shared.documents.pushdown import PushedQuery
from spoonbill.common.batching import batches
from spoonbill.common.equality import python_equal
from spoonbill.common.failures import raise_alone, was_raised_by_signal
from spoonbill.common.masking import scrub, secrets_in
from spoonbill.common.sentinels import MISSING, RAISE, absent
from spoonbill.common.text import shortened
from spoonbill.errors import CodecError, KeyTooLongError, SpoonbillError
from spoonbill.query import Part, Plan, Query, Step
from spoonbill.store import Store
from spoonbill.store.parts import check_count, parts_of_names

__all__ = ["DocumentBackend"]


class DocumentBackend(Store[Any, Any]):
    """A store of native documents: every verb is here, made of the hooks of a `DocumentEngine`.

    A subclass says what the engine promises, and makes it; it defines no verb itself, since a verb that a subclass
    defines takes the word from this class for every verb that rests on it.

    Parameters
    ----------
    engine : DocumentEngine
        What talks to the server.
    """

    def __init__(self, engine: DocumentEngine[Any]) -> None:
        self._engine = engine
        self.whole_batch = engine.write_batch

    # -- one key -----------------------------------------------------------------------------------------------

    def get(self, key: Any, default: Any = None) -> Any:
        name = self._lookup(key)
        if name is MISSING:
            return default
        try:
            found = self._engine.find(name)
        except Exception as error:
            self._refuse("get", key, error)
        value = MISSING if found is None else self._loaded("get", key, found)
        return default if value is MISSING else value

    def has(self, key: Any) -> bool:
        name = self._lookup(key)
        return name is not MISSING and bool(self._tried("has", key, self._engine.knows, name))

    def set(self, key: Any, value: Any, *, ttl: float | None = None) -> None:
        name, document = self._ready(key, value, ttl)
        try:
            self._engine.write(name, document)
        except Exception as error:
            self._refuse("set", key, error)

    def delete(self, key: Any) -> bool:
        name = self._lookup(key)
        return name is not MISSING and bool(self._tried("delete", key, self._engine.erase, name))

    def add(self, key: Any, value: Any, *, ttl: float | None = None) -> bool:
        return bool(self._tried("add", key, self._added, *self._ready(key, value, ttl)))

    def _added(self, name: Any, document: Any) -> bool:
        """Insert a document, or put it in place of one that has expired and is not removed yet."""
        while not self._engine.insert(name, document):
            if not self._engine.ends_in_fields:
                return False
            alive = False

            def over(found: Any) -> bool:
                nonlocal alive
                alive = not self._engine.is_over(found)
                return not alive

            if self._engine.swap(name, over, document):
                return True
            if alive:
                return False
        return True

    def replace(self, key: Any, expected: Any, value: Any, *, ttl: float | None = None) -> bool:
        name, document = self._ready(key, value, ttl)

        def fits(found: Any) -> bool:
            present = self._loaded("replace", key, found)
            return present is not MISSING and python_equal(present, expected)

        return bool(self._tried("replace", key, self._engine.swap, name, fits, document))

    def pop(self, key: Any, default: Any = RAISE) -> Any:
        name = self._lookup(key)
        try:
            found = None if name is MISSING else self._tried("pop", key, self._engine.take, name)
        except CodecError as error:  # the engine looks before it deletes
            raise self._unread("pop", key, error) from None
        value = MISSING if found is None else self._loaded("pop", key, found)
        return absent(key, default) if value is MISSING else value

    def ttl(self, key: Any) -> float | None:
        name = self._lookup(key)
        found = None if name is MISSING else self._tried("ttl", key, self._engine.find, name)
        left = None if found is None else self._engine.left_of(found)
        if found is None or (left is not None and left <= 0):
            raise KeyError(key)
        return left

    # -- many keys ---------------------------------------------------------------------------------------------

    def get_many(self, keys: Iterable[Any], default: Any = None) -> list[Any]:
        names = [self._lookup(key) for key in keys]
        found: dict[Any, Any] = {}
        wanted = (name for name in dict.fromkeys(names) if name is not MISSING)
        for batch in batches(wanted, self._engine.read_batch):
            found.update(self._tried("get_many", MISSING, self._engine.fetch, batch))
        if self._engine.ends_in_fields:
            found = {name: one for name, one in found.items() if not self._engine.is_over(one)}
        load, values, name = self._engine.load, [], MISSING
        try:
            for name in names:
                values.append(load(found[name]) if name in found else default)
        except CodecError as error:
            raise self._unread("get_many", name, error) from None
        return values

    def set_many(self, pairs: Iterable[tuple[Any, Any]], *, ttl: float | None = None) -> None:
        done = 0
        for batch in batches(pairs, self._engine.write_batch):
            try:
                # Of several for one name the last counts; all of a batch are checked before one is sent.
                self._engine.put(self._all_ready(batch, ttl))
            except Exception as error:
                self._stopped("set_many", batch, done, error)
            done += len(batch)

    def delete_many(self, keys: Iterable[Any]) -> int:
        removed = done = 0
        names = (name for key in keys if (name := self._lookup(key)) is not MISSING)
        seen = dict.fromkeys(names)
        for batch in batches(seen, self._engine.delete_batch):
            try:
                removed += self._engine.remove(batch)
            except Exception as error:
                self._stopped("delete_many", [(self._engine.key_of(name), None) for name in batch], done, error)
            done += len(batch)
        return removed

    def count(self) -> int:
        return int(self._tried("count", MISSING, self._engine.size))

    def clear(self) -> None:
        self._tried("clear", MISSING, self._engine.empty)

    def _lookup(self, key: Any) -> Any:
        """Return the name to look for, or MISSING where the key is too long for any document to have it."""
        try:
            return self._engine.name_of(key)
        except KeyTooLongError:
            return MISSING

    def _ready(self, key: Any, value: Any, ttl: float | None = None) -> tuple[Any, Any]:
        """Return name and document of a pair that fits; the error where it does not, before anything is sent."""
        name = self._engine.name_of(key)
        try:
            document = self._engine.document_of(name, key, value)
        except CodecError as error:
            raise self._no_document(key, error) from None
        return name, document if ttl is None else self._engine.expiring(document, ttl)

    def _all_ready(self, pairs: list[tuple[Any, Any]], ttl: float | None) -> dict[Any, Any]:
        """Return the documents of pairs that all fit, by name."""
        if ttl is not None:
            return dict(self._ready(key, value, ttl) for key, value in pairs)
        name_of, document_of = self._engine.name_of, self._engine.document_of
        documents: dict[Any, Any] = {}
        key = MISSING
        try:
            for key, value in pairs:
                name = name_of(key)
                documents[name] = document_of(name, key, value)
        except CodecError as error:
            raise self._no_document(key, error) from None
        return documents

    def _no_document(self, key: Any, error: CodecError) -> CodecError:
        return CodecError(f"{self!r} cannot hold the value of key {shortened(key)}: {error}")

    def _loaded(self, operation: str, key: Any, found: Any) -> Any:
        """Return the value of what the engine gave for a key, MISSING where it has expired; the error names the key."""
        if self._engine.ends_in_fields and self._engine.is_over(found):
            return MISSING
        try:
            return self._engine.load(found)
        except CodecError as error:
            raise self._unread(operation, key, error) from None

    def _unread(self, operation: str, key: Any, error: CodecError) -> CodecError:
        return CodecError(f"{operation} of key {shortened(key)} in {self!r}: {error}")

    def _stopped(self, operation: str, batch: list[tuple[Any, Any]], done: int, error: Exception) -> NoReturn:
        """Raise the error of a batch that failed, telling what of the whole call was done and what was not."""
        cause = error.cause if isinstance(error, UnwrittenError) else error
        keys = [key for key, _ in batch]
        if isinstance(error, UnwrittenError):
            left = set(error.names)
            keys = [key for key in keys if self._lookup(key) in left]
        reason = self._translated(operation, MISSING if len(keys) != 1 else keys[0], cause)
        if reason is cause and not isinstance(cause, SpoonbillError):
            raise_alone(cause)  # it is not of the engine, as what arrives from outside
        done += len(batch) - len(keys)
        if not done:
            raise_alone(reason, cause=cause)
        raise self._partial_failure(operation, reason, done=done, failed=tuple(keys)) from cause

    def _tried(self, operation: str, key: Any, work: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return work(*arguments)
        except Exception as error:
            self._refuse(operation, key, error)

    def _refuse(self, operation: str, key: Any, error: Exception) -> NoReturn:
        """Raise an error of the client as one of our tree, and any other as it is."""
        raise_alone(self._translated(operation, key, error), cause=error)

    def _translated(self, operation: str, key: Any, error: Exception) -> Exception:
        """Return an error of the client as one of our tree; one that is ours, or from outside, as it is."""
        cause = error.cause if isinstance(error, UnwrittenError) else error
        if was_raised_by_signal(cause):
            return cause
        scrub(cause, secrets_in(self._configuration))
        return self._engine.translated(operation, key, cause)

    # -- listing and searching ---------------------------------------------------------------------------------

    def iter(self) -> Iterator[Any]:
        for name, _ in self._listed("iter", None, keys_only=True):
            yield self._engine.key_of(name)

    def entries(self) -> Iterator[tuple[Any, Any]]:
        key_of, load = self._engine.key_of, self._engine.load
        name = MISSING
        try:
            for name, found in self._listed("entries", None):
                yield key_of(name), load(found)
        except CodecError as error:
            raise self._unread("entries", name, error) from None

    def select(self, query: Query) -> Iterator[tuple[Any, Any]]:
        pushed = self._pushed(query)
        if pushed.nothing or query.limit == 0:
            return
        options: dict[str, Any] = {"keys_only": query.keys_only, "page": query.limit}
        if pushed.exact:
            options["limit"] = query.limit
        for name, found in self._listed("select", pushed.filter, **options):
            key = self._engine.key_of(name)
            yield key, None if query.keys_only else self._loaded("select", key, found)

    def plan(self, query: Query) -> Plan:
        pushed = self._pushed(query)
        nothing = "nothing: no document can match"
        return Plan(
            steps=(Step(where=repr(self), runs=str(query)),),
            native=pushed.native,
            finished_here=pushed.finished_here,
            scanned=nothing if pushed.nothing else self._engine.explain_scan(pushed, query),
        )

    def split(self, count: int) -> list[Part]:
        check_count(count)
        return self._tried("split", MISSING, self._engine.split, count) or parts_of_names(list(self.iter()), count)

    def _pushed(self, query: Query) -> PushedQuery[Any]:
        """Return what the engine is asked for a search."""
        self._engine.prepare()
        return self._engine.pushdown.push(query)

    def _listed(self, operation: str, native: Any, **options: Any) -> Iterator[tuple[Any, Any]]:
        try:
            engine = self._engine
            yield from self._living(native, **options) if engine.ends_in_fields else engine.listing(native, **options)
        except Exception as error:
            self._refuse(operation, MISSING, error)

    def _living(self, native: Any, *, limit: int | None = None, **options: Any) -> Iterator[tuple[Any, dict[str, Any]]]:
        """Yield the names and fields of what has not expired, `limit` at most."""
        engine = self._engine
        over: set[Any] = set()
        yielded: set[Any] = set()
        for name, fields in engine.listing(native, limit=limit, **options):
            if not engine.is_over(fields):
                yield name, fields
                if limit is not None:
                    yielded.add(name)
            elif limit is not None:
                over.add(name)
        if limit is None or not over or len(over) + len(yielded) < limit:
            return
        for name, fields in engine.listing(native, **options):  # what has expired took the places of others
            if name not in yielded and not engine.is_over(fields):
                yield name, fields
                yielded.add(name)
                if len(yielded) == limit:
                    return

    # -- the rest ----------------------------------------------------------------------------------------------

    def canonical(self, key: Any) -> Any:
        return self._engine.name_of(key)

    def check(self, key: Any, value: Any) -> None:
        self._ready(key, value)

    @property
    def client(self) -> Any:
        """The client of the engine, yours where you handed one in."""
        return self._engine.client

    def ping(self) -> float:
        start = time.perf_counter()
        self._tried("ping", MISSING, self._engine.knock)
        return time.perf_counter() - start

    def close(self) -> None:
        self._engine.close()
