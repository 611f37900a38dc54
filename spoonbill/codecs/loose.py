"""The typed format, and marked frames of pickle for what it cannot hold: what ``strict=False`` writes.

``C1 02`` begins a pickle; no msgpack begins so, and a frame of an array begins with ``C1 01``. What the typed codec
holds is written by it, byte for byte, so that strict and loose stores read each other's entries; a strict store refuses
the marked frames by name.
"""

from enum import Enum
from typing import Any, Final
from weakref import WeakSet

from spoonbill.codecs.msgpack import PICKLE_FRAME, MsgpackCodec
from spoonbill.codecs.pickle_first import PickleFirstCodec
from spoonbill.errors import CodecError

__all__ = ["LooseCodec"]

_TYPED: Final = MsgpackCodec()
_PICKLE: Final = PickleFirstCodec()
_OF_THE_FORMAT: Final = frozenset({"builtins", "datetime", "decimal", "uuid", "zoneinfo", "numpy"})
"""Modules of types that the typed codec holds, or refuses for what is in them."""


class LooseCodec:
    """Holds any value: by the typed codec where that can, else by pickle, else by cloudpickle.

    Loading runs what a stored pickle says: only for data that you trust.
    """

    name: str = "loose"
    safe: bool = False

    def __init__(self) -> None:
        self._refused: WeakSet[type] = WeakSet()

    def dumps(self, value: Any) -> bytes:
        """Return the value as typed msgpack, or as a marked pickle; ``CodecError`` where nothing can hold it."""
        kind = type(value)
        if kind not in self._refused:
            try:
                return _TYPED.dumps(value)
            except CodecError:
                # An instance of a class is refused for its type, whatever is in it: the next one need not be tried. An
                # Enum can still be registered.
                if kind.__module__ not in _OF_THE_FORMAT and not issubclass(kind, Enum):
                    self._refused.add(kind)
        return PICKLE_FRAME + _PICKLE.dumps(value)

    def loads(self, data: bytes) -> Any:
        """Return the value of these bytes; ``CodecError`` where they cannot be read."""
        try:
            marked = data[:2] == PICKLE_FRAME
        except (TypeError, LookupError):  # no bytes, as of a document of another program: the typed codec says so
            marked = False
        return _PICKLE.loads(data[len(PICKLE_FRAME) :]) if marked else _TYPED.loads(data)

    def __repr__(self) -> str:
        return "LooseCodec()"

    def __reduce__(self) -> tuple[type["LooseCodec"], tuple[()]]:
        return LooseCodec, ()
