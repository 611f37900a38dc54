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
import pickle
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from spoonbill.common.enums import qualified, register_enum
from spoonbill.common.failures import UNREADABLE, pass_on_signal
from spoonbill.common.nesting import MOST_COLLISIONS, MOST_LEVELS, collides
from spoonbill.errors import InvalidKeyError, KeyDecodeError
from spoonbill.keys.pickled import encode_pickled
from spoonbill.keys.scalars import DECODERS, ENCODERS, MARKER, as_number, encode_enum, is_sound, join, split

__all__ = ["MARKER", "decode_key", "encode_key", "register_enum"]


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
    if type(key) is str and key[:1] != MARKER and (key.isascii() or is_sound(key)):
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
    if type(text) is str and text[:1] != MARKER and (text.isascii() or is_sound(text)):
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


def _encode(key: Any, strict: bool) -> str:
    """Encode a key by its exact type, else as the base type that it is equal to."""
    encoder = ENCODERS.get(type(key))
    if encoder is not None:
        return encoder(key)
    base = _base(key)
    if base is not None:
        return _encode_parts(key, strict) if base in _CONTAINERS else ENCODERS[base](key)
    if isinstance(key, enum.Enum):
        return encode_enum(key)
    if (number := as_number(key)) is not None:
        return ENCODERS[type(number)](number)
    if not strict:
        return encode_pickled(key)
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


def _encode_parts(key: Any, strict: bool) -> str:
    """Encode a tuple or frozenset, without recursion: how deep it is must not depend on the caller's stack."""
    levels: list[tuple[Any, Iterator[Any], list[str]]] = [(key, iter(key), [])]
    while True:
        container, rest, texts = levels[-1]
        for part in rest:
            if type(part) not in ENCODERS and _base(part) in _CONTAINERS:
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
            text = "!S" + join(sorted(texts)) if isinstance(container, frozenset) else "!t" + join(texts)
            levels.pop()
            if not levels:
                return text
            levels[-1][2].append(text)


def _decode(text: str, strict: bool) -> Any:
    """Decode a key that is no plain string, without recursion."""
    if text[:2] not in _CONTAINER_OF:
        return _decode_scalar(text, strict)
    levels: list[tuple[str, Iterator[str], list[Any]]] = [(text[:2], iter(split(text[2:])), [])]
    while True:
        marker, rest, parts = levels[-1]
        for part in rest:
            if part[:2] in _CONTAINER_OF:
                if len(levels) == MOST_LEVELS:
                    raise ValueError(f"it is nested in more than {MOST_LEVELS} levels")
                levels.append((part[:2], iter(split(part[2:])), []))
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
    if marker not in DECODERS:
        raise ValueError(f"keys of this scheme do not begin so; keys that begin with {MARKER!r} are escaped")
    return DECODERS[marker](body)


_CONTAINERS: Final = (tuple, frozenset)
_CONTAINER_OF: Final[dict[str, Callable[[list[Any]], Any]]] = {"!t": tuple, "!S": frozenset}

# datetime is a date that is never equal to one: it comes first.
_BASES: Final = (str, int, float, bytes, tuple, frozenset, Decimal, UUID, datetime, date)
