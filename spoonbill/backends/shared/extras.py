"""The engines' clients, imported when a store is opened."""

from importlib import import_module
from typing import Any

from spoonbill.errors import MissingExtraError
from spoonbill.registry import ENGINES

__all__ = ["client_module", "missing_client"]

_ROWS = {row.name: row for row in ENGINES}


def client_module(engine: str) -> Any:
    """Return the first module of an engine's client, as its row in `spoonbill.registry` names it.

    Raises
    ------
    MissingExtraError
        If it is not installed; the message says how to get it.
    """
    try:
        return import_module(_ROWS[engine].clients[0])
    except ImportError as error:
        raise missing_client(engine) from error


def missing_client(engine: str) -> MissingExtraError:
    """Return the error that says which store needs which client, and what installs it."""
    row = _ROWS[engine]
    store = row.stores[0].rpartition(":")[2]
    return MissingExtraError(f"{store} needs the client {row.package}: pip install 'spoonbill-framework[{row.extra}]'")
