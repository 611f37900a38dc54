"""The default codec: msgpack, with extension types for what it lacks.

The bytes are msgpack, which every language reads, and the extension types of :mod:`spoonbill.codecs.extensions`. A
value that is itself a numpy array is written as ``C1 01`` and a frame of :mod:`spoonbill.codecs.arrays`; no msgpack
begins so. A lone surrogate in a ``str`` is written as Python's ``surrogatepass`` writes it, which readers other
than this one may refuse. What a version of this codec wrote, later versions read.
"""

import sys
import threading
from collections.abc import Collection
from typing import Any, Final, NoReturn, cast

import msgpack  # type: ignore[import-untyped]  # it ships no types
import ormsgpack

from spoonbill.codecs.arrays import dump_array, load_array
from spoonbill.codecs.extensions import TUPLE, from_extension, to_extension
from spoonbill.common.enums import qualified
from spoonbill.common.failures import UNREADABLE, UNSOUND
from spoonbill.common.nesting import MOST_COLLISIONS, MOST_LEVELS, collides, is_deeper, levels
from spoonbill.errors import CodecError, SpoonbillError

__all__ = ["PICKLE_FRAME", "MsgpackCodec"]

PICKLE_FRAME: Final = b"\xc1\x02"
"""What a pickle begins with that ``strict=False`` has written, see :mod:`spoonbill.codecs.loose`."""

_FRAME: Final = b"\xc1\x01"
_LARGE: Final = 1 << 16
# Looked for as numbers, which bytes find without a detour.
_BIN8, _BIN16, _BIN32, _TIMESTAMP = 0xC4, 0xC5, 0xC6, 0xFF

_LEVELS: Final = 50
_ON_STACK: Final = 2
_ORMSGPACK: Final = 255  # levels of lists and dicts that ormsgpack writes before it refuses
_UNCOUNTED: Final = MOST_LEVELS - _ORMSGPACK - 1  # levels that fit below these and one extension type

_SMALL_DATA: Final = 2048
# All bytes but those with which a list, a dict or an extension type begins.
_NO_HEADER: Final = bytes(
    set(range(256)) - {*range(0x80, 0xA0), *range(0xC7, 0xCA), *range(0xD4, 0xD9), *range(0xDC, 0xE0)}
)

_OPTIONS: Final = (
    ormsgpack.OPT_PASSTHROUGH_BIG_INT
    | ormsgpack.OPT_PASSTHROUGH_DATACLASS
    | ormsgpack.OPT_PASSTHROUGH_DATETIME
    | ormsgpack.OPT_PASSTHROUGH_ENUM
    | ormsgpack.OPT_PASSTHROUGH_SUBCLASS
    | ormsgpack.OPT_PASSTHROUGH_TUPLE
    | ormsgpack.OPT_PASSTHROUGH_UUID
)

# What the msgpack libraries write or make on their own, without asking: none of it would come back as itself.
_FOREIGN: Final = frozenset(
    {bytearray, memoryview, ormsgpack.Ext, ormsgpack.Fragment, msgpack.ExtType, msgpack.Timestamp}
)
_SMALL: Final = frozenset({type(None), bool, int, float})
_SUSPECT: Final = frozenset({list, dict, tuple, set, frozenset, msgpack.Timestamp})

_DAMAGE: Final = (*UNREADABLE, BufferError, msgpack.UnpackException)

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
                if len(value) < _LARGE:
                    return _packb(value, _TOP_HOOK, _OPTIONS)
            elif kind is int:
                return _packb(value, _TOP_HOOK, _OPTIONS)
            elif kind is dict or kind is list:
                data = _packb(value, _TOP_HOOK, _OPTIONS)
                if _BIN8 in data or _BIN16 in data or _BIN32 in data:
                    _check(value)
                return data
            elif kind in _SMALL:
                return _packb(value, _TOP_HOOK, _OPTIONS)
        except TypeError as error:
            _arrived.pass_on(error)
        return self._dumps_slowly(value)

    def _dumps_slowly(self, value: Any) -> bytes:
        try:
            if type(value) is bytes and _LARGE <= len(value) < 1 << 32:
                # One copy instead of two.
                return b"".join((b"\xc6", len(value).to_bytes(4, "big"), value))
            if type(value) in _FOREIGN:
                _refuse(type(value))
            numpy = sys.modules.get("numpy")
            if numpy is not None and type(value) is numpy.ndarray:
                return dump_array(cast("Any", value), _FRAME)
            return _TOP.pack(value)
        except SpoonbillError:
            raise
        except UNSOUND as error:
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
                ext_hook=_TOP_VALUE,
                max_array_len=128,
                max_map_len=512,
            )
            if type(value) in _SUSPECT:
                if _TIMESTAMP in data:
                    _refuse_timestamps(data, value)
                if len(data) > MOST_LEVELS:
                    _refuse_deep(data, value)
            return value  # noqa: TRY300
        except SpoonbillError:
            raise
        except _DAMAGE:
            return _load_large(data)

    def __repr__(self) -> str:
        return "MsgpackCodec()"


