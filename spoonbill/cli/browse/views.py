"""A value as the page shows it: JSON, text, an image, a table or a tensor. Always data, never markup."""

import json
from typing import Any, Final

from spoonbill.cli.browse.tensors import is_tensor, tensor_view
from spoonbill.cli.browse.trees import tree_of

__all__ = ["IMAGES", "image_type", "size_of", "view_of"]

IMAGES: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
"""How files of images begin. None of these kinds can hold a script, as SVG can."""

_TEXT: Final = 200_000
_HEX: Final = 1024
_ROWS: Final = 200


def image_type(value: Any) -> str | None:
    """Return the media type of an image in bytes, None where it is none that the page shows."""
    if not isinstance(value, (bytes, bytearray)):
        return None
    if value[:4] == b"RIFF" and value[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for begin, kind in IMAGES if value.startswith(begin)), None)


def view_of(value: Any) -> dict[str, Any]:
    """Return the view of a value: ``kind`` says how to show it, the rest is what to show."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, (bytes, bytearray)):
        return _of_bytes(bytes(value))
    if is_tensor(value):
        return tensor_view(value)
    frame = _of_frame(value)
    if frame is not None:
        return frame
    if isinstance(value, list) and len(value) > 1 and all(isinstance(row, dict) for row in value):
        return _table(value[:_ROWS], len(value))
    return {"kind": "json", "tree": tree_of(value)}


def _text(value: str) -> dict[str, Any]:
    return {"kind": "text", "text": value[:_TEXT], "length": len(value)}


def _of_bytes(value: bytes) -> dict[str, Any]:
    kind = image_type(value)
    if kind is not None:
        return {"kind": "image", "type": kind, "length": len(value)}
    try:
        text = value.decode()
    except UnicodeDecodeError:
        pass
    else:
        if all(letter.isprintable() or letter in "\r\n\t" for letter in text):
            return _text(text) | {"bytes": True}
    lines = [
        f"{start:08x}  {value[start : start + 16].hex(' '):47}  {_letters(value[start : start + 16])}"
        for start in range(0, min(len(value), _HEX), 16)
    ]
    return {"kind": "hex", "text": "\n".join(lines), "length": len(value)}


def _letters(data: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 else "." for byte in data)


def _of_frame(value: Any) -> dict[str, Any] | None:
    """Return the view of a frame of pandas or polars, or a table of Arrow; None where it is none of these."""
    if hasattr(value, "to_pylist") and hasattr(value, "num_rows"):
        return _table(value.slice(0, _ROWS).to_pylist(), value.num_rows)
    if not (hasattr(value, "columns") and hasattr(value, "head")):
        return None
    head = value.head(_ROWS)
    rows = head.to_dicts() if hasattr(head, "to_dicts") else head.to_dict("records")
    return _table([{str(name): cell for name, cell in row.items()} for row in rows], len(value))


def _table(rows: list[dict[Any, Any]], count: int) -> dict[str, Any]:
    names = list(dict.fromkeys(str(name) for row in rows for name in row))
    named = [{str(name): cell for name, cell in row.items()} for row in rows]
    cells = [[tree_of(row[name]) if name in row else None for name in names] for row in named]
    return {"kind": "table", "columns": names, "rows": cells, "count": count}


def size_of(value: Any) -> int:
    """Return about how many bytes a value takes: those of bytes, text and tensors, else of its JSON."""
    if isinstance(value, (bytes, bytearray)):
        return len(value)
    if isinstance(value, str):
        return len(value.encode(errors="replace"))
    if hasattr(value, "nbytes"):
        return int(value.nbytes)
    return len(json.dumps(value, default=str, skipkeys=True))
