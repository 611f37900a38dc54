"""Named stores: one recipe a file, imported when it is asked for."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spoonbill.datastores.cosmosdb_store import CosmosDBStore as CosmosDBStore
    from spoonbill.datastores.dynamodb_store import DynamoDBStore as DynamoDBStore
    from spoonbill.datastores.filesystem_store import FilesystemStore as FilesystemStore
    from spoonbill.datastores.firestore_store import Firestore as Firestore
    from spoonbill.datastores.in_memory import InMemoryStore as InMemoryStore
    from spoonbill.datastores.lmdb_store import LmdbStore as LmdbStore
    from spoonbill.datastores.modal_store import ModalStore as ModalStore
    from spoonbill.datastores.mongodb_store import MongoDBStore as MongoDBStore
    from spoonbill.datastores.pysos_store import PysosStore as PysosStore
    from spoonbill.datastores.redis_store import RedisStore as RedisStore
    from spoonbill.datastores.safetensors_in_memory_store import SafetensorsInMemoryStore as SafetensorsInMemoryStore
    from spoonbill.datastores.safetensors_lmdb_store import SafetensorsLmdbStore as SafetensorsLmdbStore
    from spoonbill.datastores.safetensors_store import SafetensorsStore as SafetensorsStore
    from spoonbill.datastores.shelve_store import ShelveStore as ShelveStore

_HOMES = {
    "CosmosDBStore": "cosmosdb_store",
    "DynamoDBStore": "dynamodb_store",
    "FilesystemStore": "filesystem_store",
    "Firestore": "firestore_store",
    "InMemoryStore": "in_memory",
    "LmdbStore": "lmdb_store",
    "ModalStore": "modal_store",
    "MongoDBStore": "mongodb_store",
    "PysosStore": "pysos_store",
    "RedisStore": "redis_store",
    "SafetensorsInMemoryStore": "safetensors_in_memory_store",
    "SafetensorsLmdbStore": "safetensors_lmdb_store",
    "SafetensorsStore": "safetensors_store",
    "ShelveStore": "shelve_store",
}

__all__ = [
    "CosmosDBStore",
    "DynamoDBStore",
    "FilesystemStore",
    "Firestore",
    "InMemoryStore",
    "LmdbStore",
    "ModalStore",
    "MongoDBStore",
    "PysosStore",
    "RedisStore",
    "SafetensorsInMemoryStore",
    "SafetensorsLmdbStore",
    "SafetensorsStore",
    "ShelveStore",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
