"""The verbs that an object store has."""

import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, NoReturn
from urllib.parse import urlsplit
from urllib.request import url2pathname

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    NotFoundError,
    NotSupportedError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)
from obstore.store import MemoryStore, from_url

from spoonbill import Store
from spoonbill.errors import InvalidKeyError, KeyDecodeError, KeyTooLongError, StoreError, UnansweredError
from spoonbill.query import Plan, Query, Step
from spoonbill.store import MISSING, Guarantees, Limits

__all__ = ["Objects"]

LONGEST: Final = 250
_CONCURRENCY: Final = 16
_PLAIN: Final = re.compile(r"[A-Za-z0-9_-]+\Z")
_READS: Final = frozenset({"get", "read_range", "list", "get_many"})


class Objects(Store[str, bytes]):
    """An object a key, under its name with all but letters, digits, ``_`` and ``-`` as ``=XX``.

    Parameters
    ----------
    url : str
        ``s3://bucket/folder``, ``gs://``, ``az://``, ``file:///folder`` or ``memory:///``.
    **options
        For ``obstore.store.from_url``: credentials, region, endpoint.
    """

    limits = Limits(key_bytes=LONGEST)
    guarantees = Guarantees(
        threads="safe",
        processes="safe, on any number of machines",
        fork="open the store anew in the child",
        crash="a finished write is kept by the service",
        iteration="the names of the moment when the loop read their page",
        atomic="add and replace between all clients where the service has conditional requests, else in this process",
    )
    features = frozenset({"read_range"})

    def __init__(self, url: str, **options: Any) -> None:
        try:
            parts = urlsplit(url)
            if parts.scheme == "memory":
                self._store: Any = MemoryStore()
            else:
                if parts.scheme == "file":
                    Path(url2pathname(parts.path)).mkdir(parents=True, exist_ok=True)
                self._store = from_url(url, **options)
        except (BaseError, ValueError) as error:
            self._fail("open", MISSING, error)

    @property
    def client(self) -> Any:
        """The store of obstore."""
        if self.closed:
            raise self._closed_error()
        return self._store

    # -- one key -----------------------------------------------------------------------------------------------

    def get(self, key: str, default: Any = None) -> Any:
        try:
            return bytes(obstore.get(self.client, self._name(key)).bytes())
        except (NotFoundError, FileNotFoundError):
            return default
        except KeyTooLongError:
            return default
        except BaseError as error:
            self._fail("get", key, error)

    def set(self, key: str, value: bytes) -> None:
        name = self._fit(key, value)
        with self._lock:
            try:
                obstore.put(self.client, name, value)
            except BaseError as error:
                self._fail("set", key, error)

    def delete(self, key: str) -> bool:
        try:
            name = self._name(key)
        except KeyTooLongError:
            return False
        with self._lock:
            try:
                obstore.head(self.client, name)
                obstore.delete(self.client, name)
            except (NotFoundError, FileNotFoundError):
                return False
            except BaseError as error:
                self._fail("delete", key, error)
            return True

    def add(self, key: str, value: bytes) -> bool:
        name = self._fit(key, value)
        try:
            with self._lock:
                obstore.put(self.client, name, value, mode="create")
        except AlreadyExistsError:
            return False
        except BaseError as error:
            self._fail("add", key, error)
        return True

    def replace(self, key: str, expected: bytes, value: bytes) -> bool:
        name = self._fit(key, value)
        with self._lock:
            while True:
                try:
                    found = obstore.get(self.client, name)
                    seen = {part: found.meta[part] for part in ("e_tag", "version") if found.meta.get(part) is not None}
                    if bytes(found.bytes()) != expected:
                        return False
                    self._put_over(name, value, seen)
                except (NotFoundError, FileNotFoundError):
                    return False
                except PreconditionError:
                    continue  # another writer was faster
                except BaseError as error:
                    self._fail("replace", key, error)
                return True

    def _put_over(self, name: str, value: bytes, seen: Any) -> None:
        """Write an object over the version that was seen, or, where the service has no such request, under the lock."""
        try:
            obstore.put(self.client, name, value, mode=seen)
        except (NotSupportedError, NotImplementedError):
            obstore.put(self.client, name, value)

    def read_range(self, key: str, start: int, stop: int) -> bytes:
        """Return the bytes of a value from `start` up to `stop`, without transferring the others."""
        try:
            return bytes(obstore.get_range(self.client, self._name(key), start=start, end=stop))
        except (NotFoundError, FileNotFoundError):
            raise KeyError(key) from None
        except BaseError as error:
            self._fail("read_range", key, error)

    # -- many keys ---------------------------------------------------------------------------------------------

    def get_many(self, keys: Iterable[str], default: Any = None) -> list[Any]:
        with ThreadPoolExecutor(_CONCURRENCY) as threads:
            return list(threads.map(lambda key: self.get(key, default), keys))

    def iter(self) -> Iterator[str]:
        return (self._key(name) for name in self._names())

    def select(self, query: Query) -> Iterator[tuple[str, Any]]:
        heads = [""] if query.pattern is None else query.pattern.prefixes
        for name in self._names():
            key = self._key(name)
            if key.startswith(tuple(heads)) and query.matches_key(key):
                value = None if query.keys_only else self.get(key, MISSING)
                if value is not MISSING:
                    yield key, value

    def plan(self, query: Query) -> Plan:
        return Plan(
            steps=(Step(where=repr(self), runs=str(query)),),
            finished_here=str(query),
            scanned="every name, and the objects whose keys match",
        )

    def _names(self) -> Iterator[str]:
        try:
            for page in obstore.list(self.client):
                for found in page:
                    yield found["path"]
        except BaseError as error:
            self._fail("list", MISSING, error)

    # -- names and errors --------------------------------------------------------------------------------------

    def check(self, key: str, value: bytes) -> None:
        self._fit(key, value)

    def _name(self, key: Any) -> str:
        if not isinstance(key, str):
            raise InvalidKeyError(f"{self!r}: a key is a str, not {type(key).__name__}; a Codec holds any key")
        try:
            name = key if _PLAIN.match(key) else _escaped(key)
        except UnicodeEncodeError as error:
            raise InvalidKeyError(f"{self!r}: the key {key!r} is no valid text; a Codec holds any key") from error
        if len(name) > LONGEST:
            raise KeyTooLongError(
                f"set of key {key[:40]!r} in {self!r}: its name would be {len(name)} bytes, {LONGEST} are held; shorten"
                " it, or put HashedKeys(store) around it"
            )
        return name

    def _key(self, name: str) -> str:
        key = _unescaped(name)
        if key is None:
            raise KeyDecodeError(f"{self!r} holds an object {name!r} that it would not have written", name)
        return key

    def _fit(self, key: str, value: bytes) -> str:
        if not isinstance(value, bytes):
            raise InvalidKeyError(f"{self!r} holds bytes, not {type(value).__name__}: put a Codec on it")
        return self._name(key)

    def _fail(self, operation: str, key: Any, error: Exception) -> NoReturn:
        on_key = "" if key is MISSING else f" of key {key[:40]!r}"
        refused = isinstance(error, PermissionDeniedError | UnauthenticatedError)
        kind = StoreError if refused or operation in _READS or operation == "open" else UnansweredError
        doubt = "" if kind is StoreError else " It may have been done."
        remedy = "Check the credentials." if refused else "Check the address, the options and the network."
        first = str(error).partition("\n")[0]
        raise kind(f"{operation}{on_key} failed in {self!r}: {first}.{doubt} {remedy}") from error


def _escaped(key: str) -> str:
    if not key:
        return "="
    return re.sub(rb"[^A-Za-z0-9_-]", lambda match: b"=%02X" % match[0][0], key.encode()).decode()


def _unescaped(name: str) -> str | None:
    """Return the key of a name; None where no key has it."""
    try:
        data = re.sub(rb"=([0-9A-F]{2})", lambda match: bytes.fromhex(match[1].decode()), name.encode())
        key = "" if name == "=" else data.decode()
    except UnicodeDecodeError:
        return None
    return key if _escaped(key) == name else None
