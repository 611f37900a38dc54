"""What can be told about a regular expression without running it, from the tree that Python's own parser makes.

The parser is private to ``re``: where a Python has none, or another one, a regex is simply taken to begin with
anything and to have no portable form, which is right and only slower.
"""

import importlib
import re
import warnings
from collections.abc import Iterable
from typing import Any

__all__ = ["beginnings", "compile_quietly", "is_always_true", "parse", "single_literal", "unbounded"]

try:
    _parser: Any = importlib.import_module("re._parser")
except ImportError:  # pragma: no cover - a Python whose re is built otherwise
    _parser = None

_MAX_STATES = 16
_MAX_LENGTH = 200  # longer beginnings narrow no search further, and a repeat such as (ab){9999} would build them

# A beginning of a match, and whether the items read so far end exactly there, so that the next item may extend it.
_State = tuple[str, bool]
_UNKNOWN: frozenset[_State] = frozenset({("", False)})
_EMPTY: frozenset[_State] = frozenset({("", True)})

_ZERO_WIDTH = {"AT", "ASSERT", "ASSERT_NOT"}
_REPEATS = {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}


def compile_quietly(pattern: str, flags: int) -> re.Pattern[str]:
    """Compile a regex; a warning about a later Python's reading of it (``[[a]``) is no error, whatever the filters."""
    try:
        return re.compile(pattern, flags)
    except Warning:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return re.compile(pattern, flags)


def parse(pattern: str, flags: int) -> Any:
    """Return the parse tree of a regex that compiles, None where there is none to be had."""
    if _parser is None:  # pragma: no cover
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _parser.parse(pattern, flags & ~re.DEBUG)


def unbounded(maximum: Any) -> bool:
    """Return whether the upper end of a repeat is infinite."""
    return bool(maximum == _parser.MAXREPEAT)


def beginnings(tree: Any) -> set[str]:
    """Return texts such that every match of the tree at a text's start begins with one of them."""
    if tree is None or tree.state.flags & re.IGNORECASE:
        return {""}
    return {text for text, _ in _sequence(tree)} or {""}


def is_always_true(tree: Any) -> bool:
    """Return whether ``re.match`` surely finds the tree at the start of every text."""
    if tree is None:
        return False
    items = list(tree)
    while items and _is_start(items[0]):
        del items[0]
    return all(_may_be_empty(item) for item in items)


def single_literal(tree: Any) -> str | None:
    r"""Return the one text that a tree of literals closed by ``\Z`` matches, else None."""
    items = [] if tree is None or tree.state.flags & re.IGNORECASE else list(tree)
    if items and _is_start(items[0]):
        del items[0]
    if not items or items[-1][0].name != "AT" or items[-1][1].name != "AT_END_STRING":
        return None
    if any(op.name != "LITERAL" for op, _ in items[:-1]):
        return None
    return "".join(chr(code) for _, code in items[:-1])


def _is_start(item: tuple[Any, Any]) -> bool:
    op, argument = item
    return op.name == "AT" and argument.name in {"AT_BEGINNING", "AT_BEGINNING_STRING"}


def _may_be_empty(item: tuple[Any, Any]) -> bool:
    """Return whether an item can match nothing wherever it stands, whatever the text."""
    op, argument = item
    if op.name in _REPEATS:
        return bool(argument[0] == 0)
    if op.name == "SUBPATTERN":
        return all(_may_be_empty(part) for part in argument[3])
    if op.name == "BRANCH":
        return any(all(_may_be_empty(part) for part in branch) for branch in argument[1])
    return False


def _sequence(items: Iterable[tuple[Any, Any]]) -> frozenset[_State]:
    states = _EMPTY
    for item in items:
        if not any(is_open for _, is_open in states):
            break
        states = _joined(states, _item(item))
    return states


def _joined(states: frozenset[_State], following: frozenset[_State]) -> frozenset[_State]:
    """Extend the open states by each state of what follows; too many or too long ones are closed where they are."""
    grown = {
        (text + more, more_open)
        for text, is_open in states
        if is_open and len(text) < _MAX_LENGTH
        for more, more_open in following
    }
    kept = {(text, False) for text, is_open in states if not is_open or len(text) >= _MAX_LENGTH}
    result = frozenset(grown | kept)
    return result if len(result) <= _MAX_STATES else frozenset((text, False) for text, _ in states)


def _item(item: tuple[Any, Any]) -> frozenset[_State]:  # noqa: PLR0911 - one a kind of item
    op, argument = item
    name = op.name
    if name == "LITERAL":
        return frozenset({(chr(argument), True)})
    if name in _ZERO_WIDTH:
        return _EMPTY  # it can only forbid matches: what is said of the others stays true
    if name == "IN":
        return _charset(argument)
    if name == "ATOMIC_GROUP":
        return _sequence(argument)
    if name == "SUBPATTERN" and not argument[1] & re.IGNORECASE:
        return _sequence(argument[3])
    if name == "BRANCH":
        found = frozenset[_State]().union(*map(_sequence, argument[1]))
        return found if len(found) <= _MAX_STATES else _UNKNOWN
    if name in _REPEATS:
        return _repeat(*argument)
    return _UNKNOWN


def _charset(members: list[tuple[Any, Any]]) -> frozenset[_State]:
    codes: set[int] = set()
    for op, argument in members:
        if op.name == "LITERAL":
            codes.add(argument)
        elif op.name == "RANGE" and argument[1] - argument[0] < _MAX_STATES:
            codes.update(range(argument[0], argument[1] + 1))
        else:
            return _UNKNOWN
    return frozenset((chr(code), True) for code in codes)


def _repeat(minimum: int, maximum: int, body: Any) -> frozenset[_State]:
    once = _sequence(body)
    states = _EMPTY
    for _ in range(min(minimum, _MAX_LENGTH)):
        states = _joined(states, once)
    if minimum == maximum and minimum <= _MAX_LENGTH:
        return states
    if minimum == 0 and maximum == 1:
        return states | once
    return frozenset((text, False) for text, _ in states)
