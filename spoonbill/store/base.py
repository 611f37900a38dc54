"""The contract: four verbs that a backend writes, and what is derived from them."""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from typing import Any, ClassVar, Generic, Self, TypeVar, overload

from spoonbill.common.batching import batches
from spoonbill.common.equality import python_equal
from spoonbill.common.locks import Lock, new_lock
from spoonbill.common.masking import MASK, is_secret, masked, scrub, secrets_in, without
from spoonbill.common.sentinels import MISSING, RAISE, absent
from spoonbill.common.text import shortened
from spoonbill.common.traits import Guarantees, Limits
from spoonbill.errors import ClosedError, PartialWriteError, StoreError, UnansweredError, UnsupportedError
from spoonbill.query import Part, Plan, Query, Step
from spoonbill.store.binding import Form, completed, defined_by, given, resolve, route_of
from spoonbill.store.parts import check_count, parts_of_names, select_names
from spoonbill.store.verbs import PRIMITIVES, VERBS

_DICT = frozenset(MutableMapping.__mro__)  # what dict methods a store inherits is no word of its own

K = TypeVar("K")
V = TypeVar("V")
D = TypeVar("D")


class Verbs(ABC, Generic[K, V]):
    """What a store can be asked to do: four verbs that a backend writes, and all that is derived from them.

    A backend writes `get`, `set`, `delete` and `iter`, for ``str`` keys and ``bytes`` values, and is complete: it can
    be layered, searched, saved, loaded and tested by the conformance kit. Every other verb has a derived form here; a
    class that defines one itself does so only to be faster, never to be different.

    Three things are kept apart everywhere: a stored None is a value, a proven absence is the default (or a
    ``KeyError``), and an engine's failure is a `StoreError`.

    Attributes
    ----------
    limits : Limits
        The longest key and the largest value, checked before a write.
    guarantees : Guarantees
        What it promises to threads, processes, after a fork and after a crash.
    dialect : str
        What a plain string means as a pattern: ``"regex"``, ``"glob"``, ``"like"``, ``"prefix"``.
    match_seconds : float or None
        The most that one match of a regular expression may take in a search here, in seconds.
    strict : bool
        True where nothing that is stored can be executed when it is read.
    holds_bytes : bool
        True where any ``bytes`` can be a value, so that a codec can stand on top.
    read_only : bool
        True where every write is refused.
    lists_keys : bool
        False where the engine cannot list its keys. Such a backend leaves `iter` out: it and all that rests on it
        then raise `UnsupportedError`, and a ``MetadataIndex`` around the store supplies it.
    features : frozenset of str
        Abilities beyond the verbs, such as ``"ttl"``.
    """

    limits: Limits = Limits()
    guarantees: Guarantees = Guarantees()
    dialect: str = "regex"
    match_seconds: float | None = None
    strict: bool = True
    holds_bytes: bool = True
    read_only: bool = False
    lists_keys: bool = True
    features: frozenset[str] = frozenset()

    _states_contract = True
    _is_layer: ClassVar[bool] = False
    _forms: ClassVar[dict[str, Form]] = {}
    _defines: ClassVar[frozenset[str]] = frozenset()
    # Verbs that a backend defines although its engine has no form of them, such as a replace under locks of its own.
    _composed: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._defines = frozenset(VERBS.keys() & cls.__dict__.keys())
        contract = frozenset(base for base in cls.__mro__ if _states_contract(base))
        resolved = resolve(cls, contract, layer=cls._is_layer)
        cls._forms = {verb: form for verb, (form, _) in resolved.items()}
        for verb, (form, function) in resolved.items():
            wanted = Verbs.__dict__[verb] if form is Form.DERIVED else function
            if wanted is not None and getattr(cls, verb, None) is not wanted and verb not in defined_by(cls):
                setattr(cls, verb, wanted)
        for verb in cls._defines:
            setattr(cls, verb, completed(cls, verb))
        if not cls.lists_keys and cls._forms["iter"] is Form.DERIVED:
            cls.iter = _unlisted  # type: ignore[method-assign] # no longer abstract: this is its answer

    def __new__(cls, *arguments: Any, **options: Any) -> Self:
        # Captured here, since a stranger's __init__ need not call ours.
        self = super().__new__(cls)
        self._configuration = (arguments, options)
        self._lock = new_lock()
        return self

    _configuration: tuple[tuple[Any, ...], dict[str, Any]]
    _lock: Lock
    _closed: bool = False

    # -- the four verbs ----------------------------------------------------------------------------------------

    @overload
    def get(self, key: K, default: None = None) -> V | None: ...

    @overload
    def get(self, key: K, default: V) -> V: ...

    @overload
    def get(self, key: K, default: D) -> V | D: ...

    @abstractmethod
    def get(self, key: K, default: Any = None) -> Any:
        """Return the value of `key`, or `default` where it is absent. A stored None is not absence."""

    @abstractmethod
    def set(self, key: K, value: V, *arguments: Any, **options: Any) -> None:
        """Replace the whole value of `key`. When it returns, every reader of this store sees it.

        Parameters
        ----------
        key, value
            What to store.
        *arguments, **options
            ``ttl``: seconds after which the entry is absent, where the store can expire entries. It is spelled openly
            here, so that a backend that cannot expire may leave it out; a caller who gives one to such a store gets an
            `UnsupportedError`, in the same words everywhere. `set_many`, `add` and `replace` take it too.
        """

    @abstractmethod
    def delete(self, key: K) -> bool:
        """Remove `key`. Return True where it was there; absence is no error."""

    @abstractmethod
    def iter(self) -> Iterator[K]:
        """Yield every key once."""

    # -- derived verbs -----------------------------------------------------------------------------------------

    def has(self, key: Any) -> bool:
        """Return whether `key` is there."""
        return self.get(key, MISSING) is not MISSING

    def count(self) -> int:
        """Return the number of keys."""
        return sum(1 for _ in self.iter())

    def get_many(self, keys: Iterable[K], default: Any = None) -> list[Any]:
        """Return a value for each of `keys`, in order, duplicates included, `default` for each that is absent."""
        return [self.get(key, default) for key in keys]

    def set_many(self, pairs: Iterable[tuple[K, V]], *arguments: Any, **options: Any) -> None:
        """Set every pair, as `set` does. Of several values for one key the last one wins."""
        expiry = given(*arguments, **options)
        for key, value in pairs:
            self.set(key, value, **expiry)

    def delete_many(self, keys: Iterable[K]) -> int:
        """Remove `keys`. Return how many were there; duplicates count once."""
        return sum(1 for key in keys if self.delete(key))

    def entries(self) -> Iterator[tuple[K, V]]:
        """Yield every pair once, read in batches."""
        for keys in batches(self.iter()):
            for key, value in zip(keys, self.get_many(keys, MISSING), strict=True):
                if value is not MISSING:  # it went away since its key was listed
                    yield key, value

    def clear(self) -> None:
        """Remove every key that is there when the call begins."""
        for keys in batches(list(self.iter())):
            self.delete_many(keys)

    def add(self, key: K, value: V, *arguments: Any, **options: Any) -> bool:
        """Set `key` only where it is absent. Return whether it was set."""
        expiry = given(*arguments, **options)
        with self._lock:
            if self.has(key):
                return False
            self.set(key, value, **expiry)
            return True

    def replace(self, key: K, expected: V, value: V, *arguments: Any, **options: Any) -> bool:
        """Set `key` only where its value equals `expected`. Return whether it was set."""
        expiry = given(*arguments, **options)
        with self._lock:
            present: Any = self.get(key, MISSING)
            if present is MISSING or not python_equal(present, expected):
                return False
            self.set(key, value, **expiry)
            return True

    def pop(self, key: K, default: Any = RAISE) -> Any:
        """Remove `key` and return its value, or `default` where it is absent.

        Raises
        ------
        KeyError
            If it is absent and no default was given.
        """
        with self._lock:
            value: Any = self.get(key, MISSING)
            if value is MISSING:
                return absent(key, default)
            self.delete(key)
            return value

    def select(self, query: Query) -> Iterator[tuple[K, V]]:
        """Yield at least every pair that matches `query`; the caller tests each again.

        An engine may narrow as far as it can prove. Where ``query.keys_only`` is set the values are not looked at, and
        may be None. ``query.part`` is the exception: nobody can test it again, so exactly its keys are yielded.
        """
        if query.part is not None:
            return select_names(self, query)
        if query.keys_only:
            return ((key, None) for key in self.iter())  # type: ignore[misc]
        return self.entries()

    def plan(self, query: Query) -> Plan:
        """Tell how `select` would run `query`."""
        return Plan(
            steps=(Step(where=repr(self), runs=str(query)),),
            finished_here=str(query),
            scanned=f"every key of {self!r}" if query.keys_only else f"every entry of {self!r}",
        )

    def split(self, count: int) -> list[Part]:
        """Return 1 to `count` disjoint parts that together hold every key that is there all the time.

        A part is a tuple of plain data, its first element its kind, so that it travels to other processes. The same
        store reads it there by ``select(Query(part=part))``; see `Store.shares`.
        """
        check_count(count)
        return parts_of_names([key for key, _ in self.select(Query(keys_only=True))], count)

    def canonical(self, key: K) -> Any:
        """Return the key as the engine knows it: equal for two keys exactly where they name one entry.

        A layer of yours that changes keys by its own verbs, and not as a `KeyLayer`, defines this too.
        """
        return key

    def check(self, key: K, value: V) -> None:
        """Raise the error that a set of this pair would raise. Writes nothing."""

    def replace_all(self, pairs: Iterable[tuple[K, V]]) -> None:
        """Replace the whole contents by `pairs`: in one step where the engine can, else clear first, then set."""
        self.clear()
        self.set_many(pairs)

    def flush(self) -> None:
        """Wait until everything written so far is where the engine keeps it."""

    def close(self) -> None:
        """Release what the store itself opened. A client that was handed in stays open. Closing twice is no error."""

    def compile_keys(self, down: Callable[[Any], Any], up: Callable[[Any], Any]) -> dict[str, Callable[..., Any]]:  # noqa: ARG002 - for engines
        """Return verbs with the key functions `down` and `up` compiled in, where an engine has them, by name.

        A key layer that leaves str keys without the marker as they are uses them in place of its own, which saves
        frames. They must agree with the verbs themselves, and pass on every error of the functions.
        """
        return {}

    # -- what a store says of itself ---------------------------------------------------------------------------

    def native(self, verb: str) -> bool:
        """Return whether `verb` leads to an engine's own form of it, through every layer on the way."""
        if verb not in VERBS:
            raise UnsupportedError(f"{verb!r} is no verb; the verbs are {', '.join(VERBS)}")
        if verb == "iter":
            return self.lists_keys
        defined = self._forms.get(verb) is Form.DEFINED and verb not in self._composed
        return verb in PRIMITIVES or defined

    def route(self, verb: str) -> str:
        """Return the way that a call of `verb` goes through the stack, a line a step, for people to read.

        Examples
        --------
        >>> from spoonbill import Frozen
        >>> from spoonbill.datastores import InMemoryStore
        >>> print(Frozen(InMemoryStore()).route("get"))
        Frozen: left to the store below
        InMemoryStore: defined by Memory
        """
        return "\n".join(route_of(self, verb))

    @property
    def closed(self) -> bool:
        """Whether `close` was called, so that calls which need the engine are refused."""
        return self._closed

    @property
    def capabilities(self) -> frozenset[str]:
        """The verbs that are native here, and the engine's features beyond the verbs."""
        return frozenset(verb for verb in VERBS if self.native(verb)) | self.features

    def __repr__(self) -> str:
        arguments, options = self._configuration
        shown = [_shown("", argument) for argument in arguments]
        shown += [f"{name}={_shown(name, option)}" for name, option in options.items()]
        return f"{type(self).__name__}({', '.join(shown)})"

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return _rebuild, (type(self), *self._configuration)

    def _failure(
        self, operation: str, key: Any, cause: BaseException, remedy: str, *, unanswered: bool = False
    ) -> StoreError:
        """Return the error of a failed `operation`, which names the store, the key, the reason and the remedy.

        Parameters
        ----------
        operation : str
            The verb that failed, or another word for what was tried.
        key : object
            The key, MISSING where there is not one.
        cause : BaseException
            What the engine raised.
        remedy : str
            What the user can do.
        unanswered : bool, optional
            Whether the engine may have done what it was sent. A verb that writes is then an `UnansweredError`.
        """
        on_key = "" if key is MISSING else f" of key {shortened(key)}"
        secrets = secrets_in(self._configuration)
        scrub(cause, secrets)
        reason = without(secrets, f"{type(cause).__name__}: {cause}")
        failed = f"{operation}{on_key} failed in {self!r}: {reason}."
        if unanswered and operation in VERBS and VERBS[operation].writes:
            return UnansweredError(
                f"{failed} It may have been done or not, since its answer was lost: read first. {remedy}"
            )
        return StoreError(f"{failed} {remedy}")

    def _partial_failure(
        self, operation: str, reason: BaseException, *, done: int, failed: tuple[Any, ...]
    ) -> PartialWriteError:
        """Return the error of a call with many entries that stopped when some of them were written."""
        named = ", ".join(map(shortened, failed[:5])) + (", ..." if failed[5:] else "")
        return PartialWriteError(
            f"{operation} in {self!r} stopped: {done} entries are written, {len(failed)} are not ({named}), and "
            f"nothing after them was tried. {reason} Mend that and call again with the rest",
            done=done,
            failed=failed,
        )

    def _closed_error(self) -> ClosedError:
        """Return the error of a call after `close`."""
        return ClosedError(f"{self!r} was closed: open it again to use it")


def _unlisted(self: Verbs[K, V]) -> Iterator[K]:
    raise UnsupportedError(
        f"{self!r} cannot list its keys, so it has no iteration, len, clear or search: MetadataIndex(store, index) "
        "keeps them in a second store"
    )


def _states_contract(base: type) -> bool:
    return "_states_contract" in base.__dict__ or base in _DICT


def _shown(name: str, argument: Any) -> str:
    """Return an argument as ``repr`` shows it: secrets masked, the data of a mapping unread."""
    if is_secret(name) and argument is not None:
        return repr(MASK)
    if isinstance(argument, (str, os.PathLike)):
        argument = os.fspath(argument)
        return repr(masked(argument) if isinstance(argument, str) else argument)
    if isinstance(argument, (Verbs, int, float, bool, type(None), bytes, type)):
        return argument.__name__ if isinstance(argument, type) else repr(argument)
    if isinstance(argument, (list, tuple, dict, builtin_set)):
        return f"<{type(argument).__name__} of {len(argument)}>"
    return f"<{type(argument).__name__}>"


builtin_set = set


def _rebuild(cls: type[Verbs[Any, Any]], arguments: tuple[Any, ...], options: dict[str, Any]) -> Verbs[Any, Any]:
    return cls(*arguments, **options)
