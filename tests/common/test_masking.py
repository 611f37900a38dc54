"""Secrets: forty shapes of one, in every address and option of every engine, and none of them in any message."""

import logging
import pickle
import tempfile
import traceback
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from botocore.config import Config

import spoonbill
from spoonbill import Encrypted, Fallback, Logged, Signed
from spoonbill.common.masking import masked, secrets_in
from spoonbill.common.plugins import all_engines
from spoonbill.datastores import (
    CosmosDBStore,
    DynamoDBStore,
    FilesystemStore,
    Firestore,
    InMemoryStore,
    LmdbStore,
    ModalStore,
    MongoDBStore,
    PostgresStore,
    PysosStore,
    RedisStore,
    RocksDBStore,
    SafetensorsLmdbStore,
    SafetensorsStore,
    ShelveStore,
    SQLiteStore,
)
from spoonbill.errors import causes

MARKS = ("hushone", "hushtwo")
"""No message may hold these, which are in each secret."""

_SIGNS = " ?;#@/:&=%+,!$'\"\\()[]{}|<>~^`*"
SHAPES = [
    *(f"hushone{sign}hushtwo" for sign in _SIGNS),
    *(quote(f"hushone{sign}hushtwo", safe="") for sign in "#/@:% "),
    "hushone",
    "hushone::hushtwo",
    "hushone?x=hushtwo@y",
    "hushone/hushtwo@",
    "@hushone:hushtwo",
]

DEAD = "127.0.0.1:9"
PATIENCE = {"serverSelectionTimeoutMS": 20}
S3 = {"client_kwargs": {"endpoint_url": f"http://{DEAD}"}, "config_kwargs": {"retries": {"max_attempts": 0}}}
COSMOS = {"enable_endpoint_discovery": False, "retry_connect": 0, "retry_total": 0}
DYNAMO = {
    "region_name": "r",
    "aws_access_key_id": "a",
    "config": Config(retries={"max_attempts": 0}, connect_timeout=1),
    "endpoint_url": f"http://{DEAD}",
}


def unsigned(secret: str) -> str:
    """Return a secret without an @, which would make a host of its rest."""
    return secret.replace("@", "+")


def refused(store: Callable[..., Any]) -> Callable[[str], Any]:
    """Open an embedded store, which takes no secret, with one: what refuses it does not show it."""
    return lambda secret: store(f"{tempfile.gettempdir()}/no-such-store", password=secret)


def at(scheme: str) -> Callable[[str], Any]:
    """Open an embedded store by an address with a secret in its query."""
    path = f"{tempfile.gettempdir()}/no-such-store"
    return lambda secret: spoonbill.open(f"{scheme}://{path}?password={quote(secret, safe='')}")


def opened_by_address(secret: str) -> Any:
    return spoonbill.open(f"redis://u:{quote(secret, safe='')}@{DEAD}/0?retry_for=0")


