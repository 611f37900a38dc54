"""The binding rule: which form of each verb a class uses, resolved once when the class is made.

A class *speaks* of a verb if it defines it or lists it in ``leaves``. The first class in the MRO that speaks has the
word, and its word stands unless a class before it defines a verb that this one rests on: then only the derived form
is sure to agree with that definition. A verb of which nobody speaks is bound to the inner store (in a layer) or
derived (in a backend), again unless something that it rests on is defined.
"""

import inspect
from collections.abc import Callable, Iterator
from enum import Enum
from functools import wraps
from typing import TYPE_CHECKING, Any
from weakref import ref

from spoonbill.errors import UnsupportedError
from spoonbill.store.odd_keys import READERS
from spoonbill.store.parts import NAMES, select_names
from spoonbill.store.verbs import RESTS_ON, VERBS

if TYPE_CHECKING:
    from spoonbill.query import Query
    from spoonbill.store.base import Verbs
    from spoonbill.store.described import Described
    from spoonbill.store.layering.layer import Layer


class Form(Enum):
    """How a class answers a verb."""

    DEFINED = "defined"  # by a class of its own
    BOUND = "bound"  # straight to the inner store's verb
    DERIVED = "derived"  # by the contract, from other verbs


def defined_by(cls: type) -> frozenset[str]:
    """Return the verbs that `cls` itself defines; what the rule installed on it does not count."""
    own: frozenset[str] | None = cls.__dict__.get("_defines")
    return own if own is not None else frozenset(VERBS.keys() & cls.__dict__.keys())


def resolve(cls: type, contract: frozenset[type], *, layer: bool) -> dict[str, tuple[Form, Any]]:
    """Resolve every verb of `cls`.

    Parameters
    ----------
    cls : type
        The class being made.
    contract : frozenset of type
        The classes that state the contract and have no word of their own (Store, Layer and their bases).
    layer : bool
        Whether there is an inner store to bind to.

    Returns
    -------
    dict
        For each verb its form and, where it is defined, the function.
    """
    voices = [base for base in cls.__mro__ if base not in contract]
    return {verb: _resolve_verb(verb, voices, layer=layer) for verb in VERBS}


def _resolve_verb(verb: str, voices: list[type], *, layer: bool) -> tuple[Form, Any]:
    for voice in voices:
        defines = defined_by(voice)
        if verb in defines:
            return Form.DEFINED, voice.__dict__[verb]
        if verb in voice.__dict__.get("leaves", ()):
            return Form.BOUND, None
        if RESTS_ON[verb] & defines:
            return Form.DERIVED, None
    return (Form.BOUND if layer else Form.DERIVED), None


def given(*, ttl: float | None = None) -> dict[str, float]:
    """Return the options of a write below: a time to live is passed on only where one was given."""
    return {} if ttl is None else {"ttl": ttl}


def lasting(store: "Verbs[Any, Any]", key: Any, expiry: dict[str, float]) -> dict[str, float]:
    """Return the options of a change in place: the entry expires when it would have, unless told otherwise."""
    if expiry or "ttl" not in store.features:
        return expiry
    try:
        return given(ttl=store.ttl(key))
    except KeyError:
        return expiry


def completed(cls: type, verb: str) -> Callable[..., Any]:
    """Return what `cls` wrote for `verb`, able to answer all that the contract may ask of that verb.

    A write without a ``ttl`` parameter refuses one in the words of every other store, a `select` without a `split`
    beside it reads the parts that the derived `split` makes, and a `close` is noted for `closed`. A read with a key
    that no entry can have finds nothing, where the class does not see to it itself (``reads_odd_keys = True``).
    """
    function: Callable[..., Any] = cls.__dict__[verb]
    if VERBS[verb].ttl and not _takes_ttl(function):
        return _refusing_ttl(function)
    if verb in READERS and not cls.__dict__.get("reads_odd_keys", False):
        return READERS[verb](function)
    if verb == "close":
        return _noting_close(function)
    return _reading_parts(function) if verb == "select" else function


