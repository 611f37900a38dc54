"""A value as a tree of small tagged objects, so that the page shows a tuple, a large int and None as what they are."""

from dataclasses import fields, is_dataclass
from typing import Any, Final

__all__ = ["tree_of"]

_MOST: Final = 200
_DEEPEST: Final = 12
_LONGEST: Final = 10_000
_WORDS: Final = {None: "None", True: "true", False: "false"}


def tree_of(value: Any, depth: int = 0) -> dict[str, Any]:
    """Return a value as ``{"is": kind, ...}``: text of scalars, the first items of what holds others.

    Examples
    --------
    >>> tree_of({"n": 2**60})
    {'is': 'dict', 'size': 1, 'items': [('n', {'is': 'number', 'text': '1152921504606846976'})]}
    """
    pairs = _pairs(value)
    if pairs is None:
        return _leaf(value)
    if depth >= _DEEPEST:
        return {"is": type(value).__name__, "size": len(pairs), "text": "..."}
    shown = [(name, tree_of(one, depth + 1)) for name, one in pairs[:_MOST]]
    return {"is": type(value).__name__, "size": len(pairs), "items": shown}


def _leaf(value: Any) -> dict[str, Any]:
    if value is None or isinstance(value, bool):
        return {"is": "word", "text": _WORDS[value]}
    if isinstance(value, (int, float)):
        return {"is": "number", "text": repr(value)}
    if isinstance(value, (bytes, bytearray)):
        return {"is": "bytes", **_cut(bytes(value[:64]).hex(" ")), "size": len(value)}
    return {"is": "string" if isinstance(value, str) else type(value).__name__, **_cut(str(value))}


def _pairs(value: Any) -> list[tuple[str | None, Any]] | None:
    """Return what a value holds, with names where there are some; None where it holds nothing of this kind."""
    if isinstance(value, dict):
        return [(name if isinstance(name, str) else repr(name), one) for name, one in value.items()]
    if isinstance(value, (list, tuple)):
        return [(None, one) for one in value]
    if isinstance(value, (set, frozenset)):
        return [(None, one) for one in sorted(value, key=repr)]
    if is_dataclass(value):
        return [(field.name, getattr(value, field.name)) for field in fields(value)]
    return None


def _cut(text: str) -> dict[str, Any]:
    return {"text": text} if len(text) <= _LONGEST else {"text": text[:_LONGEST], "length": len(text)}
