"""Any hashable key as a string and back: the names under which engines know their entries.

Engines see ``str`` keys only, and a key never goes through pickle (unless ``strict=False`` asks for it). A string is
its own name, so that a database stays readable by other tools; every other kind begins with :data:`MARKER`.

=============================================  ==================================================================
key                                            stored as
=============================================  ==================================================================
``str``                                        itself; ``!s`` + itself where it begins with ``!``;
                                               ``!w`` + hex where it has a lone surrogate
``bool``, ``int``, whole ``float``/``Decimal`` ``!i`` + decimal digits (at most 309)
other ``float``, and a ``Decimal`` equal to it ``!f`` + ``repr`` (``!finf``, ``!f-inf``)
other ``Decimal``                              ``!d`` + its shortest spelling
``None``                                       ``!n``
``bytes``, ``UUID``                            ``!b`` + hex, ``!U`` + hex
``date``, naive ``datetime``                   ``!D`` + ISO 8601, ``!T`` + ISO 8601
aware ``datetime``                             ``!Z`` + ISO 8601 in UTC
``tuple``, ``frozenset``                       ``!t``, ``!S`` + parts, each as ``length:text`` (frozenset sorted)
registered ``Enum``                            ``!e`` + name and member, as parts
anything else, only with ``strict=False``      ``!p`` + hex of its pickle
=============================================  ==================================================================

Two keys have the same name exactly where Python holds them equal (``1 == 1.0 == True``), and the plain one of them
comes back: ``1`` for ``True``, a ``tuple`` for a named tuple.
"""

import enum
import io
import math
import numbers
import operator
import pickle
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from spoonbill.common.enums import enum_member, enum_name, qualified, register_enum
from spoonbill.common.failures import UNPICKLABLE, UNREADABLE, pass_on_signal
from spoonbill.common.nesting import MOST_COLLISIONS, MOST_LEVELS, collides
from spoonbill.errors import InvalidKeyError, KeyDecodeError

__all__ = ["MARKER", "decode_key", "encode_key", "register_enum"]

MARKER: Final = "!"
"""What every stored key begins with that is not a plain string."""

_LIMIT: Final = 10**309  # every whole float is below; beyond, Python itself refuses to print ints at some length
_DIGITS: Final = 309


def encode_key(key: Any, *, strict: bool = True) -> str:
    """Return the string under which a key is stored.

    Parameters
    ----------
    key : object
        A key of the table in this module's docstring, or a subclass of one that is equal to it (a named tuple, an
        ``IntEnum``, ``numpy.int64``).
    strict : bool, default True
        With ``False`` any other key is stored as its pickle, where that pickle survives a round trip unchanged and
        what comes back is equal. What has no equality beyond this, an object that pickles to other bytes in another
        process (a set of strings inside it), is the caller's own risk.

    Returns
    -------
    str
        Equal for equal keys and only for those, without lone surrogates.

    Raises
    ------
    InvalidKeyError
        The key is of no such kind, is NaN, is a number of more than 309 digits, is nested in more than 500 levels, or
        is a time whose offset depends on ``fold`` (Python holds it equal to no other time).
    """
    if type(key) is str and key[:1] != MARKER and (key.isascii() or _is_sound(key)):
        return key
    return _encode(key, strict)


def decode_key(text: str, *, strict: bool = True) -> Any:
    """Return the key that :func:`encode_key` stored under a string.

    Parameters
    ----------
    text : str
        The stored key.
    strict : bool, default True
        With ``True`` nothing is ever unpickled; a key that was stored as a pickle is refused.

    Returns
    -------
    object
        A key equal to the one that was encoded.

    Raises
    ------
    KeyDecodeError
        ``encode_key`` would not have written this string. Its ``raw`` is the string.
    """
    if type(text) is str and text[:1] != MARKER and (text.isascii() or _is_sound(text)):
        return text
    try:
        key = _decode(text, strict)
        canonical = encode_key(key, strict=strict)
    except UNREADABLE as error:
        pass_on_signal(error)
        raise KeyDecodeError(f"the stored key {text!r} cannot be read: {error}", text) from error
    if canonical != text:
        raise KeyDecodeError(
            f"the stored key {text!r} is not of this key scheme (it would write {canonical!r}); "
            'another program wrote it: read such a database with keys="text"',
            text,
        )
    return key