_HOOK_FAILED: Final = "Type is not msgpack serializable"


class _Arrived(threading.local):
    """Keeps what came from outside in the middle of a call, such as a time limit: ormsgpack makes a TypeError of it."""

    error: BaseException | None = None
    refused: bool = False

    def note(self, error: BaseException) -> None:
        if isinstance(error, (SpoonbillError, *UNSOUND)):
            self.refused = True
        else:
            self.error = error

    def pass_on(self, shown: TypeError) -> None:
        error, refused = self.error, self.refused
        self.error, self.refused = None, False
        if error is not None:
            raise error
        if not refused and str(shown).startswith(_HOOK_FAILED):
            raise InterruptedError(
                "an exception arrived from outside, by a signal or another thread, while a value was encoded, and the "
                "encoder lost it: nothing was encoded"
            )


_arrived: Final = _Arrived()


class _Level:
    """The encoder and decoder for one level of extension types inside each other. Each knows the next.

    The levels are bounded, since damaged bytes could otherwise nest until the machine's stack overflows, which Python
    does not survive.
    """

    def __init__(self, deeper: "_Level | None", depth: int, maps: tuple[bool, Any]) -> None:
        self._deeper = deeper
        self._depth = depth
        self._on_heap = depth > _ON_STACK
        self._maps = maps  # whether keys must be text; what makes the dicts
        # Bound once: made anew for each value, they would cost as much as encoding a small one.
        self.extension_hook = self._counted_extension if depth == 0 else self._extension
        self._slow_extension_hook = self._slow_extension
        self.value_hook = self._value

    def pack(self, value: Any) -> bytes:
        if type(value) is str and len(value) >= _LARGE:
            return self.pack_slowly(value)  # for one long string it is the faster of the two
        try:
            data = ormsgpack.packb(value, self.extension_hook, _OPTIONS)
        except TypeError as error:
            # Keys other than str, lone surrogates, deep nesting; and it hides the error of a value that cannot be held.
            _arrived.pass_on(error)
            return self.pack_slowly(value)
        # It writes bytearrays as bytes. Only where something may have been written as bytes is it worth a look.
        if _BIN8 in data or _BIN16 in data or _BIN32 in data:
            _check(value)
        return data

    def pack_slowly(self, value: Any) -> bytes:
        _check(value)  # before: how deep it goes is how deep the stack grows
        return self._pack_checked(value)

    def _pack_checked(self, value: Any) -> bytes:
        hook = self._slow_extension_hook
        return cast("bytes", msgpack.packb(value, default=hook, strict_types=True, unicode_errors="surrogatepass"))

    def unpack(self, data: bytes) -> Any:
        # ormsgpack is faster here, but it takes bytes after the end for nothing and lists for keys.
        if self._on_heap:
            value = _unpack_on_heap(data, self.value_hook)
        else:
            value = _unpackb(
                data,
                strict_map_key=False,
                unicode_errors="surrogatepass",
                ext_hook=self.value_hook,
                max_array_len=128,
                max_map_len=512,
            )
        if type(value) in _SUSPECT and _TIMESTAMP in data:
            _refuse_timestamps(data, value)
        return value

    def _next(self) -> "_Level":
        if self._deeper is None:
            raise CodecError(
                f"the msgpack codec holds tuples, sets and other extension types in at most {_LEVELS} levels inside "
                "each other"
            )
        return self._deeper

    def _extension(self, value: Any) -> ormsgpack.Ext:
        try:
            if self._depth > 1 and is_deeper(value, _UNCOUNTED):
                _refuse_levels()  # the slow way, then, which counts first
            if type(value) is tuple:  # by far the most frequent
                return ormsgpack.Ext(TUPLE, self._next().pack([*value]))
            return ormsgpack.Ext(*to_extension(value, self._next().pack))
        except BaseException as error:
            _arrived.note(error)
            raise

    def _counted_extension(self, value: Any) -> ormsgpack.Ext:
        """Encode an outermost extension type. Each level takes a byte at least, so a short one is not deep."""
        try:
            if type(value) is tuple:
                data = self._next().pack([*value])
                if len(data) > _UNCOUNTED and is_deeper(value, _UNCOUNTED):
                    _refuse_levels()
                return ormsgpack.Ext(TUPLE, data)
            code, data = to_extension(value, self._next().pack)
            if len(data) > _UNCOUNTED and is_deeper(value, _UNCOUNTED):
                _refuse_levels()
            return ormsgpack.Ext(code, data)
        except BaseException as error:
            _arrived.note(error)
            raise

    def _slow_extension(self, value: Any) -> msgpack.ExtType:
        # Straight on the slow way: to try the fast one again at each level would double the work with each.
        return msgpack.ExtType(*to_extension(value, self._next()._pack_checked))  # noqa: SLF001 - one of its kind

    def _value(self, code: int, data: bytes) -> Any:
        if code == TUPLE:
            parts = self._next().unpack(data)
            if type(parts) is list:
                return tuple(parts)
        return from_extension(code, data, self._next().unpack)


