"""What a store says of itself, and what it is configured with."""

import inspect
import os
from abc import ABC
from collections.abc import Callable, Iterator, MutableMapping
from functools import cache
from typing import Any, ClassVar, Self

from spoonbill.common.failures import pass_on_signal
from spoonbill.common.locks import Lock, new_lock, waiting_lock
from spoonbill.common.masking import MASK, is_secret, masked, scrub, secrets_in, without
from spoonbill.common.paths import absolute
from spoonbill.common.sentinels import MISSING
from spoonbill.common.text import shortened
from spoonbill.common.traits import Guarantees, Limits
from spoonbill.errors import ClosedError, PartialWriteError, StoreError, UnansweredError, UnsupportedError
from spoonbill.store.binding import Form, completed, defined_by, resolve, route_of
from spoonbill.store.names import Name, current_name
from spoonbill.store.verbs import PRIMITIVES, VERBS

_DICT = frozenset(MutableMapping.__mro__)  # what dict methods a store inherits is no word of its own


class Described(ABC):
    """What a store says of itself as data, how it is configured, and how its classes are completed.

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
    whole_batch : int
        The most pairs of which `set_many` writes none where one of them does not fit. 0 promises nothing.
    ends_by_default : bool
        True where an entry may expire that was written without ``ttl=``.
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
    whole_batch: int = 0
    ends_by_default: bool = False
    awaits: bool = False  # an event loop can wait for this engine, or layer, itself: see `spoonbill.aio`
    loop_handles: Any = None  # a `LoopHandles`, where `awaits`
    never_waits: bool = False  # each call is over at once, so that a loop need not wait for it
    url: str | None = None  # the address that it was opened by, without secrets
    secret_options: ClassVar[frozenset[str]] = frozenset()  # parameters that no repr shows, whatever they hold
    path_options: ClassVar[frozenset[str]] = frozenset()  # parameters that may be local paths, pickled as absolute ones

    _states_contract = True
    _derived: ClassVar[dict[str, Callable[..., Any]]] = {}  # the forms of `Verbs`, once it is there
    _is_layer: ClassVar[bool] = False
    _passes_parts: ClassVar[bool] = False  # its `split` is that of a store below, which reads the parts
    _forms: ClassVar[dict[str, Form]] = {}
    _defines: ClassVar[frozenset[str]] = frozenset()
    # Verbs that a backend defines although its engine has no form of them, such as a replace under locks of its own.
    _composed: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if not Described._derived:
            Described._derived = {verb: cls.__dict__[verb] for verb in VERBS}  # `Verbs` itself
            return
        cls._defines = frozenset(VERBS.keys() & cls.__dict__.keys())
        contract = frozenset(base for base in cls.__mro__ if _states_contract(base))
        resolved = resolve(cls, contract, layer=cls._is_layer)
        cls._forms = {verb: form for verb, (form, _) in resolved.items()}
        for verb, (form, function) in resolved.items():
            wanted = cls._derived[verb] if form is Form.DERIVED else function
            if wanted is not None and getattr(cls, verb, None) is not wanted and verb not in defined_by(cls):
                setattr(cls, verb, wanted)
        for verb in cls._defines:
            setattr(cls, verb, completed(cls, verb))
        if not cls.lists_keys and cls._forms["iter"] is Form.DERIVED:
            setattr(cls, "iter", _unlisted)  # noqa: B010 - no longer abstract: this is its answer

    def __new__(cls, *arguments: Any, **options: Any) -> Self:
        # Captured here, since a stranger's __init__ need not call ours.
        self = super().__new__(cls)
        self._configuration = (arguments, options)
        self._portable = _settled(cls, arguments, options) if cls.path_options else self._configuration
        self._lock = waiting_lock() if cls.awaits or cls.never_waits else new_lock()
        name = current_name()
        if name is not None:
            self._name_outside = name
        return self

    _configuration: tuple[tuple[Any, ...], dict[str, Any]]
    _name_outside: Name | None = None  # of the named store that this one was made for
    _portable: tuple[tuple[Any, ...], dict[str, Any]]
    _lock: Lock
    _closed: bool = False

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
        cls, (arguments, options) = self._name_outside or (type(self), self._configuration)
        names = (*parameters(cls), *("" for _ in arguments))
        shown = [_shown_of(cls, name, argument) for name, argument in zip(names, arguments, strict=False)]
        shown += [f"{name}={_shown_of(cls, name, option)}" for name, option in options.items()]
        return f"{cls.__name__}({', '.join(shown)})"

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return _rebuild, (type(self), *self._portable)

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

        Raises
        ------
        BaseException
            `cause`, where the handler of a signal raised it: it is no failure of the store.
        """
        pass_on_signal(cause)
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
            f"nothing after them was tried. {reason} Correct that and call again with the rest",
            done=done,
            failed=failed,
        )

    def _closed_error(self) -> ClosedError:
        """Return the error of a call after `close`."""
        return ClosedError(f"{self!r} was closed: open it again to use it")


def _unlisted(self: Described) -> Iterator[Any]:
    raise UnsupportedError(
        f"{self!r} cannot list its keys, so it has no iteration, len, clear or search: MetadataIndex(store, index) "
        "keeps them in a second store"
    )


@cache
def parameters(cls: type) -> tuple[str, ...]:
    """Return the names of the parameters of a class, as they are given by position."""
    parameters = list(inspect.signature(cls).parameters.values())
    return tuple(one.name for one in parameters if one.kind in {one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD})


def _states_contract(base: type) -> bool:
    return "_states_contract" in base.__dict__ or base in _DICT


def _shown_of(cls: type[Any], name: str, argument: Any) -> str:
    return repr(MASK) if name in cls.secret_options and argument is not None else _shown(name, argument)


def _shown(name: str, argument: Any) -> str:
    """Return an argument as ``repr`` shows it: secrets masked, the data of a mapping unread."""
    if is_secret(name) and argument is not None:
        return repr(MASK)
    if isinstance(argument, (str, os.PathLike)):
        argument = os.fspath(argument)
        return repr(masked(argument) if isinstance(argument, str) else argument)
    if isinstance(argument, (Described, int, float, bool, type(None), bytes, type)):
        return argument.__name__ if isinstance(argument, type) else repr(argument)
    if isinstance(argument, (list, tuple, dict)) and argument:
        held = list(argument.values()) if isinstance(argument, dict) else argument
        if all(isinstance(one, Described) for one in held):  # stores, which mask what is secret in them
            return repr(argument)
    if isinstance(argument, (list, tuple, dict, builtin_set)):
        return f"<{type(argument).__name__} of {len(argument)}>"
    return f"<{type(argument).__name__}>"


def _settled(
    cls: type[Described], arguments: tuple[Any, ...], options: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return a configuration that means the same in every working directory."""
    names = (*parameters(cls), *("" for _ in arguments))

    def settle(name: str, argument: Any) -> Any:
        return absolute(argument) if name in cls.path_options else argument

    return (
        tuple(settle(name, argument) for name, argument in zip(names, arguments, strict=False)),
        {name: settle(name, option) for name, option in options.items()},
    )


builtin_set = set


def _rebuild(cls: type[Described], arguments: tuple[Any, ...], options: dict[str, Any]) -> Described:
    return cls(*arguments, **options)
