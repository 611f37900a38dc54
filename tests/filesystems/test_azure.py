"""The conformance kit on an Azure Blob server, and what is particular to it."""

import uuid

import pytest
from azure.core.exceptions import ResourceNotFoundError

from spoonbill.backends import Filesystem
from spoonbill.common.sentinels import MISSING
from spoonbill.errors import StoreError
from spoonbill.filesystems.names import path_of
from tests.filesystems.objects import FilesContract
from tests.servers import azure_server
from tests.servers.azure_server import CONTAINER, KEY


@pytest.fixture(scope="module", autouse=True)
def url():
    with azure_server.serving() as address, azure_server.client(address) as service:
        SERVER.update(url=address, client=service)
        yield address


SERVER: dict = {}


class TestAzure(FilesContract):
    def make(self, path):
        self.prefix = f"{path.name}-{uuid.uuid4().hex[:6]}/data"
        return Filesystem(f"az://{CONTAINER}/{self.prefix}", **azure_server.storage_options(SERVER["url"]))

    def blob(self, key):
        return SERVER["client"].get_blob_client(CONTAINER, f"{self.prefix}/{path_of(key)}")

    def peek(self, store, key):
        try:
            return self.blob(key).download_blob().readall()
        except ResourceNotFoundError:
            return MISSING

    def poke(self, store, key, value):
        self.blob(key).upload_blob(value, overwrite=True)

    def names(self, store):
        found = SERVER["client"].get_container_client(CONTAINER).list_blobs(name_starts_with=f"{self.prefix}/")
        return [one.name.removeprefix(f"{self.prefix}/") for one in found]


def test_conditional_writes_are_the_servers_own(url):
    """Two handles: add, replace and pop of one see what the other wrote, by the server's etags."""
    options = azure_server.storage_options(url)
    one = Filesystem(f"az://{CONTAINER}/conditions", **options)
    two = Filesystem(f"az://{CONTAINER}/conditions", **options)
    assert {"add", "replace", "pop"} <= one.capabilities
    assert one.add("k", b"1") is True
    assert two.add("k", b"2") is False
    etag = one._folder.info(one._path("k"))["etag"]
    two["k"] = b"3"
    folder, path = one._folder, one._path("k")
    assert folder.run(folder.put_if, path, b"4", etag) is False
    assert folder.run(folder.delete_if, path, etag) is False
    assert two.replace("k", b"3", b"4") is True
    assert one.pop("k") == b"4"


def test_a_missing_container_is_no_absent_key(url):
    """Every call on a container that is not there is a StoreError without the account's key, and none is a KeyError."""
    store = Filesystem("az://nocontainer/x", **azure_server.storage_options(url))
    assert KEY not in repr(store)
    for use in (lambda: store.get("a"), lambda: store.set("a", b"1"), lambda: list(store), lambda: store.delete("a")):
        with pytest.raises(StoreError, match="container") as caught:
            use()
        assert KEY not in str(caught.value)
