"""The engines and the layers as data: what they are called, what installs their clients, where their classes live.

This module imports nothing of spoonbill, and nothing that it names: each class stands here as ``"module:Class"`` and is
imported when it is used. The lists of `spoonbill.datastores` and `spoonbill.backends`, the message of a missing client
and the documentation are read from it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["ENGINES", "LAYERS", "EngineRow", "LayerRow", "homes"]


@dataclass(frozen=True, slots=True)
class EngineRow:
    """One engine.

    Parameters
    ----------
    name : str
        What it is called, in lower case: ``"redis"``.
    stores, backends : tuple of str
        Its classes as ``"module:Class"``. The first ones are those that a URL of it opens.
    schemes : tuple of str, optional
        How such a URL begins, without ``://``.
    clients : tuple of str, optional
        The modules that the engine's files import, and that no other file of spoonbill may; the first one tells
        whether the client is installed.
    package : str, optional
        What people call the client: the name that installs it.
    extra : str, optional
        The extra of spoonbill-framework that installs it; nothing where the base install has it.

    Examples
    --------
    >>> ROW = EngineRow("notes", stores=("notes_store:NotesStore",), backends=("notes_store:Notes",))
    """

    name: str
    stores: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()
    schemes: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()
    package: str | None = None
    extra: str | None = None


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One layer.

    Parameters
    ----------
    name : str
        What it is called, in lower case with underscores: ``"metadata_index"``.
    layer : str
        Its class as ``"module:Class"``.
    option : str, optional
        The option in the query of a URL that puts this layer around the store.
    takes : str, optional
        What that option is: ``"flag"``, ``"text"``, ``"count"``, ``"number"`` or ``"secret"``. All but a flag are the
        second argument of the class.

    Examples
    --------
    >>> ROW = LayerRow("shouting", "shouting_layer:Shouting")
    """

    name: str
    layer: str
    option: str | None = None
    takes: str = "flag"


ENGINES = (
    EngineRow(
        "memory",
        stores=(
            "spoonbill.datastores.in_memory:InMemoryStore",
            "spoonbill.datastores.tensors.safetensors_in_memory:SafetensorsInMemoryStore",
        ),
        backends=("spoonbill.backends.memory:Memory",),
        schemes=("memory",),
    ),
    EngineRow(
        "lmdb",
        stores=(
            "spoonbill.datastores.lmdb:LmdbStore",
            "spoonbill.datastores.tensors.safetensors_lmdb:SafetensorsLmdbStore",
        ),
        backends=("spoonbill.backends.lmdb.backend:Lmdb", "spoonbill.backends.lmdb.zero_copy:ZeroCopyLmdb"),
        schemes=("lmdb",),
        clients=("lmdb", "lmdbm"),
        package="lmdbm",
    ),
    EngineRow(
        "rocksdb",
        stores=("spoonbill.datastores.rocksdb:RocksDBStore",),
        backends=("spoonbill.backends.rocksdb.backend:RocksDB",),
        schemes=("rocksdb",),
        clients=("rocksdict",),
        package="rocksdict",
        extra="rocksdb",
    ),
    EngineRow(
        "sqlite",
        stores=("spoonbill.datastores.sqlite:SQLiteStore",),
        backends=("spoonbill.backends.sqlite.backend:SQLite",),
        schemes=("sqlite",),
    ),
    EngineRow(
        "postgresql",
        stores=("spoonbill.datastores.postgresql:PostgresStore",),
        backends=("spoonbill.backends.postgresql.backend:Postgres",),
        schemes=("postgresql", "postgres"),
        clients=("psycopg", "psycopg_pool"),
        package="psycopg",
        extra="postgresql",
    ),
    EngineRow(
        "filesystem",
        stores=("spoonbill.datastores.filesystem:FilesystemStore",),
        backends=("spoonbill.backends.filesystem.backend:Filesystem",),
        schemes=("file", "s3", "gs", "az", "ftp", "http", "https"),
        package="fsspec",
    ),
    EngineRow(
        "shelve",
        stores=("spoonbill.datastores.shelve:ShelveStore",),
        backends=("spoonbill.backends.dbm:Dbm",),
        schemes=("shelve",),
    ),
    EngineRow(
        "pysos",
        stores=("spoonbill.datastores.pysos:PysosStore",),
        backends=("spoonbill.backends.pysos.backend:Pysos",),
        schemes=("pysos",),
        clients=("pysos",),
        package="pysos",
        extra="pysos",
    ),
    EngineRow(
        "safetensors",
        stores=("spoonbill.datastores.tensors.safetensors_file:SafetensorsStore",),
        backends=(
            "spoonbill.backends.safetensors.file:SafetensorsFile",
            "spoonbill.backends.safetensors.shards:SafetensorsShards",
        ),
        schemes=("safetensors",),
        package="safetensors",
        extra="safetensors",
    ),
    EngineRow(
        "redis",
        stores=("spoonbill.datastores.redis:RedisStore",),
        backends=("spoonbill.backends.redis.backend:Redis",),
        schemes=("redis", "rediss", "unix", "valkey", "valkeys", "redis+sentinel"),
        clients=("redis",),
        package="redis",
        extra="redis",
    ),
    EngineRow(
        "mongodb",
        stores=("spoonbill.datastores.mongodb:MongoDBStore",),
        backends=("spoonbill.backends.mongodb.backend:MongoDB",),
        schemes=("mongodb", "mongodb+srv"),
        clients=("pymongo", "bson"),
        package="pymongo",
        extra="mongodb",
    ),
    EngineRow(
        "dynamodb",
        stores=("spoonbill.datastores.dynamodb:DynamoDBStore",),
        backends=("spoonbill.backends.dynamodb.backend:DynamoDB",),
        schemes=("dynamodb",),
        clients=("boto3", "botocore"),
        package="boto3",
        extra="dynamodb",
    ),
    EngineRow(
        "firestore",
        stores=("spoonbill.datastores.firestore:Firestore",),
        backends=("spoonbill.backends.firestore.backend:Firestore",),
        schemes=("firestore",),
        clients=("google.cloud.firestore", "google.cloud.firestore_v1", "google.api_core", "google.protobuf", "grpc"),
        package="google-cloud-firestore",
        extra="firestore",
    ),
    EngineRow(
        "cosmosdb",
        stores=("spoonbill.datastores.cosmosdb:CosmosDBStore",),
        backends=("spoonbill.backends.cosmosdb.backend:CosmosDB",),
        schemes=("cosmosdb",),
        clients=("azure.cosmos", "azure.core"),
        package="azure-cosmos",
        extra="cosmosdb",
    ),
    EngineRow(
        "modal",
        stores=("spoonbill.datastores.modal:ModalStore",),
        backends=("spoonbill.backends.modal.backend:Modal",),
        schemes=("modal",),
        clients=("modal",),
        package="modal",
        extra="modal",
    ),
)

