"""Ratios of the document stores against their engines' own clients, in one interleaved run against the tests' servers.

Each row times two plain functions in turn, spoonbill's and the client's doing the same work, and reports the ratio of
the medians of the rounds. Run it from the repository's root, with the engines or without for all of them:
``python benchmarks/documents.py firestore``. The results of the engines that ran are written to
benchmarks/documents.json. Another engine is one more function in `ENGINES`.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis_store import chunks, ratio
from timing import keep, results, show

sys.path.insert(0, str(Path(__file__).parents[1]))

from spoonbill.datastores import CosmosDBStore, DynamoDBStore, Firestore, MongoDBStore
from tests.servers import cosmosdb_server, dynamodb_server, firestore_server, mongodb_server
from tests.servers.moto_server import moto_server

VALUE = {"name": "Frankfurt", "elevation": 364, "tags": ["a", "b"], "place": {"lat": "50.03", "lon": "8.57"}}
KEYS = [f"key-{number:04}" for number in range(500)]
SINGLE = KEYS[:40]
SINGLE_GOAL = 1.15
BULK_GOAL = 1.2
RESULTS = Path(__file__).with_suffix(".json")


@dataclass
class Engine:
    """A store, and what the engine's own client does for it.

    Attributes
    ----------
    store : Store
        The store, empty.
    get, set : callable
        One document by the client.
    get_many, set_many : callable
        Many by the client's own bulk calls, from keys and from pairs.
    """

    store: Any
    get: Callable[[str], Any]
    set: Callable[[str, Any], Any]
    get_many: Callable[[list[str]], Any]
    set_many: Callable[[dict[str, Any]], Any]


@contextmanager
def mongodb() -> Iterator[Engine]:
    """MongoDBStore against pymongo."""
    import pymongo

    with mongodb_server.mongodb_server() as server:
        uri = f"mongodb://127.0.0.1:{server.port}/"
        with pymongo.MongoClient(uri) as client, MongoDBStore.open(uri, "bench", "ours") as store:
            raw = client["bench"]["theirs"]
            yield Engine(
                store,
                lambda key: raw.find_one({"_id": key}),
                lambda key, value: raw.replace_one({"_id": key}, value, upsert=True),
                lambda keys: {found.pop("_id"): found for found in raw.find({"_id": {"$in": keys}})},
                lambda pairs: raw.bulk_write(
                    [pymongo.ReplaceOne({"_id": key}, value, upsert=True) for key, value in pairs.items()],
                    ordered=False,
                ),
            )


@contextmanager
def dynamodb() -> Iterator[Engine]:
    """DynamoDBStore against the low-level client of boto3 with boto3's own serialiser."""
    from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
    from boto3.session import Session

    to_wire, from_wire = TypeSerializer().serialize, TypeDeserializer().deserialize

    def item(key: str, value: dict[str, Any]) -> dict[str, Any]:
        return {"key": {"S": key}, **{field: to_wire(part) for field, part in value.items()}}

    def fields(item: dict[str, Any]) -> dict[str, Any]:
        return {field: from_wire(part) for field, part in item.items()}

    def get_many(keys: list[str]) -> dict[str, Any]:
        found = {}
        for chunk in chunks(keys, 100):
            request = {"theirs": {"Keys": [{"key": {"S": key}} for key in chunk], "ConsistentRead": True}}
            for each in map(fields, client.batch_get_item(RequestItems=request)["Responses"]["theirs"]):
                found[each.pop("key")] = each
        return found

    def set_many(pairs: dict[str, Any]) -> None:
        for chunk in chunks(pairs.items(), 25):
            puts = [{"PutRequest": {"Item": item(key, value)}} for key, value in chunk]
            client.batch_write_item(RequestItems={"theirs": puts})

    with moto_server() as server:
        options = {"endpoint_url": f"http://127.0.0.1:{server.port}", **dynamodb_server.OPTIONS}
        client = Session().client("dynamodb", **options)
        with DynamoDBStore.open("theirs", **options) as other, DynamoDBStore.open("ours", **options) as store:
            other["made"] = 1
            yield Engine(
                store,
                lambda key: fields(
                    client.get_item(TableName="theirs", Key={"key": {"S": key}}, ConsistentRead=True)["Item"]
                ),
                lambda key, value: client.put_item(TableName="theirs", Item=item(key, value)),
                get_many,
                set_many,
            )


