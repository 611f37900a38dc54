"""One address for every store: what a URL opens, what it refuses, and stacks as data."""

import base64
import json
import os
import random
import re
import subprocess
import sys
import tomllib

import pytest

import spoonbill
from spoonbill import Cached, Codec, Compressed, Encrypted, Expiring, Frozen, Prefixed, Signed, datastores, layers
from spoonbill.datastores import (
    FilesystemStore,
    InMemoryStore,
    LmdbStore,
    PysosStore,
    RedisStore,
    RocksDBStore,
    SafetensorsStore,
    ShelveStore,
    SQLiteStore,
)
from spoonbill.errors import SpoonbillError, StackError, UnsupportedError
from tests.servers.redis_server import server, url


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        ("memory:", InMemoryStore),
        ("lmdb:{}/l", LmdbStore),
        ("lmdb://{}/l?durability=process&map_size=10000000", LmdbStore),
        ("sqlite:{}/q.db", SQLiteStore),
        ("sqlite://{}/q.db?table=t&durability=process&timeout=2.5", SQLiteStore),
        ("rocksdb:{}/r", RocksDBStore),
        ("rocksdb://{}/r?column_family=f&durability=process&expire_after=60", RocksDBStore),
        ("pysos:{}/p", PysosStore),
        ("shelve:{}/s?strict=1&dbm=dbm.dumb", ShelveStore),
        ("file:{}/f?codec=json", FilesystemStore),
        ("file://{}/f", FilesystemStore),
        ("memory:?dialect=glob", spoonbill.Search),
    ],
)
def test_a_round_trip_of_each_embedded_form(form, kind, tmp_path):
    """What is written through a URL is read through it again, and the store knows its address."""
    address = form.format(tmp_path)
    with spoonbill.open(address) as store:
        assert type(store) is kind
        assert store.url == address
        store["a"] = "text"
        assert store["a"] == "text"
    if not address.startswith("memory"):
        with spoonbill.open(address) as store:
            assert store["a"] == "text"


SERVERS = {
    "redis://localhost:1/0": "RedisStore('redis://localhost:1/0')",
    "rediss://localhost:1/0?prefix=u:": "Prefixed(RedisStore('rediss://localhost:1/0'), 'u:')",
    "postgresql://host:1/db?table=t": "PostgresStore('postgresql://host:1/db', table='t')",
    "mongodb://host/db?collection=c": "MongoDBStore('mongodb://host/', 'db', collection='c')",
    "dynamodb://table?region=eu-west-1": "DynamoDBStore(table_name='table', region_name='eu-west-1')",
    "dynamodb://table?region_name=eu-west-1": "DynamoDBStore(table_name='table', region_name='eu-west-1')",
    "cosmosdb://account/database/container?credential=env:SECRET": None,
    "modal://name": "ModalStore(name='name')",
    "s3://bucket/folder?codec=json": "FilesystemStore('s3://bucket/folder', codec='json')",
    "memory:?prefix=u:&compress=gzip&ttl=60&codec=json&cache=1000&frozen=1": None,
}


@pytest.mark.parametrize(("address", "shown"), SERVERS.items())
def test_every_form_opens_without_its_server(address, shown, monkeypatch):
    """An address of a server opens nothing yet; the store says it back, and its repr makes the same stack again."""
    monkeypatch.setenv("SECRET", base64.b64encode(bytes(32)).decode())
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    with spoonbill.open(address) as store:
        assert store.url == address
        assert shown in {None, repr(store)}
        assert os.environ["SECRET"] not in repr(store) + json.dumps(store.describe())
        if "SECRET" not in address:
            names = {name: getattr(layers, name) for name in layers.__all__}
            names |= {name: getattr(datastores, name) for name in datastores.__all__}
            with eval(repr(store), names) as again:
                assert repr(again) == repr(store)


def test_no_description_tells_a_secret():
    """Whether it stands in an address, by its name or in its place among the arguments."""
    from spoonbill.datastores import CosmosDBStore

    for store in (
        RedisStore("redis://:hunter2@localhost/0"),
        RedisStore("redis://localhost/0", password="hunter2"),
        CosmosDBStore("d", "c", endpoint="https://x", credential="hunter2=="),
        FilesystemStore("s3://bucket/x", key="a", secret="hunter2"),
        Signed(InMemoryStore(), b"hunter2" * 9),
        Encrypted(InMemoryStore(), keys=b"hunter2." * 4),
    ):
        assert "hunter2" not in repr(store) + json.dumps(store.describe())
        with pytest.raises(UnsupportedError, match="secret"):
            spoonbill.build(store.describe())