PLACES: dict[str, Callable[[str], Any]] = {
    "redis": lambda secret: RedisStore(f"redis://:{secret}@{DEAD}/0", retry_for=0),
    "redis, a user": lambda secret: RedisStore(f"redis://u:{secret}@{DEAD}/0", retry_for=0),
    "redis, no host": lambda secret: RedisStore(f"redis://u:{unsigned(secret)}", retry_for=0),
    "redis, query": lambda secret: RedisStore(f"redis://{DEAD}/0?password={secret}", retry_for=0),
    "redis, sentinel": lambda secret: RedisStore(f"redis+sentinel://u:{secret}@{DEAD}/service/0", retry_for=0),
    "redis, option": lambda secret: RedisStore(f"redis://{DEAD}/0", password=secret, retry_for=0),
    "mongodb": lambda secret: MongoDBStore(f"mongodb://u:{secret}@{DEAD}/", **PATIENCE),
    "mongodb, malformed": lambda secret: MongoDBStore(f"mongodb://u:{unsigned(secret)}:x/h/", **PATIENCE),
    "mongodb, query": lambda secret: MongoDBStore(
        f"mongodb://{DEAD}/?tlsCertificateKeyFilePassword={secret}", **PATIENCE
    ),
    "mongodb, option": lambda secret: MongoDBStore(f"mongodb://{DEAD}/", username="u", password=secret, **PATIENCE),
    "postgresql": lambda secret: PostgresStore(f"postgresql://u:{secret}@{DEAD}/d"),
    "postgresql, query": lambda secret: PostgresStore(f"postgresql://{DEAD}/d?password={secret}"),
    "postgresql, settings": lambda secret: PostgresStore(f"host=127.0.0.1 port=9 password={secret} user=u"),
    "postgresql, quoted": lambda secret: PostgresStore(f"host='127.0.0.1' port = 9 password = '{secret}'"),
    "postgresql, option": lambda secret: PostgresStore(f"postgresql://{DEAD}/d", user="u", password=secret),
    "dynamodb": lambda secret: DynamoDBStore("tab", aws_secret_access_key=secret, aws_session_token=secret, **DYNAMO),
    "dynamodb, endpoint": lambda secret: DynamoDBStore(
        "tab", aws_secret_access_key="b", **{**DYNAMO, "endpoint_url": f"http://u:{secret}@{DEAD}"}
    ),
    "cosmosdb": lambda secret: CosmosDBStore("d", "c", endpoint=f"http://{DEAD}", credential=secret, **COSMOS),
    "cosmosdb, endpoint": lambda secret: CosmosDBStore(
        "d", "c", endpoint=f"http://u:{secret}@{DEAD}", credential="eHh4", **COSMOS
    ),
    "ftp": lambda secret: FilesystemStore(f"ftp://u:{secret}@{DEAD}/x"),
    "ftp, option": lambda secret: FilesystemStore(f"ftp://{DEAD}/x", username="u", password=secret),
    "ftp, chained": lambda secret: FilesystemStore(f"simplecache::ftp://u:{secret}@{DEAD}/x"),
    "http": lambda secret: FilesystemStore(f"http://u:{secret}@{DEAD}/x"),
    "http, token": lambda secret: FilesystemStore(f"http://{DEAD}/x?token={secret}"),
    "http, signature": lambda secret: FilesystemStore(f"http://{DEAD}/x?X-Amz-Signature={secret}&X-Amz-Expires=9"),
    "http, bare query": lambda secret: FilesystemStore(f"http://{DEAD}/x?{secret.replace('=', '+')}"),
    "http, fragment": lambda secret: FilesystemStore(f"http://{DEAD}/x#{secret}"),
    "http, headers": lambda secret: FilesystemStore(
        f"http://{DEAD}/x", client_kwargs={"headers": {"Authorization": secret.replace("\n", "")}}
    ),
    "s3": lambda secret: FilesystemStore("s3://bucket/x", key="a", secret=secret, token=secret, **S3),
    "s3, endpoint": lambda secret: FilesystemStore(
        "s3://bucket/x", key="a", secret="b", **{**S3, "endpoint_url": f"http://u:{secret}@{DEAD}", "client_kwargs": {}}
    ),
    "azure, string": lambda secret: FilesystemStore(
        "az://bucket/x",
        connection_string=f"DefaultEndpointsProtocol=http;AccountName=a;AccountKey={secret};BlobEndpoint=x",
    ),
    "azure, sas": lambda secret: FilesystemStore("az://bucket/x", account_name="a", sas_token=f"?sv=1&sig={secret}"),
    "azure, key": lambda secret: FilesystemStore("az://bucket/x", account_name="a", account_key=secret),
    "sftp": lambda secret: FilesystemStore(f"sftp://u:{secret}@{DEAD}/x"),
    "unknown": lambda secret: FilesystemStore(f"nowhere://u:{secret}@{DEAD}/x"),
    "safetensors": lambda secret: SafetensorsStore(f"http://u:{secret}@{DEAD}/x.safetensors"),
    "gcs, token": lambda secret: FilesystemStore(
        "gs://bucket/x", token={"type": "service_account", "private_key": secret}, endpoint_url=f"http://{DEAD}"
    ),
    "gcs, endpoint": lambda secret: FilesystemStore(
        "gs://bucket/x", token="anon", endpoint_url=f"http://u:{secret}@{DEAD}"
    ),
    "firestore, key": lambda secret: Firestore("c", project="p", client_options={"api_key": secret}),
    "firestore, credentials": lambda secret: Firestore("c", project="p", credentials=secret),
    "modal, options": lambda secret: ModalStore("d", environment_name="e", token_secret=secret),
    "modal, client": lambda secret: ModalStore("d", client=secret),
    "sqlite": refused(SQLiteStore),
    "lmdb": refused(LmdbStore),
    "rocksdb": refused(RocksDBStore),
    "tensors in lmdb": refused(SafetensorsLmdbStore),
    "pysos": refused(PysosStore),
    "shelve": refused(ShelveStore),
    "files": lambda secret: FilesystemStore(f"{tempfile.gettempdir()}/no-such-store", password=secret),
    **{
        f"{scheme} by address": at(scheme) for scheme in ("sqlite", "lmdb", "rocksdb", "pysos", "shelve", "safetensors")
    },
    "redis by address": opened_by_address,
    "encrypted": lambda secret: Encrypted(InMemoryStore(), secret.encode()),
    "signed": lambda secret: Signed(InMemoryStore(), (secret * 9).encode()),
    "logged": lambda secret: Logged(RedisStore(f"redis://u:{secret}@{DEAD}/0", retry_for=0)),
    "fallback": lambda secret: Fallback(
        RedisStore(f"redis://u:{secret}@{DEAD}/0", retry_for=0), InMemoryStore({"a": "1"})
    ),
    "load": lambda secret: InMemoryStore().load(f"http://u:{secret}@{DEAD}/x?sig={secret}"),
    "save": lambda secret: InMemoryStore().save(f"ftp://u:{secret}@{DEAD}/x"),
}
LATE = {
    "gcs, token",
    "gcs, endpoint",
    "firestore, key",
    "firestore, credentials",
    "azure, string",
    "azure, sas",
    "azure, key",
    "s3, endpoint",
    "cosmosdb, endpoint",
}
"""Their client looks for a service half a minute long: these are asked for no value."""
SLOW = {"mongodb", "mongodb, query", "mongodb, option", "dynamodb", "dynamodb, endpoint", "s3"}
"""Their client takes its time: these are asked for a value with some of the shapes."""


