"""Backends: engines as four verbs or more, ``str`` keys and ``bytes`` values. Each is imported when it is asked for."""

from typing import TYPE_CHECKING, Any

from spoonbill.common.plugins import all_engines, find_class
from spoonbill.registry import ENGINES, homes

if TYPE_CHECKING:
    from spoonbill.backends.cosmosdb.backend import CosmosDB as CosmosDB
    from spoonbill.backends.dbm import Dbm as Dbm
    from spoonbill.backends.dynamodb.backend import DynamoDB as DynamoDB
    from spoonbill.backends.filesystem.backend import Filesystem as Filesystem
    from spoonbill.backends.firestore.backend import Firestore as Firestore
    from spoonbill.backends.lmdb.backend import Lmdb as Lmdb
    from spoonbill.backends.lmdb.zero_copy import ZeroCopyLmdb as ZeroCopyLmdb
    from spoonbill.backends.memory import Memory as Memory
    from spoonbill.backends.modal.backend import Modal as Modal
    from spoonbill.backends.mongodb.backend import MongoDB as MongoDB
    from spoonbill.backends.postgresql.backend import Postgres as Postgres
    from spoonbill.backends.pysos.backend import Pysos as Pysos
    from spoonbill.backends.redis.backend import Redis as Redis
    from spoonbill.backends.rocksdb.backend import RocksDB as RocksDB
    from spoonbill.backends.safetensors.file import SafetensorsFile as SafetensorsFile
    from spoonbill.backends.safetensors.shards import SafetensorsShards as SafetensorsShards
    from spoonbill.backends.sqlite.backend import SQLite as SQLite

_HOMES = homes(backend for row in ENGINES for backend in row.backends)

__all__ = [
    "CosmosDB",
    "Dbm",
    "DynamoDB",
    "Filesystem",
    "Firestore",
    "Lmdb",
    "Memory",
    "Modal",
    "MongoDB",
    "Postgres",
    "Pysos",
    "Redis",
    "RocksDB",
    "SQLite",
    "SafetensorsFile",
    "SafetensorsShards",
    "ZeroCopyLmdb",
]

if not TYPE_CHECKING:  # so that a type checker finds a wrong name

    def __getattr__(name: str) -> Any:
        return find_class(
            __name__, name, _HOMES, lambda: (backend for row in all_engines() for backend in row.backends)
        )
