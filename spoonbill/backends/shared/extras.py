"""The engines' clients, imported when a store is opened."""

from importlib import import_module
from typing import Any

from spoonbill.errors import MissingExtraError

__all__ = ["client_module"]


def client_module(module: str, *, store: str, extra: str, package: str | None = None) -> Any:
    """Return a module of an engine's client.

    Parameters
    ----------
    module : str
        Its full name.
    store, extra : str
        Who needs it, and what installs it.
    package : str, optional
        What people call the client, where that is not the beginning of the module's name.

    Raises
    ------
    MissingExtraError
        If it is not installed; the message says how to get it.
    """
    try:
        return import_module(module)
    except ImportError as error:
        client = package or module.partition(".")[0]
        raise MissingExtraError(
            f"{store} needs the client {client}: pip install 'spoonbill-framework[{extra}]'"
        ) from error
