"""Named stores: one recipe a file, imported when it is asked for. Installed packages add theirs."""

from typing import TYPE_CHECKING, Any

from spoonbill.common.plugins import all_engines, find_class
from spoonbill.registry import ENGINES, homes

if TYPE_CHECKING:
    from spoonbill.datastores.cosmosdb import CosmosDBStore as CosmosDBStore
    from spoonbill.datastores.dynamodb import DynamoDBStore as DynamoDBStore
    from spoonbill.datastores.filesystem import FilesystemStore as FilesystemStore
    from spoonbill.datastores.firestore import Firestore as Firestore
    from spoonbill.datastores.in_memory import InMemoryStore as InMemoryStore
    from spoonbill.datastores.lmdb import LmdbStore as LmdbStore
    from spoonbill.datastores.modal import ModalStore as ModalStore
    from spoonbill.datastores.mongodb import MongoDBStore as MongoDBStore
    from spoonbill.datastores.postgresql import PostgresStore as PostgresStore
    from spoonbill.datastores.pysos import PysosStore as PysosStore
    from spoonbill.datastores.redis import RedisStore as RedisStore
    from spoonbill.datastores.rocksdb import RocksDBStore as RocksDBStore
    from spoonbill.datastores.shelve import ShelveStore as ShelveStore
    from spoonbill.datastores.sqlite import SQLiteStore as SQLiteStore
    from spoonbill.datastores.tensors.safetensors_file import SafetensorsStore as SafetensorsStore
    from spoonbill.datastores.tensors.safetensors_in_memory import SafetensorsInMemoryStore as SafetensorsInMemoryStore
    from spoonbill.datastores.tensors.safetensors_lmdb import SafetensorsLmdbStore as SafetensorsLmdbStore

_HOMES = homes(store for row in ENGINES for store in row.stores)

__all__ = [
    "CosmosDBStore",
    "DynamoDBStore",
    "FilesystemStore",
    "Firestore",
    "InMemoryStore",
    "LmdbStore",
    "ModalStore",
    "MongoDBStore",
    "PostgresStore",
    "PysosStore",
    "RedisStore",
    "RocksDBStore",
    "SQLiteStore",
    "SafetensorsInMemoryStore",
    "SafetensorsLmdbStore",
    "SafetensorsStore",
    "ShelveStore",
]

if not TYPE_CHECKING:  # so that a type checker finds a wrong name

    def __getattr__(name: str) -> Any:
        return find_class(__name__, name, _HOMES, lambda: (store for row in all_engines() for store in row.stores))