class _LargeLevel(_Level):
    """Reads what may be large: first whether all parts are there that lists claim, since they take memory for them."""

    def unpack(self, data: bytes) -> Any:
        if len(data) > _SMALL_DATA:
            try:
                _skip(data)
            except msgpack.OutOfData as error:
                raise CodecError("the stored bytes are truncated, or lack parts that a list claims") from error
            value = _unpack_on_heap(data, self.value_hook, self._maps)
        elif self._on_heap:
            value = _unpack_on_heap(data, self.value_hook)
        else:
            value = _unpackb(data, strict_map_key=False, unicode_errors="surrogatepass", ext_hook=self.value_hook)
        if type(value) in _SUSPECT and _TIMESTAMP in data:
            _refuse_timestamps(data, value)
        return value


def _build_levels(kind: type[_Level], maps: tuple[bool, Any] = (False, None)) -> _Level:
    level: _Level | None = None
    for depth in range(_LEVELS, 0, -1):
        level = kind(level, depth, maps)
    return kind(level, 0, maps)


def _dict(pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
    if len(pairs) > MOST_COLLISIONS:
        _refuse_colliding([key for key, _ in pairs])
    return dict(pairs)


_TOP: Final = _build_levels(_Level)
_TOP_HOOK: Final = _TOP.extension_hook
_TOP_VALUE: Final = _TOP.value_hook
_TEXT_KEYS: Final = _build_levels(_LargeLevel, (True, None))
_ANY_KEYS: Final = _build_levels(_LargeLevel, (False, _dict))


def _load_large(data: bytes) -> Any:
    """Load what has lists or dicts of some length, or is damaged."""
    try:
        try:
            value = _TEXT_KEYS.unpack(data)
        except ValueError:  # a key that is no text, which may collide with others; or damage, which is then told
            value = _ANY_KEYS.unpack(data)
        _refuse_deep(data, value)
    except SpoonbillError:
        raise
    except _DAMAGE as error:
        raise CodecError(f"the stored bytes are not of the msgpack codec: {error or type(error).__name__}") from error
    return value


def _unpack_on_heap(data: bytes, hook: Any, maps: tuple[bool, Any] = (False, None)) -> Any:
    """Unpack with an object whose 40 kB of state are not on the stack, where ``unpackb`` has them."""
    strict, pairs_hook = maps
    size = max(len(data), 1)
    unpacker = msgpack.Unpacker(
        strict_map_key=strict,
        object_pairs_hook=pairs_hook,
        unicode_errors="surrogatepass",
        ext_hook=hook,
        max_buffer_size=size,
        read_size=min(size, 1024),
    )
    unpacker.feed(data)
    value = unpacker.unpack()
    if unpacker.tell() != len(data):
        raise CodecError("the stored bytes hold more than one value")
    return value


def _skip(data: bytes) -> None:
    unpacker = msgpack.Unpacker(max_buffer_size=len(data), read_size=1024)
    unpacker.feed(data)
    unpacker.skip()


def _refuse_deep(data: bytes, value: Any) -> None:
    headers = len(data.translate(None, _NO_HEADER))
    if headers > MOST_LEVELS and is_deeper(value, among=headers):
        _refuse_levels()


def _refuse_levels() -> NoReturn:
    raise CodecError(f"the msgpack codec holds no values that are nested in more than {MOST_LEVELS} levels")


def _load_frame(data: bytes) -> Any:
    if data[:2] == PICKLE_FRAME:
        raise CodecError(
            "it is a pickle, written with strict=False, which can run code when it is read: open the store with "
            "strict=False if you trust whoever wrote it"
        )
    if data[:2] != _FRAME:
        raise CodecError("the stored array is of a later version of the msgpack codec, or damaged")
    return load_array(data, 2)


def _refuse_timestamps(data: bytes, value: Any) -> None:
    # The one extension type that msgpack does not ask the hook about is its own timestamp.
    if b"\xd6\xff" in data or b"\xd7\xff" in data or b"\xc7\x0c\xff" in data:
        _check(value)


def _check(value: Any) -> None:
    """Refuse what the libraries handle on their own, what is nested too deeply, and dicts whose keys collide."""
    if type(value) in _FOREIGN:
        _refuse(type(value))
    for depth, (containers, kinds) in enumerate(levels(value, MOST_LEVELS + 1)):
        if depth == MOST_LEVELS:
            _refuse_levels()
        if not kinds.isdisjoint(_FOREIGN):
            _refuse((kinds & _FOREIGN).pop())
        for container in containers:
            if len(container) > MOST_COLLISIONS and type(container) is dict:
                _refuse_colliding(container)


def _refuse_colliding(keys: Collection[Any]) -> None:
    if collides(keys):
        raise CodecError(f"the msgpack codec holds at most {MOST_COLLISIONS} keys of a dict whose hash is the same")


def _refuse(kind: type) -> None:
    remedy = "give bytes(value)" if kind in {bytearray, memoryview} else "give a plain value"
    raise CodecError(
        f"the msgpack codec cannot hold a value of type {qualified(kind)}: {remedy}, "
        "or open the store with strict=False"
    )