def _is_sound(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _encode(key: Any, strict: bool) -> str:
    """Encode a key by its exact type, else as the base type that it is equal to."""
    encoder = _ENCODERS.get(type(key))
    if encoder is not None:
        return encoder(key)
    base = _base(key)
    if base is not None:
        return _encode_parts(key, strict) if base in _CONTAINERS else _ENCODERS[base](key)
    if isinstance(key, enum.Enum):
        return _encode_enum(key)
    if (number := _as_number(key)) is not None:
        return _ENCODERS[type(number)](number)
    if not strict:
        return _encode_pickled(key)
    if isinstance(key, type) and key.__module__.partition(".")[0] == "cachetools":
        raise InvalidKeyError(
            "cachetools.cached marks the arguments that have names by a class, which cannot be stored: decorate with "
            "spoonbill.memoize(store), or give cached() a key= that returns a str"
        )
    raise InvalidKeyError(
        f"a key of type {qualified(type(key))} cannot be stored: use str, int, float, Decimal, bytes, None, UUID, "
        "date, datetime, a registered Enum, or a tuple or frozenset of these; strict=False also takes other keys that "
        "pickle faithfully"
    )


def _base(key: Any) -> type | None:
    """Return the type of the table that a key is of, or is equal to as a subclass of it."""
    if type(key) in _CONTAINERS:
        return type(key)
    for base in _BASES:
        if isinstance(key, base) and _equals_like(type(key), base):
            return base
    return None


def _equals_like(cls: type, base: type) -> bool:
    """Return whether a subclass kept its base's equality: only then is the base's name its own."""
    if cls.__module__ == "numpy":
        return True  # its str_, bytes_ and float64 bring their own ==, which agrees with the base's
    return cls.__eq__ is base.__eq__ and cls.__hash__ is base.__hash__


def _as_number(key: Any) -> int | float | None:
    """Return the int or float that a number of another type is equal to, as numpy's scalars are."""
    number: int | float
    if isinstance(key, numbers.Integral):
        number = operator.index(key)
    elif type(key).__module__ == "numpy" and type(key).__name__ in {"bool", "bool_"}:
        number = int(bool(key))
    elif isinstance(key, numbers.Real) and not isinstance(key, numbers.Rational):
        number = float(key)
    else:
        return None
    _refuse_nan(number)
    return number if key == number and hash(key) == hash(number) else None


def _encode_str(key: str) -> str:
    key = str.__str__(key)
    if not _is_sound(key):
        return "!w" + key.encode("utf-8", "surrogatepass").hex()
    return "!s" + key if key[:1] == MARKER else key


def _encode_int(key: int) -> str:
    if not -_LIMIT < key < _LIMIT:
        raise InvalidKeyError(f"an int key of more than {_DIGITS} digits cannot be stored: use its str() as the key")
    return "!i" + int.__repr__(key)


def _encode_float(key: float) -> str:
    key = float.__float__(key)
    _refuse_nan(key)
    return _encode_int(int(key)) if key.is_integer() else f"!f{key!r}"


def _refuse_nan(number: float) -> None:
    if number != number:  # noqa: PLR0124  # the one test for NaN that takes ints of any size
        raise InvalidKeyError("NaN cannot be a key: it is equal to nothing, so it could never be found again")


def _encode_decimal(key: Decimal) -> str:
    if key.is_nan():
        raise InvalidKeyError("NaN cannot be a key: it is equal to nothing, so it could never be found again")
    if key.is_infinite():
        return _encode_float(-math.inf if key.is_signed() else math.inf)
    sign, digits, exponent = key.as_tuple()
    # Decimal.normalize would round to the context's precision, and two keys would become one.
    text = "".join(map(str, digits)).strip("0")
    trailing = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    power = int(exponent) + trailing
    if not text:
        return "!i0"
    if power >= 0:
        if len(text) + power > _DIGITS:
            raise InvalidKeyError(f"a key of more than {_DIGITS} digits cannot be stored: use its str() as the key")
        return "!i" + "-" * sign + text + "0" * power
    nearest = float(key)
    # The constructor would raise where the caller's decimal context traps FloatOperation.
    if Decimal.from_float(nearest) == key:  # noqa: FURB164
        return _encode_float(nearest)
    return f"!d{Decimal((sign, tuple(map(int, text)), power))}"


def _encode_date(key: date) -> str:
    return "!D" + date.isoformat(key)


def _encode_datetime(key: datetime) -> str:
    offset = key.utcoffset()
    if offset is None:
        return "!T" + datetime.isoformat(key.replace(tzinfo=None))
    if key.replace(fold=1 - key.fold).utcoffset() != offset:
        raise InvalidKeyError(
            f"the time {key!r} cannot be a key: its offset depends on fold, so Python holds it equal to no other time; "
            "use key.astimezone(datetime.UTC)"
        )
    try:
        instant = key.replace(tzinfo=None, fold=0) - offset
    except OverflowError as error:
        raise InvalidKeyError(
            f"the time {key!r} cannot be a key: it is outside of the years 1 to 9999 in UTC"
        ) from error
    return "!Z" + datetime.isoformat(instant.replace(tzinfo=UTC))


def _encode_enum(key: enum.Enum) -> str:
    try:
        return "!e" + _join(enum_name(key))
    except LookupError as error:
        raise InvalidKeyError(f"{key!r} cannot be a key: {error}") from error


def _encode_parts(key: Any, strict: bool) -> str:
    """Encode a tuple or frozenset, without recursion: how deep it is must not depend on the caller's stack."""
    levels: list[tuple[Any, Iterator[Any], list[str]]] = [(key, iter(key), [])]
    while True:
        container, rest, texts = levels[-1]
        for part in rest:
            if type(part) not in _ENCODERS and _base(part) in _CONTAINERS:
                if len(levels) == MOST_LEVELS:
                    raise InvalidKeyError(
                        f"a key of type {qualified(type(key))} is nested in more than {MOST_LEVELS} levels: it cannot "
                        "be stored"
                    )
                levels.append((part, iter(part), []))
                break
            texts.append(encode_key(part, strict=strict))
        else:
            if isinstance(container, frozenset) and collides(container):
                raise InvalidKeyError(
                    f"a frozenset of more than {MOST_COLLISIONS} parts whose hash is the same cannot be stored as a key"
                )
            text = "!S" + _join(sorted(texts)) if isinstance(container, frozenset) else "!t" + _join(texts)
            levels.pop()
            if not levels:
                return text
            levels[-1][2].append(text)


def _join(parts: Iterable[str]) -> str:
    return "".join(f"{len(part)}:{part}" for part in parts)


def _encode_pickled(key: Any) -> str:
    """Encode any other key as its pickle, where that is stable under a round trip."""
    name = qualified(type(key))
    if isinstance(key, numbers.Number | memoryview):
        # These may equal an int, float or bytes, whose name is another: one key would have two entries.
        raise InvalidKeyError(f"a key of type {name} cannot be stored: use int, float, Decimal or bytes")
    try:
        hash(key)
        data = _canonical_pickle(key)
        back = pickle.loads(data)
        stable = _canonical_pickle(back) == data and bool(back == key) and hash(back) == hash(key)
    except (*UNREADABLE, *UNPICKLABLE) as error:
        pass_on_signal(error)
        raise InvalidKeyError(f"a key of type {name} cannot be stored: {error}") from error
    if not stable:
        raise InvalidKeyError(
            f"a key of type {name} cannot be stored: its pickle does not come back as an equal key; give the class "
            "__eq__ and __hash__, or use a tuple of its fields"
        )
    return "!p" + data.hex()


def _canonical_pickle(key: Any) -> bytes:
    buffer = io.BytesIO()
    pickler = pickle.Pickler(buffer, 5)
    # Without the memo, equal keys pickle alike whether or not their parts are the same objects.
    pickler.fast = True
    pickler.dump(key)
    return buffer.getvalue()


def _decode(text: str, strict: bool) -> Any:
    """Decode a key that is no plain string, without recursion."""
    if text[:2] not in _CONTAINER_OF:
        return _decode_scalar(text, strict)
    levels: list[tuple[str, Iterator[str], list[Any]]] = [(text[:2], iter(_split(text[2:])), [])]
    while True:
        marker, rest, parts = levels[-1]
        for part in rest:
            if part[:2] in _CONTAINER_OF:
                if len(levels) == MOST_LEVELS:
                    raise ValueError(f"it is nested in more than {MOST_LEVELS} levels")
                levels.append((part[:2], iter(_split(part[2:])), []))
                break
            parts.append(part if part[:1] != MARKER else _decode_scalar(part, strict))
        else:
            if marker == "!S" and collides(parts):
                raise ValueError(f"it has more than {MOST_COLLISIONS} parts whose hash is the same")
            levels.pop()
            if not levels:
                return _CONTAINER_OF[marker](parts)
            levels[-1][2].append(_CONTAINER_OF[marker](parts))


def _decode_scalar(text: str, strict: bool) -> Any:
    marker, body = text[:2], text[2:]
    if marker == "!p":
        if strict:
            raise ValueError("it holds a pickle, which only strict=False reads")
        return pickle.loads(bytes.fromhex(body))
    if marker not in _DECODERS:
        raise ValueError(f"keys of this scheme do not begin so; keys that begin with {MARKER!r} are escaped")
    return _DECODERS[marker](body)


def _split(body: str) -> list[str]:
    parts: list[str] = []
    at = 0
    while at < len(body):
        colon = body.index(":", at)
        end = colon + 1 + int(body[at:colon])
        if not colon < end <= len(body):
            raise ValueError("a part has the wrong length")
        parts.append(body[colon + 1 : end])
        at = end
    return parts


def _decode_enum(body: str) -> enum.Enum:
    name, member = _split(body)
    return enum_member(name, member)


_CONTAINERS: Final = (tuple, frozenset)
_CONTAINER_OF: Final[dict[str, Callable[[list[Any]], Any]]] = {"!t": tuple, "!S": frozenset}

_ENCODERS: Final[dict[type, Callable[[Any], str]]] = {
    str: _encode_str,
    int: _encode_int,
    bool: _encode_int,
    float: _encode_float,
    Decimal: _encode_decimal,
    type(None): lambda _: "!n",
    bytes: lambda key: "!b" + bytes.hex(key),
    UUID: lambda key: "!U" + key.hex,
    datetime: _encode_datetime,
    date: _encode_date,
}

# datetime is a date that is never equal to one: it comes first.
_BASES: Final = (str, int, float, bytes, tuple, frozenset, Decimal, UUID, datetime, date)

_DECODERS: Final[dict[str, Callable[[str], Any]]] = {
    "!s": str,
    "!w": lambda body: bytes.fromhex(body).decode("utf-8", "surrogatepass"),
    "!i": int,
    "!f": float,
    "!d": Decimal,
    "!n": lambda _: None,
    "!b": bytes.fromhex,
    "!U": UUID,
    "!D": date.fromisoformat,
    "!T": datetime.fromisoformat,
    "!Z": datetime.fromisoformat,
    "!e": _decode_enum,
}
