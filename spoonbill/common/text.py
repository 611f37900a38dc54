"""Texts of messages."""

from typing import Any

from spoonbill.common.nesting import shown

__all__ = ["shortened"]


def shortened(key: Any, length: int = 80) -> str:
    """Return ``repr(key)``, cut where it is long: a message must not be drowned by its key."""
    text = shown(key)
    return text if len(text) <= length else f"{text[:length]}... ({len(text)} characters)"
