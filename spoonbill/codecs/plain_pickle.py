"""Pickles of plain builtin values, which load without running anything."""

import io
import pickle
from typing import Any, Final

from spoonbill.common.enums import qualified
from spoonbill.errors import CodecError

__all__ = ["PlainPickleCodec"]

_SCALARS: Final = frozenset({type(None), bool, int, float, complex, str, bytes, bytearray})
_SEQUENCES: Final = frozenset({list, tuple, set, frozenset})


class PlainPickleCodec:
    """Holds None, bool, int, float, complex, str, bytes, bytearray, list, tuple, set, frozenset and dict, as a pickle.

    The bytes are an ordinary pickle of protocol 5, which :mod:`shelve` reads, and pickles of these types by any program
    and protocol are read. A pickle that names any class or function is refused; nothing in it is imported or called.
    """

    name: str = "pickle-plain"
    safe: bool = True

    def dumps(self, value: Any) -> bytes:
        """Return the value as a pickle; ``CodecError`` where it or a part of it is of another type."""
        _check_plain(value)
        try:
            return pickle.dumps(value, 5)
        except Exception as error:
            raise CodecError(f"pickle cannot hold this {qualified(type(value))}: {error}") from error

    def loads(self, data: bytes) -> Any:
        """Return the pickled value; ``CodecError`` where the pickle is damaged or holds anything else."""
        stream = io.BytesIO(data)
        try:
            value = _PlainUnpickler(stream).load()
        except CodecError:
            raise
        except Exception as error:
            raise CodecError(f"the stored pickle cannot be loaded: {type(error).__name__}: {error}") from error
        if stream.tell() != len(data):
            raise CodecError("the stored pickle cannot be loaded: there are bytes after its end")
        _check_plain(value)
        return value

    def __repr__(self) -> str:
        return "PlainPickleCodec()"


class _Latin1:
    """What protocols up to 2 call to make bytes, held to that one use.

    An instance without attributes instead of a function, so that a pickle can change nothing about it.
    """

    __slots__ = ()

    def __call__(self, text: str, encoding: str) -> bytes:
        if encoding != "latin1":
            raise CodecError(f"the stored pickle asks for the text encoding {encoding!r}, which plain bytes never need")
        return text.encode("latin-1")


class _FromBytes:
    """What protocols up to 4 call to make a bytearray (and 0 to 2 empty bytes), without the form that allocates."""

    __slots__ = ("_kind",)
    _kind: type[bytes | bytearray]

    def __init__(self, kind: type[bytes | bytearray]) -> None:
        object.__setattr__(self, "_kind", kind)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(name)

    def __call__(self, source: bytes | str = b"", encoding: str = "latin-1") -> bytes | bytearray:
        if type(source) is str and encoding == "latin-1":
            source = source.encode("latin-1")
        if type(source) is not bytes:
            raise CodecError("the stored pickle makes bytes of something else")
        return self._kind(source)


# The builtins that pickles of plain values name: complex always, the others in protocols before 5.
_NAMED: Final[dict[str, Any]] = {
    "complex": complex,
    "set": set,
    "frozenset": frozenset,
    "bytes": _FromBytes(bytes),
    "bytearray": _FromBytes(bytearray),
}


class _PlainUnpickler(pickle.Unpickler):
    """An unpickler that knows no class but the plain ones."""

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        if module_name in {"builtins", "__builtin__"} and global_name in _NAMED:
            return _NAMED[global_name]
        if (module_name, global_name) == ("_codecs", "encode"):
            return _Latin1()
        raise CodecError(
            f"the stored pickle names {module_name}.{global_name}, and only plain values are read here: strict=False "
            "reads it, which runs what the stored bytes say"
        )


def _check_plain(value: Any) -> None:
    """Refuse a value that is not plain all the way down. It may contain itself."""
    nodes = [value]
    seen: set[int] = set()
    while nodes:
        node = nodes.pop()
        kind = type(node)
        if kind in _SCALARS or id(node) in seen:
            continue
        seen.add(id(node))
        if kind is dict:
            parts = (*node, *node.values())
        elif kind in _SEQUENCES:
            parts = node
        else:
            raise CodecError(
                f"a strict pickle cannot hold a value of type {qualified(kind)}: only None, bool, int, float, complex, "
                "str, bytes, bytearray, list, tuple, set, frozenset and dict; strict=False holds any Python value"
            )
        if not _SCALARS.issuperset(map(type, parts)):
            nodes.extend(parts)
