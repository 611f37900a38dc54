"""Modal: the entries of a modal.Dict."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn, Unpack

import cloudpickle

from spoonbill.backends.modal.errors import is_unreadable, new_guide
from spoonbill.backends.modal.loop import Calls
from spoonbill.backends.modal.names import legal_name
from spoonbill.backends.modal.options import ModalOptions
from spoonbill.backends.shared import Connection, check_client, client_module, refused_option
from spoonbill.common.batching import batches
from spoonbill.common.equality import python_equal
from spoonbill.common.failures import came_from_outside, raise_alone
from spoonbill.common.locks import Lock, engine_lock
from spoonbill.common.sentinels import MISSING, RAISE, absent
from spoonbill.common.text import shortened
from spoonbill.common.traits import Guarantees
from spoonbill.errors import (
    CodecError,
    InvalidKeyError,
    KeyDecodeError,
    PartialWriteError,
    SpoonbillError,
    UnsupportedError,
    ValueTooLargeError,
)
from spoonbill.store import Store

_TIMEOUT = 60.0
"""Seconds for which one call may take."""

COUNTED = 100_000
"""Where the service stops counting."""

BATCH = 1000
"""Entries in one update; the service takes ten times as many, but no more than some 100 MB."""

_STRIPES = 32
"""Locks that the keys of one Dict share between the threads of this process."""


@dataclass(frozen=True)
class _Handle:
    """A Dict that the service knows, and the locks of this process for it."""

    dict: Any
    locks: tuple[Lock, ...]


class Modal(Store[str, Any]):
    """The entries of a ``modal.Dict``: str keys, and any value that modal's own client can pickle.

    The service compares keys as pickled bytes, in which equal objects can differ; those of a str never do.

    Parameters
    ----------
    name : str
        The Dict. A name that the service would not take is made legal, two names never the same.
    **options : ModalOptions
        ``environment_name``, ``create``, ``client``, ``timeout``.
    """

    strict = False  # reading unpickles, whoever wrote it
    guarantees = Guarantees(
        threads="safe",
        processes="safe",
        fork="both sides go on; the child connects anew",
        crash="a finished write is on the service's storage; an entry expires after seven days without use",
        iteration="each key once; writes made meanwhile may or may not be seen",
        atomic="add and pop between all clients; replace between the threads of this process alone",
    )

    _composed = frozenset({"replace"})

    def __init__(self, name: str, **options: Unpack[ModalOptions]) -> None:
        client_module("modal")
        from modal import Client

        for unknown in sorted(options.keys() - ModalOptions.__annotations__.keys()):
            raise refused_option(repr(self), unknown, ModalOptions.__annotations__)
        check_client(
            "Modal", options.get("client"), fits=isinstance(options.get("client"), Client), wanted="a modal.Client"
        )
        self._name, self._environment = legal_name(name), options.get("environment_name")
        self._create, self._client = options.get("create", True), options.get("client")
        timeout = options.get("timeout", _TIMEOUT)
        self._guide = new_guide(timeout)
        self._calls = Calls(timeout)
        self._lock = engine_lock(("modal", self._environment, self._name))
        self._connection = Connection(self._connect, None, self._closed_error)

    # -- the way to the service --------------------------------------------------------------------------------

    def _connect(self) -> _Handle:
        from modal import Dict

        try:
            found = Dict.from_name(
                self._name,
                environment_name=self._environment,
                create_if_missing=self._create,
                client=self._client,
            )
            self._calls.run(found.hydrate.aio(self._client))
        except Exception as error:
            self._refuse("open", MISSING, error)
        locks = (engine_lock(("modal", found.object_id, stripe)) for stripe in range(_STRIPES))
        return _Handle(found, tuple(locks))

    @property
    def client(self) -> Any:
        """The ``modal.Dict`` itself."""
        return self._connection().dict

    def close(self) -> None:
        self._connection.close()

    def __reduce__(self) -> tuple[Any, ...]:
        if self._client is not None:
            raise UnsupportedError(
                f"{self!r} holds a client that was handed in, and a client cannot be pickled: leave client= out, and "
                "name the account by the environment"
            )
        return super().__reduce__()

    # -- one key -----------------------------------------------------------------------------------------------

    def get(self, key: str, default: Any = None) -> Any:
        value = self._called("get", key, lambda held: held.get.aio(self.canonical(key), MISSING))
        return default if value is MISSING else value

    def has(self, key: str) -> bool:
        return bool(self._called("has", key, lambda held: held.contains.aio(self.canonical(key))))

    def set(self, key: str, value: Any) -> None:
        with self._alone(key):
            self._called("set", key, lambda held: held.put.aio(self.canonical(key), value))

    def add(self, key: str, value: Any) -> bool:
        with self._alone(key):
            return bool(
                self._called("add", key, lambda held: held.put.aio(self.canonical(key), value, skip_if_exists=True))
            )

    def replace(self, key: str, expected: Any, value: Any) -> bool:
        with self._alone(key):
            present = self.get(key, MISSING)
            if present is MISSING or not python_equal(present, expected):
                return False
            self.set(key, value)
            return True

    def delete(self, key: str) -> bool:
        with self._alone(key):
            return bool(self._called("delete", key, lambda held: _removed(held, self.canonical(key))))

    def pop(self, key: str, default: Any = RAISE) -> Any:
        with self._alone(key):
            # Read before it is let go: what cannot be unpickled here must not be lost by the attempt.
            value = self._called("pop", key, lambda held: held.get.aio(self.canonical(key), MISSING))
            if value is not MISSING:
                value = self._called("removal", key, lambda held: held.pop.aio(self.canonical(key), MISSING))
        return absent(key, default) if value is MISSING else value

    # -- many keys ---------------------------------------------------------------------------------------------

    def get_many(self, keys: Iterable[str], default: Any = None) -> list[Any]:
        names = [self.canonical(key) for key in keys]
        wanted = list(dict.fromkeys(names))
        read = self._called_for_all("get_many", wanted, lambda held, name: held.get.aio(name, MISSING))
        found = dict(zip(wanted, read, strict=True))
        return [default if found[name] is MISSING else found[name] for name in names]

    def set_many(self, pairs: Iterable[tuple[str, Any]]) -> None:
        done = 0
        for batch in batches(pairs, BATCH):
            try:
                self._update({self.canonical(key): value for key, value in batch})
            except Exception as error:
                if not done or not isinstance(error, SpoonbillError):
                    raise
                raise PartialWriteError(
                    f"set_many in {self!r} stopped: the first {done} entries that were given are done, and of the "
                    f"{len(batch)} after them that is not known. {error}",
                    done=done + len(batch),
                    failed=tuple(key for key, _ in batch),
                ) from error
            done += len(batch)

    def _update(self, entries: dict[str, Any]) -> None:
        """Write entries as one update, or as several where one would be too large."""
        try:
            key = next(iter(entries)) if len(entries) == 1 else MISSING
            with self._alone(*entries):
                self._called("set_many", key, lambda held: held.update.aio(entries))
        except ValueTooLargeError:
            if len(entries) == 1:
                raise
            half = len(entries) // 2
            names = list(entries)
            self._update({name: entries[name] for name in names[:half]})
            self._update({name: entries[name] for name in names[half:]})

    def delete_many(self, keys: Iterable[str]) -> int:
        names = list(dict.fromkeys(self.canonical(key) for key in keys))
        with self._alone(*names):
            return sum(self._called_for_all("delete_many", names, _removed))

    def clear(self) -> None:
        with self._alone(None):
            self._called("clear", MISSING, lambda held: held.clear.aio())

    # -- listing -----------------------------------------------------------------------------------------------

    def iter(self) -> Iterator[str]:
        return map(self._known, self._listed("iter", lambda held: held.keys.aio()))

    def entries(self) -> Iterator[tuple[str, Any]]:
        for key, value in self._listed("entries", lambda held: held.items.aio()):
            yield self._known(key), value

    def count(self) -> int:
        counted = int(self._called("count", MISSING, lambda held: held.len.aio()))
        return counted if counted < COUNTED else sum(1 for _ in self.iter())

    def _known(self, key: Any) -> str:
        if type(key) is not str:
            raise KeyDecodeError(
                f"{self!r} holds the key {shortened(key)} of another program: a key is a str here, not "
                f"{type(key).__name__}; use a Dict of its own",
                raw=repr(key),
            )
        return key

    # -- keys, sizes, errors -----------------------------------------------------------------------------------

    def canonical(self, key: Any) -> str:
        if type(key) is str:
            return key
        if isinstance(key, str):
            return str.__str__(key)  # a subclass would be pickled as itself, which is another key to the service
        raise InvalidKeyError(
            f"{self!r}: a key is a str, not {type(key).__name__} {shortened(key)}; ModalStore holds any key"
        )

    def check(self, key: str, value: Any) -> None:
        self.canonical(key)
        try:
            cloudpickle.dumps(value, protocol=4)
        except Exception as error:
            self._refuse("set", key, error)

    @contextmanager
    def _alone(self, *keys: Any) -> Iterator[None]:
        """Hold the locks of some keys (None: of all) against the other threads of this process."""
        locks = self._connection().locks
        stripes = range(_STRIPES) if None in keys else sorted({hash(self.canonical(key)) % _STRIPES for key in keys})
        with ExitStack() as held:
            for stripe in stripes:
                held.enter_context(locks[stripe])
            yield

    def _called(self, operation: str, key: Any, call: Callable[[Any], Any]) -> Any:
        held = self._connection().dict
        try:
            return self._calls.run(call(held))
        except Exception as error:
            self._refuse(operation, key, error)

    def _called_for_all(self, operation: str, names: list[str], call: Callable[[Any, str], Any]) -> list[Any]:
        held = self._connection().dict
        try:
            return list(self._calls.run_all(lambda name: call(held, name), names))
        except Exception as error:
            self._refuse(operation, MISSING, error)

    def _listed(self, operation: str, listing: Callable[[Any], AsyncIterator[Any]]) -> Iterator[Any]:
        held = self._connection().dict
        try:
            yield from self._calls.pages(listing(held))
        except Exception as error:
            self._refuse(operation, MISSING, error)

    def _refuse(self, operation: str, key: Any, error: Exception) -> NoReturn:
        """Raise an error of the client as one of our tree, and one that is ours or from outside as it is."""
        raise_alone(self._translated(operation, key, error), cause=error)

    def _translated(self, operation: str, key: Any, error: Exception) -> Exception:
        """Return an error of the client as one of our tree; an error that is ours already as it is."""
        if isinstance(error, SpoonbillError) or came_from_outside(error):
            return error
        of = "" if key is MISSING else f" of key {shortened(key)}"
        if is_unreadable(error):
            lost = " Another writer set it while it was popped, and it is removed." if operation == "removal" else ""
            return CodecError(f"{operation} in {self!r}: the value{of} cannot be unpickled here: {error}.{lost}")
        if self._guide.is_too_large(error):
            return ValueTooLargeError(
                f"{operation} in {self!r}: the value{of} is larger than the service takes: {error}"
            )
        if self._guide.is_of_client(error):
            remedy = self._guide.remedy_for(error)
            verb = "pop" if operation == "removal" else operation
            return self._failure(verb, key, error, remedy, unanswered=self._guide.is_unanswered(error))
        return CodecError(f"{operation} in {self!r}: the value{of} cannot be pickled: {type(error).__name__}: {error}")


async def _removed(held: Any, key: str) -> bool:
    """Remove a key, and tell whether it was there, also where its value cannot be read here."""
    from modal.exception import DeserializationError

    try:
        return await held.pop.aio(key, MISSING) is not MISSING
    except DeserializationError:
        return True
