"""JSON as other programs read and write it, held to what comes back as it went in."""

import json
from typing import Any, Final, NoReturn

from spoonbill.common.advice import advice_for
from spoonbill.common.enums import qualified
from spoonbill.common.failures import pass_on_signal
from spoonbill.common.nesting import MOST_LEVELS, is_deeper
from spoonbill.errors import CodecError

__all__ = ["JsonCodec"]

_SCALARS: Final = frozenset({type(None), bool, int, float, str})
_STR: Final = frozenset({str})


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


# Built once: json.dumps and json.loads build a new one for each call with options.
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_DECODER: Final = json.JSONDecoder(parse_constant=_refuse_constant)


PICKLE_FIELD: Final = "spoonbill__pickle"
"""The field of a JSON object that holds a pickle, see :mod:`spoonbill.codecs.loose_json`."""
_MARKED: Final = b'{"spoonbill__pickle":'


class JsonCodec:
    """Holds None, bool, int, float, str, list, and dict with str keys, as compact UTF-8 JSON.

    Python's own encoder turns tuples into lists and int keys into strings, silently. This codec refuses what would not
    come back equal and of the same type.
    """

    name: str = "json"
    safe: bool = True

    def dumps(self, value: Any) -> bytes:
        """Return the value as JSON; ``CodecError`` where JSON would change it."""
        try:
            data = _ENCODER.encode(value).encode()
        except UnicodeEncodeError as error:
            raise CodecError(f"the json codec cannot hold a str with a lone surrogate ({error})") from error
        except RecursionError as error:
            raise CodecError(f"the json codec cannot hold this {qualified(type(value))}: {_TOO_DEEP}") from error
        except (TypeError, ValueError) as error:
            pass_on_signal(error)
            raise CodecError(
                f"the json codec cannot hold this {qualified(type(value))}: {error}; {_advice(value)}"
            ) from error
        if data[: len(_MARKED)] == _MARKED:
            raise CodecError(
                f"the json codec cannot hold a dict that begins with the field {PICKLE_FIELD!r}: it is ours"
            )
        # Checked after it was encoded: the encoder has then proven that the value contains no cycle.
        if type(value) not in _SCALARS:
            _check_faithful(value)
            if _is_deep(data, value):
                raise CodecError(f"the json codec cannot hold this {qualified(type(value))}: {_TOO_DEEP}")
        return data

    def loads(self, data: bytes) -> Any:
        """Return the value of JSON bytes; ``CodecError`` where they are not JSON (NaN and Infinity are not)."""
        if data[: len(_MARKED)] == _MARKED:
            raise CodecError(
                "it is a pickle, written with strict=False, which can run code when it is read: open the store with "
                "strict=False if you trust whoever wrote it"
            )
        try:
            value = _DECODER.decode(str(data, "utf-8"))
        except ValueError as error:
            pass_on_signal(error)
            raise CodecError(f"the stored bytes are not JSON: {error}") from error
        except RecursionError as error:
            raise CodecError(f"the stored JSON cannot be read: {_TOO_DEEP}") from error
        if _is_deep(data, value):
            raise CodecError(f"the stored JSON cannot be read: {_TOO_DEEP}")
        return value

    def __repr__(self) -> str:
        return "JsonCodec()"


_TYPED_MODULES: Final = frozenset({"builtins", "datetime", "decimal", "uuid", "numpy"})
_TOO_DEEP: Final = f"it is nested in more than {MOST_LEVELS} levels"
_REMEDY: Final = "the msgpack codec (the default) holds tuples, sets, bytes, NaN and keys of any type"


def _advice(value: Any) -> str:
    return _REMEDY if type(value).__module__ in _TYPED_MODULES else advice_for(value)


def _is_deep(data: bytes, value: Any) -> bool:
    if len(data) <= MOST_LEVELS:
        return False
    containers = data.count(b"[") + data.count(b"{")
    return containers > MOST_LEVELS and is_deeper(value, among=containers)


def _check_faithful(value: Any) -> None:
    nodes = [value]
    while nodes:
        node = nodes.pop()
        kind = type(node)
        if kind is dict:
            if not _STR.issuperset(map(type, node)):
                key = next(key for key in node if type(key) is not str)
                raise CodecError(f"the json codec cannot hold a key of type {qualified(type(key))}: {_REMEDY}")
            parts = node.values()
        elif kind is list:
            parts = node
        else:
            advice = _advice(node)
            raise CodecError(f"the json codec cannot hold a value of type {qualified(kind)}: {advice}")
        if not _SCALARS.issuperset(map(type, parts)):
            nodes.extend(part for part in parts if type(part) not in _SCALARS)
