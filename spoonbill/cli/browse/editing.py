"""What the page may change with ``--write``."""

import json
from collections.abc import Mapping
from typing import Any

from spoonbill.cli.browse.names import key_of
from spoonbill.errors import UnsupportedError
from spoonbill.store import Store

__all__ = ["Editing", "editable_of"]


def editable_of(value: Any) -> str | None:
    """Return the text under which a value can be edited: text itself, JSON where it gives the value back, else None."""
    if isinstance(value, str):
        return value
    try:
        text = json.dumps(value, indent=2, ensure_ascii=False)
        return text if repr(json.loads(text)) == repr(value) else None
    except (TypeError, ValueError, RecursionError):
        return None


class Editing:
    """Changes of a store, each a function of the object that a request sends.

    Parameters
    ----------
    store : Store
        What to change.
    """

    def __init__(self, store: Store[Any, Any]) -> None:
        self._store = store

    def set(self, asked: Mapping[str, str]) -> dict[str, Any]:
        """Set the value of a key, from JSON or, with ``text``, as it is."""
        key, given = key_of(asked), asked.get("value")
        if not isinstance(given, str):
            raise UnsupportedError("which value? give its JSON")
        try:
            value = given if asked.get("text") else json.loads(given)
        except ValueError as error:
            raise UnsupportedError(f"the value is no JSON: {error}") from error
        self._store.set(key, value)
        return {"set": True}

    def delete(self, asked: Mapping[str, str]) -> dict[str, Any]:
        """Remove a key."""
        return {"removed": self._store.delete(key_of(asked))}
