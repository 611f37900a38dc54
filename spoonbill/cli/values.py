"""Values on a terminal: JSON where that holds them, else a readable text."""

import base64
import json
import sys
from pathlib import Path
from typing import Any, Final

import click

__all__ = ["read_value", "shown", "to_json"]

_LONGEST: Final = 2000
_NUMBERS: Final = 6


def read_value(text: str, *, raw: bool) -> Any:
    """Return the value that an argument says: JSON, ``@file``, or ``-`` for the standard input; bytes with `raw`."""
    if text == "-":
        data = sys.stdin.buffer.read()
    elif text.startswith("@"):
        data = Path(text[1:]).read_bytes()
    else:
        data = text.encode()
    if raw:
        return data
    try:
        return json.loads(data)
    except ValueError as error:
        raise click.BadParameter(
            f"the value is no JSON ({error}): write a string as '\"text\"', or use --raw", param_hint="VALUE"
        ) from None


def to_json(value: Any) -> Any:
    """Return a value as JSON can hold it; what it cannot is told by a small object."""
    if isinstance(value, (str, int, float, bool, type(None))):
        return value
    if isinstance(value, dict):
        return {key if isinstance(key, str) else repr(key): to_json(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [to_json(one) for one in value]
    return _told(value)


def _told(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        return {"dtype": str(value.dtype), "shape": list(value.shape), "values": _numbers(value)}
    return value.isoformat() if hasattr(value, "isoformat") else repr(value)


def _numbers(tensor: Any) -> list[Any]:
    flat = tensor.reshape(-1)[:_NUMBERS]
    return [one.item() if hasattr(one, "item") else one for one in flat]


def shown(value: Any) -> str:
    """Return a value as one readable text."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bytes):
        try:
            text = value.decode()
        except UnicodeDecodeError:
            return f"{len(value):,} bytes: {value[:32].hex(' ')}{' ...' if len(value) > 32 else ''}"
        return text if text.isprintable() else repr(value[:_LONGEST])
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        numbers = ", ".join(f"{one:.4g}" if isinstance(one, float) else str(one) for one in _numbers(value))
        return f"{value.dtype}{list(value.shape)}: {numbers}{', ...' if value.size > _NUMBERS else ''}"
    if hasattr(value, "columns") and hasattr(value, "shape"):  # a frame, or a table of Arrow
        return f"{type(value).__name__} of {' by '.join(map(str, value.shape))}\n{value}"
    return json.dumps(to_json(value), ensure_ascii=False)
