"""Named stores: one recipe a file, imported when it is asked for."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spoonbill.datastores.cosmosdb import CosmosDBStore as CosmosDBStore
    from spoonbill.datastores.dynamodb import DynamoDBStore as DynamoDBStore
    from spoonbill.datastores.filesystem import FilesystemStore as FilesystemStore
    from spoonbill.datastores.firestore import Firestore as Firestore
    from spoonbill.datastores.in_memory import InMemoryStore as InMemoryStore
    from spoonbill.datastores.lmdb import LmdbStore as LmdbStore
    from spoonbill.datastores.modal import ModalStore as ModalStore
    from spoonbill.datastores.mongodb import MongoDBStore as MongoDBStore
    from spoonbill.datastores.pysos import PysosStore as PysosStore
    from spoonbill.datastores.redis import RedisStore as RedisStore
    from spoonbill.datastores.shelve import ShelveStore as ShelveStore
    from spoonbill.datastores.tensors.safetensors_file import SafetensorsStore as SafetensorsStore
    from spoonbill.datastores.tensors.safetensors_in_memory import SafetensorsInMemoryStore as SafetensorsInMemoryStore
    from spoonbill.datastores.tensors.safetensors_lmdb import SafetensorsLmdbStore as SafetensorsLmdbStore

_HOMES = {
    "CosmosDBStore": "cosmosdb",
    "DynamoDBStore": "dynamodb",
    "FilesystemStore": "filesystem",
    "Firestore": "firestore",
    "InMemoryStore": "in_memory",
    "LmdbStore": "lmdb",
    "ModalStore": "modal",
    "MongoDBStore": "mongodb",
    "PysosStore": "pysos",
    "RedisStore": "redis",
    "SafetensorsInMemoryStore": "tensors.safetensors_in_memory",
    "SafetensorsLmdbStore": "tensors.safetensors_lmdb",
    "SafetensorsStore": "tensors.safetensors_file",
    "ShelveStore": "shelve",
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