def _noting_close(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def close(self: "Verbs[Any, Any]") -> None:
        self._closed = True
        function(self)

    return close


def _takes_ttl(function: Callable[..., Any]) -> bool:
    parameters = inspect.signature(function).parameters.values()
    return any(one.name == "ttl" or one.kind is one.VAR_KEYWORD for one in parameters)


def _refusing_ttl(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def write(self: "Verbs[Any, Any]", *arguments: Any, ttl: float | None = None, **options: Any) -> Any:
        if ttl is not None:
            raise no_ttl(self)
        return function(self, *arguments, **options)

    return write


def weakly(store: "Verbs[Any, Any]", method: Callable[..., Any]) -> Callable[..., Any]:
    """Return `method` of a store for that store to hold, without the cycle that would keep its engine open.

    Who calls it when the store is gone reaches the same engine by a store that is made alike.
    """
    owner, cls, (arguments, options) = ref(store), type(store), store._configuration  # noqa: SLF001

    @wraps(method)
    def call(*given: Any, **more: Any) -> Any:
        alive = owner()
        return method(cls(*arguments, **options) if alive is None else alive, *given, **more)

    return call


def _refusing_ttl_of(store: "Verbs[Any, Any]", function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of one store that refuses a ttl, and does not keep that store alive."""
    owner = ref(store)

    def write(*arguments: Any, ttl: float | None = None, **options: Any) -> Any:
        if ttl is not None:
            raise no_ttl(owner())
        return function(*arguments, **options)

    return write


def no_ttl(store: "Verbs[Any, Any] | None") -> UnsupportedError:
    """Return the error of a write with a time to live to a store that cannot expire entries."""
    return UnsupportedError(f"{store!r} cannot expire entries: leave ttl= out, or put Expiring(store) around it")


def _reading_parts(select: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(select)
    def guarded(self: "Verbs[Any, Any]", query: "Query") -> Iterator[tuple[Any, Any]]:
        part = query.part
        if part is not None:
            form = self._forms["split"]
            if form is Form.DERIVED or (part[0] == NAMES and not (self._is_layer or self._passes_parts)):
                return select_names(self, query)
        return select(self, query)  # type: ignore[no-any-return]

    return guarded


def bind(store: "Verbs[Any, Any]", verb: str, function: Callable[..., Any], *, because: str) -> None:
    """Answer `verb` of this one store by `function`, which must mean the same and is only faster.

    Parameters
    ----------
    store : Verbs
        The store, in its ``__init__``.
    verb : str
        A verb of the table.
    function : callable
        What is called in place of the class's own form.
    because : str
        Why it is the same, for `Verbs.route`.
    """
    if getattr(function, "__self__", None) is store:
        function = weakly(store, function.__func__)  # type: ignore[attr-defined] # a method
    if VERBS[verb].ttl and not _takes_ttl(function):
        function = _refusing_ttl_of(store, function)
    vars(store)[verb] = function
    vars(store).setdefault("_bound", {})[verb] = because


def bind_each(
    layer: "Layer[Any, Any]",
    wrapped: Callable[[str, Callable[..., Any]], Callable[..., Any]],
    *,
    because: str,
    leave: frozenset[str] = frozenset({"canonical"}),
) -> None:
    """Put a function around every verb of the store below, for a layer that does the same for each.

    Parameters
    ----------
    layer : Layer
        The layer, in its ``__init__``.
    wrapped : callable
        Takes a verb's name and the inner store's function for it; returns what is called in its place. It must not
        hold the layer, which would keep its engine open.
    because : str
        What it does, for `Verbs.route`.
    leave : frozenset of str, optional
        The verbs to leave as they are.
    """
    for verb in VERBS:
        if verb not in leave:
            bind(layer, verb, wrapped(verb, getattr(layer.inner, verb)), because=because)


def route_of(store: "Described", verb: str) -> Iterator[str]:
    """Yield the steps of a call of `verb`, from the outermost store down."""
    if verb not in VERBS:
        raise UnsupportedError(f"{verb!r} is no verb; the verbs are {', '.join(VERBS)}")
    form, name = store._forms[verb], type(store).__name__  # noqa: SLF001 - the binding's own notes
    because = vars(store).get("_bound", {}).get(verb)
    if because is not None:
        yield f"{name}: {because}"
    elif form is Form.BOUND:
        yield f"{name}: left to the store below"
    elif form is Form.DEFINED:
        home = next(base for base in type(store).__mro__ if verb in defined_by(base))
        yield f"{name}: defined by {home.__name__}"
    else:
        yield f"{name}: derived from {', '.join(VERBS[verb].derived_from) or 'nothing'}"
    inner = getattr(store, "inner", None)
    if inner is not None and form is not Form.DERIVED:
        yield from route_of(inner, verb)
