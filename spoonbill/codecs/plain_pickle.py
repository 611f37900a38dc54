"""Pickles of plain builtin values, which load without running anything."""

import pickle
from collections.abc import Collection
from typing import Any, Final

from spoonbill.codecs.plain_reader import read_plain_pickle
from spoonbill.common.enums import qualified
from spoonbill.common.failures import UNPICKLABLE, UNREADABLE, pass_on_signal
from spoonbill.common.nesting import MOST_COLLISIONS, MOST_LEVELS, collides
from spoonbill.errors import CodecError

__all__ = ["PlainPickleCodec"]

_SCALARS: Final = frozenset({type(None), bool, int, float, complex, str, bytes, bytearray})
_SEQUENCES: Final = frozenset({list, tuple, set, frozenset})
_HASHED: Final = frozenset({dict, set, frozenset})


class PlainPickleCodec:
    """Holds None, bool, int, float, complex, str, bytes, bytearray, list, tuple, set, frozenset and dict, as a pickle.

    The bytes are an ordinary pickle of protocol 5, which :mod:`shelve` reads, and pickles of these types by any program
    and protocol are read, in up to 500 levels. A pickle that names any class or function is refused; nothing in it is
    imported or called, and it takes no more time and memory than its bytes are worth.
    """

    name: str = "pickle-plain"
    safe: bool = True

    def dumps(self, value: Any) -> bytes:
        """Return the value as a pickle; ``CodecError`` where it or a part of it is of another type."""
        _check_plain(value)
        try:
            return pickle.dumps(value, 5)
        except UNPICKLABLE as error:
            pass_on_signal(error)
            raise CodecError(f"pickle cannot hold this {qualified(type(value))}: {error}") from error

    def loads(self, data: bytes) -> Any:
        """Return the pickled value; ``CodecError`` where the pickle is damaged or holds anything else."""
        try:
            value = read_plain_pickle(data)
        except CodecError:
            raise
        except UNREADABLE as error:
            pass_on_signal(error)
            raise CodecError(f"the stored pickle cannot be loaded: {type(error).__name__}: {error}") from error
        _check_plain(value)
        return value

    def __repr__(self) -> str:
        return "PlainPickleCodec()"


def _check_plain(value: Any) -> None:
    """Refuse a value that is not plain all the way down, level by level. It may contain itself."""
    level = [] if type(value) in _SCALARS else [value]
    seen: set[int] = set()
    depth = 0
    while level:
        if depth == MOST_LEVELS:
            raise CodecError(f"a strict pickle holds no values that are nested in more than {MOST_LEVELS} levels")
        depth += 1
        below: list[Any] = []
        for node in level:
            if id(node) not in seen:
                seen.add(id(node))
                parts = _parts(node)
                if not _SCALARS.issuperset(map(type, parts)):
                    below.extend(part for part in parts if type(part) not in _SCALARS)
        level = below


def _parts(node: Any) -> Collection[Any]:
    kind = type(node)
    if kind in _HASHED and collides(node):
        raise CodecError(f"a strict pickle holds at most {MOST_COLLISIONS} keys whose hash is the same")
    if kind is dict:
        return (*node, *node.values())
    if kind in _SEQUENCES:
        return node  # type: ignore[no-any-return]
    raise CodecError(
        f"a strict pickle cannot hold a value of type {qualified(kind)}: only None, bool, int, float, complex, "
        "str, bytes, bytearray, list, tuple, set, frozenset and dict; strict=False holds any Python value"
    )
