"""Documents as JSON text."""

import json
from collections.abc import Callable
from typing import Any, Final

import ormsgpack

from spoonbill.backends.shared.documents.scheme import RESERVED

__all__ = ["decode_json", "encode_json", "plain_json"]

_EXACT: Final = (
    ormsgpack.OPT_PASSTHROUGH_DATACLASS
    | ormsgpack.OPT_PASSTHROUGH_DATETIME
    | ormsgpack.OPT_PASSTHROUGH_ENUM
    | ormsgpack.OPT_PASSTHROUGH_SUBCLASS
    | ormsgpack.OPT_PASSTHROUGH_TUPLE
    | ormsgpack.OPT_PASSTHROUGH_UUID
)
_FLOAT: Final = b"\xcb"
_UINT64: Final = b"\xcf"


def _encoder() -> Callable[[Any], str]:
    """Return what encodes a document, made once: ``JSONEncoder.encode`` makes its encoder in C anew for every call."""
    written = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:  # a Python without the encoder in C
        return written.encode
    encode = make(None, written.default, json.encoder.encode_basestring, None, ":", ",", False, False, False)
    join = "".join
    return lambda document: join(encode(document, 0))


encode_json: Callable[[Any], str] = _encoder()
"""Returns the JSON of a document that a `DocumentScheme` made: finite numbers, str names, no cycle."""


def plain_json(value: Any, *, levels: int, floats: bool = True) -> str | None:
    """Return the JSON of a dict that is a document as it is, or None where a `DocumentScheme` has to look at it.

    The types are checked by msgpack's encoder, in C: it takes no key but a str, no subclass and no lone surrogate.

    Parameters
    ----------
    value : object
        The value of an entry.
    levels : int
        The most lists and dicts that may be nested in each other.
    floats : bool, optional
        False where a float needs a look.
    """
    if type(value) is not dict:
        return None
    try:
        packed = ormsgpack.packb(value, None, _EXACT)
        # These bytes can also be a part of something else: then the value is looked at in vain.
        if _UINT64 in packed or (not floats and _FLOAT in packed):
            return None
        text = encode_json(value)
    except (TypeError, ValueError, RecursionError):
        return None
    if RESERVED in text or (len(text) > 2 * levels and text.count("[") + text.count("{") > levels):
        return None
    return text


def _decoder() -> Callable[[str], Any]:
    """Return what decodes JSON: the decoder in C itself, where no blanks stand around the value."""
    scan = getattr(json.JSONDecoder(), "scan_once", None)
    if scan is None:
        return json.loads

    def decode(text: str) -> Any:
        try:
            value, end = scan(text, 0)
        except StopIteration:
            return json.loads(text)
        return value if end == len(text) else json.loads(text)

    return decode


decode_json: Callable[[str], Any] = _decoder()
"""Returns the value of JSON text, as ``json.loads`` does, and raises what that raises."""