def test_firestore_takes_its_project_and_collection(monkeypatch):
    """The parts of the address are the arguments of the store."""
    seen = []
    monkeypatch.setattr(datastores.Firestore, "__init__", lambda self, *given, **options: seen.append((given, options)))
    monkeypatch.setattr(datastores.Firestore, "close", lambda self: None)
    spoonbill.open("firestore://project/users")
    assert seen == [(("users",), {"project": "project"})]


def test_files_of_fsspec_and_of_safetensors(tmp_path):
    """Every scheme of fsspec is a FilesystemStore; tensors take their framework."""
    import numpy as np

    SafetensorsStore.export_safetensors({"w": np.ones(3)}, tmp_path / "m.safetensors")
    with spoonbill.open(f"safetensors://{tmp_path}/m.safetensors?framework=np") as tensors:
        assert tensors["w"].sum() == 3


def test_redis():
    """The URL goes to the client as it is, less what is ours."""
    with server() as running:
        address = f"{url(running)}?prefix=u:&cache=10"
        with spoonbill.open(address) as store:
            assert repr(store).startswith("Cached(Prefixed(RedisStore(")
            store["a"] = 5
            assert store["a"] == "5"
        with RedisStore(url(running)) as raw:
            assert list(raw) == ["u:a"]


def test_layers_stand_in_their_order(tmp_path, monkeypatch):
    """From the inside; those of bytes below, where the bytes are. Secrets come from the environment."""
    monkeypatch.setenv("SECRET", base64.b64encode(bytes(range(32))).decode())
    address = f"lmdb://{tmp_path}/d?prefix=u:&encrypt=env:SECRET&compress=gzip&sign=env:SECRET&ttl=60&cache=9&frozen=0"
    with spoonbill.open(address) as store:
        classes = []
        layer = store
        while not isinstance(layer, LmdbStore):
            classes.append(type(layer))
            layer = layer._configuration[0][0]
        assert classes == [Cached, Prefixed, Expiring, Signed, Compressed, Encrypted]
        store["a"] = {"n": 1}
        assert 0 < store.ttl("a") <= 60
        assert os.environ["SECRET"] not in repr(store) + str(store.url) + json.dumps(store.describe())
    with spoonbill.open(address) as store:
        assert store.copy() == {"a": {"n": 1}}
    with pytest.raises(UnsupportedError, match="NOT_SET"):
        spoonbill.open("memory:?encrypt=env:NOT_SET")
    with pytest.raises(StackError, match=re.escape("Compressed(Encrypted(")):
        spoonbill.open("memory:?compress=gzip&encrypt=env:SECRET")
    assert isinstance(spoonbill.open("memory:?compress=gzip"), Codec)
    assert isinstance(spoonbill.open("memory:?frozen=1"), Frozen)


@pytest.mark.parametrize(
    ("address", "options", "said"),
    [
        ("lmbd:///x", {}, "lmdb:"),
        ("lmdb:///x?durabilty=process", {}, "durability="),
        ("lmdb:///x?durability=never", {}, "disk"),
        ("lmdb:///x?map_size=big", {}, "whole number"),
        ("memory:?cache=many", {}, "count"),
        ("memory:?frozen=maybe", {}, "yes or no"),
        ("memory:place", {}, "memory:"),
        ("lmdb:", {}, "path"),
        ("dynamodb://a/b", {}, "dynamodb://table_name"),
        ("cosmosdb://account/database", {}, "account/database/container"),
        ("bucket/users", {"key": "k"}, "s3://bucket/users"),
        ("data/users", {}, "did you mean file:"),
        ("cache", {}, "spoonbill.toml"),
    ],
)
def test_what_is_wrong_is_named_with_what_was_meant(address, options, said):
    """A misspelled scheme or option names the nearest right one, a forgotten scheme the one that was meant."""
    with pytest.raises(UnsupportedError, match=said):
        spoonbill.open(address, **options)


