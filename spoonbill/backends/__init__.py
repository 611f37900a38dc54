"""Backends: engines as four verbs or more, ``str`` keys and ``bytes`` values. Each is imported when it is asked for."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

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
    from spoonbill.backends.pysos import Pysos as Pysos
    from spoonbill.backends.redis.backend import Redis as Redis
    from spoonbill.backends.safetensors.file import SafetensorsFile as SafetensorsFile
    from spoonbill.backends.safetensors.shards import SafetensorsShards as SafetensorsShards

_HOMES = {
    "CosmosDB": "cosmosdb.backend",
    "Dbm": "dbm",
    "DynamoDB": "dynamodb.backend",
    "Filesystem": "filesystem.backend",
    "Firestore": "firestore.backend",
    "ZeroCopyLmdb": "lmdb.zero_copy",
    "Lmdb": "lmdb.backend",
    "Memory": "memory",
    "Modal": "modal.backend",
    "MongoDB": "mongodb.backend",
    "Pysos": "pysos",
    "Redis": "redis.backend",
    "SafetensorsFile": "safetensors.file",
    "SafetensorsShards": "safetensors.shards",
}

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
    "Pysos",
    "Redis",
    "SafetensorsFile",
    "SafetensorsShards",
    "ZeroCopyLmdb",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
