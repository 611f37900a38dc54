"""Options of a URL as the values that a class takes: typed by its signature, and named where they are wrong."""

import difflib
import inspect
import types
import typing
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from spoonbill.errors import UnsupportedError
from spoonbill.urls.address import shown

__all__ = ["converted", "known_options", "nearest"]

_TRUE: Final = frozenset({"1", "true", "yes", "on", ""})
_FALSE: Final = frozenset({"0", "false", "no", "off"})
_NONE: Final = frozenset({"none", "null"})


def known_options(cls: type) -> dict[str, Any]:
    """Return the options that a class takes by name, with their types; Any where it says none.

    Options that it takes as ``**options: Unpack[SomeTypedDict]`` are among them.
    """
    function: Any = next(vars(base)["__init__"] for base in cls.__mro__ if "__init__" in vars(base))
    try:
        hints = get_type_hints(function, include_extras=True)
    except NameError:  # an annotation for type checkers alone
        hints = {}
    known: dict[str, Any] = {}
    for parameter in list(inspect.signature(function).parameters.values())[1:]:
        hint = hints.get(parameter.name, Any)
        if parameter.kind is parameter.VAR_KEYWORD:
            if get_origin(hint) is typing.Unpack:
                known |= get_type_hints(get_args(hint)[0])
        elif parameter.kind is not parameter.VAR_POSITIONAL:
            known[parameter.name] = hint
    return known


def converted(name: str, text: str, hint: Any) -> Any:
    """Return the text of an option as a value of a type.

    Raises
    ------
    UnsupportedError
        If it is none; the message says what the option takes.
    """
    options = _alternatives(hint)
    for option in options:
        value = _as(text, option)
        if value is not _NOT_ONE:
            return value
    names = " or ".join(dict.fromkeys(_name(option) for option in options))
    raise UnsupportedError(f"the option {name}={shown(text)!r} is no {names}")


_NOT_ONE: Final = object()


def _alternatives(hint: Any) -> list[Any]:
    """Return the types of a hint, those that take fewer texts first."""
    if get_origin(hint) in {typing.Required, typing.NotRequired}:
        return _alternatives(get_args(hint)[0])
    if get_origin(hint) in {Union, types.UnionType}:
        found = [one for part in get_args(hint) for one in _alternatives(part)]
        order = [bool, int, float, type(None)]
        return sorted(found, key=lambda one: order.index(one) if one in order else len(order))
    return [hint]


def _as(text: str, hint: Any) -> Any:  # noqa: PLR0911 - one a type
    low = text.lower()
    if hint is bool:
        return True if low in _TRUE else False if low in _FALSE else _NOT_ONE
    if hint is type(None):
        return None if low in _NONE else _NOT_ONE
    if hint in {int, float}:
        try:
            return hint(text)
        except ValueError:
            return _NOT_ONE
    if get_origin(hint) is Literal:
        return next((one for one in get_args(hint) if str(one) == text), _NOT_ONE)
    if hint is Any or hint is object:
        return _guessed(text)
    return text if hint in {str, Path} or not isinstance(hint, type) else _NOT_ONE


def _guessed(text: str) -> Any:
    low = text.lower()
    if low in {"true", "false"}:
        return low == "true"
    return text


def _name(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return f"one of {', '.join(map(str, get_args(hint)))}"
    return {bool: "yes or no", int: "whole number", float: "number", type(None): "none"}.get(hint, "text")


def nearest(name: str, known: Iterable[str]) -> str:
    """Return what was probably meant, as the end of a sentence."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, 1, 0.5)
    return f"; did you mean {close[0]}=?" if close else f"; it takes {', '.join(known)}"