@contextmanager
def firestore() -> Iterator[Engine]:
    """Firestore against Google's client."""
    from google.cloud.firestore import Client

    def set_many(pairs: dict[str, Any]) -> None:
        for chunk in chunks(pairs.items(), 500):
            batch = client.batch()
            for key, value in chunk:
                batch.set(raw.document(key), value)
            batch.commit()

    with firestore_server.firestore_server() as server:
        os.environ[firestore_server.HOST] = f"127.0.0.1:{server.port}"
        client = Client(**firestore_server.OPTIONS)
        raw = client.collection("theirs")
        with Firestore.open("ours", **firestore_server.OPTIONS) as store:
            yield Engine(
                store,
                lambda key: raw.document(key).get().to_dict(),
                lambda key, value: raw.document(key).set(value),
                lambda keys: {each.id: each.to_dict() for each in client.get_all(map(raw.document, keys))},
                set_many,
            )


@contextmanager
def cosmosdb() -> Iterator[Engine]:
    """CosmosDBStore against Microsoft's client, where eight threads stand for the bulk write that it does not have."""
    from azure.cosmos import CosmosClient, PartitionKey

    def set_many(pairs: dict[str, Any]) -> None:
        list(pool.map(lambda pair: raw.upsert_item({**pair[1], "id": pair[0]}), pairs.items()))

    options = cosmosdb_server.OPTIONS
    with cosmosdb_server.cosmosdb_server() as server, ThreadPoolExecutor(8) as pool:
        address, key = cosmosdb_server.endpoint(server), cosmosdb_server.CREDENTIAL
        with (
            CosmosClient(address, credential=key, **options) as client,
            CosmosDBStore.open("bench", "ours", endpoint=address, credential=key, **options) as store,
        ):
            raw = client.create_database("theirs").create_container("theirs", PartitionKey("/id"))
            yield Engine(
                store,
                lambda key: raw.read_item(key, key),
                lambda key, value: raw.upsert_item({**value, "id": key}),
                lambda keys: {each["id"]: value_of(each) for each in raw.read_items([(key, key) for key in keys])},
                set_many,
            )


def value_of(item: dict[str, Any]) -> dict[str, Any]:
    """Return an item of Cosmos without what the service adds."""
    return {name: part for name, part in item.items() if name != "id" and name[:1] != "_"}


ENGINES: dict[str, Callable[[], AbstractContextManager[Engine]]] = {
    "mongodb": mongodb,
    "dynamodb": dynamodb,
    "firestore": firestore,
    "cosmosdb": cosmosdb,
}


def rows(engine: Engine, rounds: int = 31) -> dict[str, tuple[float, float]]:
    """Return the measured ratio and the goal of each row."""
    store, pairs = engine.store, dict.fromkeys(KEYS, VALUE)

    def each(work: Callable[..., Any], *value: Any) -> Callable[[], Any]:
        return lambda: [work(key, *value) for key in SINGLE]

    measured = {
        "set": (ratio(each(store.__setitem__, VALUE), each(engine.set, VALUE), rounds), SINGLE_GOAL),
        "get": (ratio(each(store.__getitem__), each(engine.get), rounds), SINGLE_GOAL),
        "bulk set": (ratio(lambda: store.update(pairs), lambda: engine.set_many(pairs), rounds), BULK_GOAL),
        "bulk get": (ratio(lambda: store.get_many(KEYS), lambda: engine.get_many(KEYS), rounds), BULK_GOAL),
    }
    assert dict(zip(KEYS, store.get_many(KEYS), strict=True)) == engine.get_many(KEYS) == pairs
    return measured


def main(names: list[str]) -> int:
    """Measure the engines of those names and write what came out beside what was measured of others before."""
    found = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name in names or ENGINES:
        with ENGINES[name]() as engine:
            measured = rows(engine)
        print(name)
        show(measured)
        found[name] = results(measured)
        keep(RESULTS, found)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
