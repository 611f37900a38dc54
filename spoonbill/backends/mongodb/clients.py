"""Clients of MongoDB, for threads and for event loops, and their end."""

from collections.abc import Mapping
from typing import Any, Final

from spoonbill.common.bridging.twin import Twin

__all__ = ["awaited_client", "blocking_client", "disconnect"]

_GOODBYE: Final = 1.0
"""Seconds that closing may look for the server."""


def blocking_client(uri: str, options: Mapping[str, Any]) -> Any:
    """Return a client that connects at its first call."""
    from pymongo import MongoClient

    return MongoClient(uri, connect=False, **options)


def awaited_client(uri: str, options: Mapping[str, Any]) -> Any:
    """Return the twin of a client whose calls wait inside a bridge."""
    from pymongo import AsyncMongoClient

    return Twin(AsyncMongoClient(uri, connect=False, **options), "pymongo.asynchronous")


def disconnect(collection: Any) -> None:
    """Close the client of a collection."""
    import pymongo

    # Closing ends sessions on the server, and would look half a minute for one that is gone.
    with pymongo.timeout(_GOODBYE):
        collection.database.client.close()