def told_by(place: str, secret: str) -> str:
    """Return all that a store and its errors say: repr, plan, messages of ours and those that they came from."""
    told: list[str] = []
    try:
        store = PLACES[place](secret)
        told.append(repr(store))
        raws = [store, getattr(store, "raw", store)]
        told += [repr(raw) for raw in raws]
        told += [repr(pickle.loads(pickle.dumps(store)))]
        if place.startswith(("http", "ftp", "s3", "redis")):
            told += [str(store.keys("a+").explain())] if hasattr(store.keys("a+"), "explain") else []
        if place not in LATE and (place not in SLOW or SHAPES.index(secret) % 9 == 0):
            store["a"]
            store.add("a", 1)
    except Exception as error:
        told += [str(error), repr(error)]
        if type(error).__module__.startswith("spoonbill"):
            told += [str(one) for one in causes(error) if type(one).__module__.startswith("spoonbill")]
            told += [pickle.dumps(error).decode("latin-1"), *traceback.format_exception(error)]
    return "\n".join(told)


def test_there_are_forty_shapes():
    """The sweep is as wide as it says."""
    assert len(SHAPES) >= 40
    assert all("hushone" in shape for shape in SHAPES)


@pytest.mark.parametrize("place", list(PLACES))
def test_no_message_holds_a_secret(place, caplog):
    """No repr, plan, error, traceback, pickled error or log shows any of forty shapes of a secret, or a part of it."""
    caplog.set_level(logging.WARNING)
    caplog.set_level(logging.DEBUG, "spoonbill")
    for secret in SHAPES:
        told = told_by(place, secret)
        assert told
        assert not [mark for mark in MARKS if mark in told], f"{secret!r}: {told}"
    assert not [mark for mark in MARKS if mark in caplog.text]


def test_every_engine_is_swept():
    """Each scheme of the registry, and so each engine, is among the places."""
    swept = {place.partition(",")[0].partition(" ")[0] for place in PLACES} | {"az", "gs", "file", "https"}
    families = {"rediss", "unix", "valkey", "valkeys", "redis+sentinel", "mongodb+srv", "postgres"}
    schemes = {scheme for row in all_engines() for scheme in row.schemes}
    assert schemes - swept - families - {"memory"} == set()


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("s3://bucket/a@b", "s3://bucket/a@b"),
        ("redis://u:pw@h:6379/0", "redis://u:***@h:6379/0"),
        ("mongodb://h1:1,h2:2/?directConnection=true", "mongodb://h1:1,h2:2/?directConnection=true"),
        ("mongodb://u:S:x/h/", "mongodb://u:***"),
        ("http://h/x?token=abc&n=3#f", "http://h/x?token=***&n=3#***"),
        ("redis://[::1]:6379/0", "redis://[::1]:6379/0"),
        ("AccountEndpoint=https://a.b:443/;AccountKey=xx==", "AccountEndpoint=https://a.b:443/;AccountKey=***"),
        ("https://ghp_tok@github.com/x", "https://***@github.com/x"),
        ("/data/what?x=y:z@w", "/data/what?x=y:z@w"),
        ("file:///data/what?x=1", "file:///data/what?x=1"),
        ("c:\\data\\x@y", "c:\\data\\x@y"),
        ("table", "table"),
    ],
)
def test_what_is_no_secret_is_shown(address, shown):
    """A message still says where: the scheme, the user, the hosts, ports and the path."""
    assert masked(address) == shown


def test_pieces_of_a_secret_are_known():
    """A client that quotes a part of what it could not read gives nothing away."""
    assert {"hushone", "hushtwo"} <= secrets_in("mongodb://u:hushone/hushtwo:x/h")
    assert "'p'" in secrets_in("ftp://u:p#ss/w@h/")
