"""The conformance kit and random stacks on a real S3 server."""

import uuid

import pytest
from botocore.exceptions import ClientError
from hypothesis import settings

from spoonbill.backends import Filesystem
from spoonbill.common.sentinels import MISSING
from spoonbill.datastores import FilesystemStore
from spoonbill.filesystems.names import path_of
from spoonbill.testing import StoreContract, machine_for
from tests.contract.stacks import CODECS, OVER_OBJECTS, stacks
from tests.filesystems.objects import KEYS, VALUES, FilesContract
from tests.servers import s3_server
from tests.servers.s3_server import BUCKET

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # aiobotocore's own


@pytest.fixture(scope="module", autouse=True)
def url():
    with s3_server.serving() as address:
        SERVER["url"] = address
        yield address


SERVER: dict = {}


def place(path):
    return f"s3://{BUCKET}/{path.name}-{uuid.uuid4().hex[:6]}/data"


class TestS3(FilesContract):
    def make(self, path):
        self.client = s3_server.client(SERVER["url"])
        root = place(path)
        self.prefix = root.removeprefix(f"s3://{BUCKET}/")
        return Filesystem(root, **s3_server.storage_options(SERVER["url"]))

    def peek(self, store, key):
        try:
            return self.client.get_object(Bucket=BUCKET, Key=f"{self.prefix}/{path_of(key)}")["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchKey":
                raise
            return MISSING

    def poke(self, store, key, value):
        self.client.put_object(Bucket=BUCKET, Key=f"{self.prefix}/{path_of(key)}", Body=value)

    def names(self, store):
        found = self.client.list_objects_v2(Bucket=BUCKET, Prefix=f"{self.prefix}/").get("Contents", ())
        return [one["Key"].removeprefix(f"{self.prefix}/") for one in found]


class TestS3Store(StoreContract):
    many = 210  # a request each; TestS3 writes more than a page
    values = (1, {"a": [1, None]}, "text", b"bytes", (1, {2}))

    def make(self, path):
        return FilesystemStore.open(place(path), cache=10_000, **s3_server.storage_options(SERVER["url"]))


TestS3RandomStacks = machine_for(
    stacks(CODECS, OVER_OBJECTS, (lambda path: Filesystem(place(path), **s3_server.storage_options(SERVER["url"])),)),
    KEYS,
    VALUES,
    reopens=False,
).TestCase
TestS3RandomStacks.settings = settings(max_examples=8, stateful_step_count=12, deadline=None)