LAYERS = (
    LayerRow("any_key", "spoonbill.layers.any_key:AnyKey"),
    LayerRow("cached", "spoonbill.layers.cached:Cached", "cache", "count"),
    LayerRow("chunked", "spoonbill.layers.chunked.layer:Chunked"),
    LayerRow("codec", "spoonbill.layers.codec:Codec", "codec", "text"),
    LayerRow("compressed", "spoonbill.layers.compressed:Compressed", "compress", "text"),
    LayerRow("defaulting", "spoonbill.layers.defaulting:Defaulting"),
    LayerRow("encrypted", "spoonbill.layers.encrypted:Encrypted", "encrypt", "secret"),
    LayerRow("expiring", "spoonbill.layers.expiring:Expiring", "ttl", "number"),
    LayerRow("fallback", "spoonbill.layers.fallback:Fallback"),
    LayerRow("frozen", "spoonbill.layers.frozen:Frozen", "frozen", "flag"),
    LayerRow("hashed_keys", "spoonbill.layers.hashed_keys:HashedKeys", "hashed_keys", "flag"),
    LayerRow("limited", "spoonbill.layers.limited.layer:Limited"),
    LayerRow("logged", "spoonbill.layers.logged:Logged", "logged", "flag"),
    LayerRow("metadata_index", "spoonbill.layers.metadata_index.layer:MetadataIndex"),
    LayerRow("metered", "spoonbill.layers.metered:Metered", "metered", "flag"),
    LayerRow("mirrored", "spoonbill.layers.mirrored:Mirrored"),
    LayerRow("prefixed", "spoonbill.layers.prefixed:Prefixed", "prefix", "text"),
    LayerRow("retrying", "spoonbill.layers.retrying:Retrying", "retry", "flag"),
    LayerRow("routed", "spoonbill.layers.routed:Routed"),
    LayerRow("safetensors_codec", "spoonbill.layers.tensors.safetensors_codec:SafetensorsCodec"),
    LayerRow("safetensors_export", "spoonbill.layers.tensors.safetensors_export:SafetensorsExport"),
    LayerRow("search", "spoonbill.layers.search:Search", "dialect", "text"),
    LayerRow("sharded", "spoonbill.layers.sharded:Sharded"),
    LayerRow("signed", "spoonbill.layers.signed:Signed", "sign", "secret"),
    LayerRow("strict_string", "spoonbill.layers.strict_string:StrictString"),
    LayerRow("tagged", "spoonbill.layers.tagged:Tagged"),
    LayerRow("tiered", "spoonbill.layers.tiered:Tiered"),
    LayerRow("typed", "spoonbill.layers.typed.layer:Typed"),
    LayerRow("write_once", "spoonbill.layers.write_once:WriteOnce", "write_once", "flag"),
)


def homes(classes: Iterable[str]) -> dict[str, str]:
    """Return where classes live by their names: ``"module:Class"`` becomes ``{"Class": "module:Class"}``."""
    return {where.rpartition(":")[2]: where for where in classes}
