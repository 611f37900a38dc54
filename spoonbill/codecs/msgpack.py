"""The default codec: msgpack, with extension types for what it lacks.

The bytes are msgpack, which every language reads, and the extension types of :mod:`spoonbill.codecs.extensions`. A
value that is itself a numpy array is written as ``C1 01`` and a frame of :mod:`spoonbill.codecs.arrays`; no msgpack
begins so. A lone surrogate in a ``str`` is written as Python's ``surrogatepass`` writes it, which readers other
than this one may refuse. What a version of this codec wrote, later versions read.
"""

import sys
from typing import Any, Final, cast

import msgpack  # type: ignore[import-untyped]  # it ships no types
import ormsgpack

from spoonbill.codecs.arrays import dump_array, load_array
from spoonbill.codecs.msgpack_levels import (
    ANY_KEYS,
    BIN8,
    BIN16,
    BIN32,
    DAMAGE,
    FOREIGN,
    LARGE,
    OPTIONS,
    SUSPECT,
    TEXT_KEYS,
    TIMESTAMP,
    TOP,
    TOP_HOOK,
    TOP_VALUE,
    arrived,
    check,
    refuse,
    refuse_deep,
    refuse_timestamps,
)
from spoonbill.common.enums import qualified
from spoonbill.common.failures import UNSOUND, pass_on_signal
from spoonbill.common.nesting import MOST_LEVELS
from spoonbill.errors import CodecError, SpoonbillError

__all__ = ["PICKLE_FRAME", "MsgpackCodec"]

PICKLE_FRAME: Final = b"\xc1\x02"
"""What a pickle begins with that ``strict=False`` has written, see :mod:`spoonbill.codecs.loose`."""

_FRAME: Final = b"\xc1\x01"
_SMALL: Final = frozenset({type(None), bool, int, float})

_packb: Final = ormsgpack.packb
_unpackb: Final = msgpack.unpackb


class MsgpackCodec:
    """Holds plain and typed values, each back with exactly its own type. Loading executes nothing.

    None, bool, int of any size, float, complex, str, bytes, list, tuple, set, frozenset, dict with any of these keys,
    date, datetime and time (with ``ZoneInfo`` or ``timezone``), timedelta, Decimal, UUID, members of enumerations given
    to ``register_enum``, numpy arrays and scalars of every dtype without Python objects; nested in up to 500 levels, of
    which up to 50 are tuples, sets and frozensets. Of the elements of a set, or the keys of a dict, up to 128 may have
    the same ``hash``.

    Guarantees
    ----------
    - Any other type, a subclass of these among them, is refused and never stored as something near.
    - Truncated bytes, bytes after the end and unknown types are refused; damaged lengths allocate nothing, and what
      stored bytes cost grows with their length, not with its square.
    - A loaded array is writable and has memory of its own; Fortran order is kept, other layouts become C order.
    """

    name: str = "msgpack"
    safe: bool = True

    def dumps(self, value: Any) -> bytes:
        """Return the value as msgpack.

        Raises
        ------
        CodecError
            The value, or one inside it, is of a type that this codec does not hold, or is nested too deeply.
        """
        # Small plain values take the shortest way: here each call in Python costs as much as the encoding.
        kind = type(value)
        try:
            if kind is str:
                if len(value) < LARGE:
                    return _packb(value, TOP_HOOK, OPTIONS)
            elif kind is int:
                return _packb(value, TOP_HOOK, OPTIONS)
            elif kind is dict or kind is list:
                data = _packb(value, TOP_HOOK, OPTIONS)
                if BIN8 in data or BIN16 in data or BIN32 in data:
                    check(value)
                return data
            elif kind in _SMALL:
                return _packb(value, TOP_HOOK, OPTIONS)
        except TypeError as error:
            arrived.pass_on(error)
        return self._dumps_slowly(value)

    def _dumps_slowly(self, value: Any) -> bytes:
        try:
            if type(value) is bytes and LARGE <= len(value) < 1 << 32:
                # One copy instead of two.
                return b"".join((b"\xc6", len(value).to_bytes(4, "big"), value))
            if type(value) in FOREIGN:
                refuse(type(value))
            numpy = sys.modules.get("numpy")
            if numpy is not None and type(value) is numpy.ndarray:
                return dump_array(cast("Any", value), _FRAME)
            return TOP.pack(value)
        except SpoonbillError:
            raise
        except UNSOUND as error:
            pass_on_signal(error)
            raise CodecError(f"the msgpack codec cannot hold this {qualified(type(value))}: {error}") from error

    def loads(self, data: bytes) -> Any:
        """Return the value of these bytes.

        Raises
        ------
        CodecError
            They are truncated, damaged, or hold an enumeration that is not registered.
        MissingExtraError
            They hold a numpy array, and numpy is not installed.
        """
        try:
            # The numbers stand here themselves, since each name would cost as much as another 1% of a small value. In
            # lists and dicts that claim no more than this, false lengths and colliding keys cost little.
            if data[0] == 0xC1:
                return _load_frame(data)
            value = _unpackb(
                data,
                strict_map_key=False,
                unicode_errors="surrogatepass",
                ext_hook=TOP_VALUE,
                max_array_len=128,
                max_map_len=512,
            )
            if type(value) in SUSPECT:
                if TIMESTAMP in data:
                    refuse_timestamps(data, value)
                if len(data) > MOST_LEVELS:
                    refuse_deep(data, value)
            return value  # noqa: TRY300
        except SpoonbillError:
            raise
        except DAMAGE as error:
            pass_on_signal(error)
            return _load_large(data)

    def __repr__(self) -> str:
        return "MsgpackCodec()"


def _load_large(data: bytes) -> Any:
    """Load what has lists or dicts of some length, or is damaged."""
    try:
        try:
            value = TEXT_KEYS.unpack(data)
        except ValueError as error:  # a key that is no text, which may collide with others; or damage
            pass_on_signal(error)
            value = ANY_KEYS.unpack(data)
        refuse_deep(data, value)
    except SpoonbillError:
        raise
    except DAMAGE as error:
        pass_on_signal(error)
        raise CodecError(f"the stored bytes are not of the msgpack codec: {error or type(error).__name__}") from error
    return value


def _load_frame(data: bytes) -> Any:
    if data[:2] == PICKLE_FRAME:
        raise CodecError(
            "it is a pickle, written with strict=False, which can run code when it is read: open the store with "
            "strict=False if you trust whoever wrote it"
        )
    if data[:2] != _FRAME:
        raise CodecError("the stored array is of a later version of the msgpack codec, or damaged")
    return load_array(data, 2)
