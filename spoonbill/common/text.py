"""Texts of messages."""

from typing import Any

__all__ = ["shortened"]


def shortened(key: Any, length: int = 80) -> str:
    """Return ``repr(key)``, cut where it is long: a message must not be drowned by its key."""
    text = repr(key)
    return text if len(text) <= length else f"{text[:length]}... ({len(text)} characters)"
