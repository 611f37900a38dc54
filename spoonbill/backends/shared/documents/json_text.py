"""Documents as JSON text."""

import json
from collections.abc import Callable
from typing import Any

__all__ = ["encode_json"]


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
