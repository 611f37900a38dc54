"""The conformance kit on a Google Cloud Storage server, and what is particular to it."""

import json
import urllib.error
import urllib.parse
import urllib.request
import uuid

import pytest

from spoonbill.backends import Filesystem
from spoonbill.common.sentinels import MISSING
from spoonbill.errors import StoreError
from spoonbill.filesystems.names import path_of
from tests.filesystems.objects import FilesContract
from tests.servers import gcs_server
from tests.servers.gcs_server import BUCKET


@pytest.fixture(scope="module", autouse=True)
def url():
    with gcs_server.serving() as address:
        SERVER["url"] = address
        yield address


SERVER: dict = {}


def ask(path, body=None):
    """Send a request of the JSON API, without any client."""
    request = urllib.request.Request(f"{SERVER['url']}{path}", body, {"Content-Type": "application/octet-stream"})
    with urllib.request.urlopen(request) as reply:
        return reply.read()


class TestGcs(FilesContract):
    def make(self, path):
        self.prefix = f"{path.name}-{uuid.uuid4().hex[:6]}/data"
        return Filesystem(f"gs://{BUCKET}/{self.prefix}", **gcs_server.storage_options(SERVER["url"]))

    def peek(self, store, key):
        name = urllib.parse.quote(f"{self.prefix}/{path_of(key)}", safe="")
        try:
            return ask(f"/storage/v1/b/{BUCKET}/o/{name}?alt=media")
        except urllib.error.HTTPError as error:
            error.close()
            if error.code != 404:
                raise
            return MISSING

    def poke(self, store, key, value):
        name = urllib.parse.quote(f"{self.prefix}/{path_of(key)}", safe="")
        ask(f"/upload/storage/v1/b/{BUCKET}/o?uploadType=media&name={name}", value)

    def names(self, store):
        found = json.loads(ask(f"/storage/v1/b/{BUCKET}/o?prefix={urllib.parse.quote(self.prefix)}/"))
        return [one["name"].removeprefix(f"{self.prefix}/") for one in found.get("items", ())]


def test_conditional_writes_are_the_servers_own(url):
    """Two handles without a common lock: add and replace of one see what the other wrote."""
    options = gcs_server.storage_options(url)
    one = Filesystem(f"gs://{BUCKET}/conditions", **options)
    two = Filesystem(f"gs://{BUCKET}/conditions", **options)
    assert {"add", "replace", "pop"} <= one.capabilities
    assert one.add("k", b"1") is True
    assert two.add("k", b"2") is False
    generation = one._folder.info(one._path("k"))["generation"]
    two["k"] = b"3"
    assert one._folder.run(one._folder.put_if, one._path("k"), b"4", generation) is False
    assert two.replace("k", b"3", b"4") is True
    assert one["k"] == b"4"


def test_a_missing_bucket_is_no_absent_key(url):
    """Every call on a bucket that is not there is a StoreError that says so, and none is a KeyError."""
    store = Filesystem("gs://nobucket/x", **gcs_server.storage_options(url))
    for use in (lambda: store.get("a"), lambda: store.set("a", b"1"), lambda: list(store), lambda: store.delete("a")):
        with pytest.raises(StoreError, match="bucket"):
            use()
