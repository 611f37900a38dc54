"""The engines' clients, imported when a store is opened."""

from importlib import import_module
from typing import Any

from spoonbill.errors import MissingExtraError

__all__ = ["client_module"]


def client_module(module: str, *, store: str, extra: str) -> Any:
    """Return a module of an engine's client.

    Raises
    ------
    MissingExtraError
        If it is not installed; the message says how to get it.
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise MissingExtraError(
            f"{store} needs the client {package}: pip install 'spoonbill-framework[{extra}]'"
        ) from error
