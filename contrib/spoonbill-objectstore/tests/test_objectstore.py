"""ObjectStore keeps the contract of every store: in memory, in a folder, and on a server that speaks S3."""

import os
import socket
import subprocess
import sys
import time
from itertools import count

import boto3
import obstore
import pytest
from spoonbill_objectstore.backend import Objects
from spoonbill_objectstore.store import ObjectStore

from spoonbill.errors import KeyDecodeError, KeyTooLongError, StoreError
from spoonbill.store import MISSING
from spoonbill.testing import BackendContract, StoreContract

NUMBERS = count()
S3 = {"access_key_id": "a", "secret_access_key": "b", "region": "us-east-1", "client_options": {"allow_http": True}}


class TestObjects(BackendContract):
    """The backend in memory."""

    test_pickles = None  # its data is in memory

    def make(self, path):
        return Objects("memory:///")

    def peek(self, store, key):
        try:
            return bytes(obstore.get(store.client, store._name(key)).bytes())
        except (obstore.exceptions.NotFoundError, FileNotFoundError):
            return MISSING

    def poke(self, store, key, value):
        obstore.put(store.client, store._name(key), value)


class TestObjectsInAFolder(TestObjects):
    """The backend over local files, which have no conditional update."""

    test_pickles = BackendContract.test_pickles

    def make(self, path):
        return Objects(f"file://{path}/data")


class TestObjectStore(StoreContract):
    """Strict: typed msgpack."""

    values = (1, {"a": [1, None]}, "text", (1, {2}), {3: 4})

    def make(self, path):
        return ObjectStore(f"file://{path}/data")


@pytest.fixture(scope="module")
def s3():
    """Serve S3, with a bucket."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        endpoint = f"http://127.0.0.1:{port}"
        client = boto3.client(
            "s3", endpoint_url=endpoint, aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1"
        )
        client.create_bucket(Bucket="bucket")
        yield endpoint
        process.kill()


def test_s3(s3):
    """Over S3: single verbs, batches, long lists, ranges, conditional adds; two folders are two stores."""
    with (
        ObjectStore(f"s3://bucket/one{os.getpid()}", endpoint=s3, **S3) as store,
        ObjectStore(f"s3://bucket/two{os.getpid()}", endpoint=s3, **S3) as other,
    ):
        store.update({f"k{number}": number for number in range(1050)})
        assert len(store) == 1050
        assert other.add("k1", "mine")
        assert not other.add("k1", "again")
        assert other.replace("k1", "mine", "new")
        assert not other.replace("k1", "mine", "newer")
        assert other.pop("k1") == "new"
        assert list(other) == []
        assert store.get_many(["k7", "none"]) == [7, None]
        store.raw["range"] = b"0123456789"
        assert store.raw.read_range("range", 2, 5) == b"234"


def test_names_and_errors():
    """Hostile keys are objects of their own, foreign names are named, and a wrong address is an error with a remedy."""
    keys = ["", ".", "..", "/", "a/b", "a//b", "=", "=41", "\x00", "\u00e9", "a b", "A", "a"]
    with Objects("memory:///") as store:
        store.update({key: key.encode() for key in keys})
        assert dict(store.items()) == {key: key.encode() for key in keys}
        with pytest.raises(KeyTooLongError, match="HashedKeys"):
            store["\u00e9" * 50] = b"1"
        obstore.put(store.client, "theirs/odd.txt", b"1")
        with pytest.raises(KeyDecodeError, match="theirs"):
            list(store)
    with pytest.raises(StoreError, match="Check the address"):
        Objects("nonsense://a")
    with (
        Objects("s3://bucket", endpoint="http://127.0.0.1:9", retry_config={"max_retries": 0}, **S3) as gone,
        pytest.raises(StoreError, match="Check the address"),
    ):
        gone["a"]
