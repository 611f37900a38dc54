"""Extension types inside each other, level by level, and what the msgpack codec refuses."""

import threading
from collections.abc import Collection
from typing import Any, Final, NoReturn, cast

import msgpack  # type: ignore[import-untyped]  # it ships no types
import ormsgpack

from spoonbill.codecs.extensions import TUPLE, from_extension, to_extension
from spoonbill.common.enums import qualified
from spoonbill.common.failures import UNREADABLE, UNSOUND, was_raised_by_signal
from spoonbill.common.nesting import MOST_COLLISIONS, MOST_LEVELS, collides, is_deeper, levels
from spoonbill.errors import CodecError, SpoonbillError

LARGE: Final = 1 << 16
# Looked for as numbers, which bytes find without a detour.
BIN8, BIN16, BIN32, TIMESTAMP = 0xC4, 0xC5, 0xC6, 0xFF

_LEVELS: Final = 50
_ON_STACK: Final = 2
_ORMSGPACK: Final = 255  # levels of lists and dicts that ormsgpack writes before it refuses
_UNCOUNTED: Final = MOST_LEVELS - _ORMSGPACK - 1  # levels that fit below these and one extension type

_SMALL_DATA: Final = 2048
# All bytes but those with which a list, a dict or an extension type begins.
_NO_HEADER: Final = bytes(
    set(range(256)) - {*range(0x80, 0xA0), *range(0xC7, 0xCA), *range(0xD4, 0xD9), *range(0xDC, 0xE0)}
)

OPTIONS: Final = (
    ormsgpack.OPT_PASSTHROUGH_BIG_INT
    | ormsgpack.OPT_PASSTHROUGH_DATACLASS
    | ormsgpack.OPT_PASSTHROUGH_DATETIME
    | ormsgpack.OPT_PASSTHROUGH_ENUM
    | ormsgpack.OPT_PASSTHROUGH_SUBCLASS
    | ormsgpack.OPT_PASSTHROUGH_TUPLE
    | ormsgpack.OPT_PASSTHROUGH_UUID
)

# What the msgpack libraries write or make on their own, without asking: none of it would come back as itself.
FOREIGN: Final = frozenset(
    {bytearray, memoryview, ormsgpack.Ext, ormsgpack.Fragment, msgpack.ExtType, msgpack.Timestamp}
)
SUSPECT: Final = frozenset({list, dict, tuple, set, frozenset, msgpack.Timestamp})

DAMAGE: Final = (*UNREADABLE, BufferError, msgpack.UnpackException)
_unpackb: Final = msgpack.unpackb


_HOOK_FAILED: Final = "Type is not msgpack serializable"


class _Arrived(threading.local):
    """Keeps what came from outside in the middle of a call, such as a time limit: ormsgpack makes a TypeError of it."""

    error: BaseException | None = None
    refused: bool = False

    def note(self, error: BaseException) -> None:
        if isinstance(error, (SpoonbillError, *UNSOUND)) and not was_raised_by_signal(error):
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


arrived: Final = _Arrived()


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
        if type(value) is str and len(value) >= LARGE:
            return self.pack_slowly(value)  # for one long string it is the faster of the two
        try:
            data = ormsgpack.packb(value, self.extension_hook, OPTIONS)
        except TypeError as error:
            # Keys other than str, lone surrogates, deep nesting; and it hides the error of a value that cannot be held.
            arrived.pass_on(error)
            return self.pack_slowly(value)
        # It writes bytearrays as bytes. Only where something may have been written as bytes is it worth a look.
        if BIN8 in data or BIN16 in data or BIN32 in data:
            check(value)
        return data

    def pack_slowly(self, value: Any) -> bytes:
        check(value)  # before: how deep it goes is how deep the stack grows
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
        if type(value) in SUSPECT and TIMESTAMP in data:
            refuse_timestamps(data, value)
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
            arrived.note(error)
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
            arrived.note(error)
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
        if type(value) in SUSPECT and TIMESTAMP in data:
            refuse_timestamps(data, value)
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


TOP: Final = _build_levels(_Level)
TOP_HOOK: Final = TOP.extension_hook
TOP_VALUE: Final = TOP.value_hook
TEXT_KEYS: Final = _build_levels(_LargeLevel, (True, None))
ANY_KEYS: Final = _build_levels(_LargeLevel, (False, _dict))


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


def refuse_deep(data: bytes, value: Any) -> None:
    """Refuse a loaded value that is nested too deeply; where its bytes have too few containers nothing is counted."""
    headers = len(data.translate(None, _NO_HEADER))
    if headers > MOST_LEVELS and is_deeper(value, among=headers):
        _refuse_levels()


def _refuse_levels() -> NoReturn:
    raise CodecError(f"the msgpack codec holds no values that are nested in more than {MOST_LEVELS} levels")


def refuse_timestamps(data: bytes, value: Any) -> None:
    """Refuse a loaded value with a timestamp of msgpack in it."""
    # The one extension type that msgpack does not ask the hook about is its own timestamp.
    if b"\xd6\xff" in data or b"\xd7\xff" in data or b"\xc7\x0c\xff" in data:
        check(value)


def check(value: Any) -> None:
    """Refuse what the libraries handle on their own, what is nested too deeply, and dicts whose keys collide."""
    if type(value) in FOREIGN:
        refuse(type(value))
    for depth, (containers, kinds) in enumerate(levels(value, MOST_LEVELS + 1)):
        if depth == MOST_LEVELS:
            _refuse_levels()
        if not kinds.isdisjoint(FOREIGN):
            refuse((kinds & FOREIGN).pop())
        for container in containers:
            if len(container) > MOST_COLLISIONS and type(container) is dict:
                _refuse_colliding(container)


def _refuse_colliding(keys: Collection[Any]) -> None:
    if collides(keys):
        raise CodecError(f"the msgpack codec holds at most {MOST_COLLISIONS} keys of a dict whose hash is the same")


def refuse(kind: type) -> None:
    """Raise the error of a value of a type that the codec does not hold."""
    remedy = "give bytes(value)" if kind in {bytearray, memoryview} else "give a plain value"
    raise CodecError(
        f"the msgpack codec cannot hold a value of type {qualified(kind)}: {remedy}, "
        "or open the store with strict=False"
    )