def test_stores_that_a_file_names(tmp_path, monkeypatch):
    """spoonbill.toml, here or above; options of the call go over those of the file."""
    (tmp_path / "spoonbill.toml").write_text(
        f'[stores.cache]\nurl = "lmdb:{tmp_path}/d?prefix=c:"\ndurability = "process"\n[stores.bad]\nurl = "x://"\n'
    )
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    with spoonbill.open("cache") as store:
        store["a"] = 1
        assert "durability='process'" in repr(store)
    (tmp_path / "deep" / "spoonbill.toml").write_text("[stores.cache]\nno = 1\n")
    with pytest.raises(UnsupportedError, match="needs url"):
        spoonbill.open("cache")
    monkeypatch.setenv("SPOONBILL_CONFIG", str(tmp_path / "spoonbill.toml"))
    with pytest.raises(UnsupportedError, match="x:"):
        spoonbill.open("bad")


def test_stacks_as_data(tmp_path):
    """A description is JSON, and makes the same stack again; TOML does too."""
    stack = Frozen(
        Cached(Prefixed(Compressed(LmdbStore(tmp_path / "d", codec="json"), "gzip"), "u:"), 10, policy="lfu")
    )
    told = json.loads(json.dumps(stack.describe()))
    again = spoonbill.build(told)
    assert repr(again) == repr(stack)
    assert told["capabilities"] == sorted(stack.capabilities)
    assert told["limits"] == {"key_bytes": 509}
    assert told["guarantees"]["atomic"] == "between all processes"
    from_toml = tomllib.loads('[store]\nclass = "InMemoryStore"\n[[layers]]\nclass = "Prefixed"\narguments = ["p"]\n')
    assert repr(spoonbill.build(from_toml)) == "Prefixed(InMemoryStore(), 'p')"
    with pytest.raises(UnsupportedError, match="secret"):
        spoonbill.build(Encrypted(InMemoryStore(), bytes(32)).describe())
    with pytest.raises(UnsupportedError, match="no store or layer"):
        spoonbill.build({"store": {"class": "os"}})


def test_a_repr_makes_the_stack_again(tmp_path):
    """It is the expression that builds it."""
    stack = Cached(Prefixed(LmdbStore(str(tmp_path / "d"), durability="process"), "u:"), maxsize=10)
    names = {"Cached": Cached, "Prefixed": Prefixed, "LmdbStore": LmdbStore}
    assert repr(eval(repr(stack), names)) == repr(stack)


def test_fuzzed_addresses_give_a_store_or_an_error():
    """Nothing else, and no secret in any error; SPOONBILL_TORTURE sets how many."""
    chooser = random.Random(11)
    parts = ["memory:", "lmdb:", "redis://", "file:", "s3://", "x", ":", "//", "/", "?", "&", "=", "cache=", "prefix=u"]
    parts += [
        "ttl=",
        "1",
        "-1",
        "frozen=1",
        "%",
        "%00",
        "\n",
        "é",
        "env:",
        "compress=zstd",
        "user:hunter2@host",
        "#",
        "..",
    ]
    for _ in range(int(os.environ.get("SPOONBILL_TORTURE", "2000"))):
        address = "".join(chooser.choices(parts, k=chooser.randint(1, 7)))
        if address.lower().startswith(("file:", "lmdb:", "s3:")) and "?" not in address:
            address += "?nosuch=1"  # nothing is made on this disk
        if address.lower().startswith(("file:", "lmdb:")):
            address += "&nosuch=1"
        said = ""
        try:
            spoonbill.open(address).close()
        except (SpoonbillError, ImportError, ValueError, OSError) as error:
            said = str(error)
        assert "hunter2" not in said, address


def test_a_scheme_of_another_package(tmp_path):
    """A package that is installed beside adds a scheme and a layer's option by entry points."""
    (tmp_path / "notes_store.py").write_text(
        "from spoonbill.registry import EngineRow, LayerRow\n"
        "from spoonbill import Layer\n"
        "from spoonbill.backends import Memory\n"
        "class Notes(Memory):\n    def __init__(self, path): super().__init__(); self.path = path\n"
        "class Loud(Layer):\n    def get(self, key, default=None): return self.inner.get(key, default) * 2\n"
        "ROW = EngineRow('notes', stores=('notes_store:Notes',), schemes=('notes',))\n"
        "LOUD = LayerRow('loud', 'notes_store:Loud', 'loud')\n"
    )
    info = tmp_path / "notes_store-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: notes-store\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[spoonbill.engines]\nnotes = notes_store:ROW\n[spoonbill.layers]\nloud = notes_store:LOUD\n"
    )
    code = "import spoonbill; s = spoonbill.open('notes:/a/b?loud=1'); s['k'] = 'x'; print(s['k'], s.inner.path)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.split() == ["xx", "/a/b"]
