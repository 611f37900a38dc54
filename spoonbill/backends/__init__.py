"""Backends: engines as four verbs or more, ``str`` keys and ``bytes`` values. Each is imported when it is asked for."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spoonbill.backends.cosmosdb_backend import CosmosDB as CosmosDB
    from spoonbill.backends.dbm_backend import Dbm as Dbm
    from spoonbill.backends.dynamodb_backend import DynamoDB as DynamoDB
    from spoonbill.backends.filesystem import Filesystem as Filesystem
    from spoonbill.backends.firestore_backend import Firestore as Firestore
    from spoonbill.backends.lending_lmdb import LendingLmdb as LendingLmdb
    from spoonbill.backends.lmdb_backend import Lmdb as Lmdb
    from spoonbill.backends.memory import Memory as Memory
    from spoonbill.backends.modal_backend import Modal as Modal
    from spoonbill.backends.mongodb_backend import MongoDB as MongoDB
    from spoonbill.backends.pysos_backend import Pysos as Pysos
    from spoonbill.backends.redis_backend import Redis as Redis
    from spoonbill.backends.safetensors_file import SafetensorsFile as SafetensorsFile
    from spoonbill.backends.safetensors_shards import SafetensorsShards as SafetensorsShards

_HOMES = {
    "CosmosDB": "cosmosdb_backend",
    "Dbm": "dbm_backend",
    "DynamoDB": "dynamodb_backend",
    "Filesystem": "filesystem",
    "Firestore": "firestore_backend",
    "LendingLmdb": "lending_lmdb",
    "Lmdb": "lmdb_backend",
    "Memory": "memory",
    "Modal": "modal_backend",
    "MongoDB": "mongodb_backend",
    "Pysos": "pysos_backend",
    "Redis": "redis_backend",
    "SafetensorsFile": "safetensors_file",
    "SafetensorsShards": "safetensors_shards",
}

__all__ = [
    "CosmosDB",
    "Dbm",
    "DynamoDB",
    "Filesystem",
    "Firestore",
    "LendingLmdb",
    "Lmdb",
    "Memory",
    "Modal",
    "MongoDB",
    "Pysos",
    "Redis",
    "SafetensorsFile",
    "SafetensorsShards",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
