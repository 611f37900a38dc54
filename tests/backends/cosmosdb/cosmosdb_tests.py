"""What the tests of CosmosDBStore share: a server, stores on it, and a transport that notes what passes."""

from itertools import count

import pytest
from azure.core.pipeline.transport import RequestsTransport
from azure.cosmos import CosmosClient, PartitionKey

from spoonbill.datastores import CosmosDBStore
from tests.servers.cosmosdb_server import CREDENTIAL, OPTIONS, cosmosdb_server, endpoint

DATABASE = "tests"
SYSTEM = {"id", "_rid", "_self", "_etag", "_attachments", "_ts"}
NUMBERS = count()


class Watched(RequestsTransport):
    """Notes the documents that the server sends, and what it is sent about documents."""

    def __init__(self):
        super().__init__()
        self.documents = []
        self.requests = []

    def send(self, request, **options):
        response = super().send(request, **options)
        if "/docs" in request.url:  # a client also looks after the account, in a thread of its own
            self.requests.append(str(request.data))
        found = response.internal_response.json() if response.body() else {}
        for document in found.get("Documents", [found] if "_etag" in found else []):
            self.documents.append(document if isinstance(document, dict) else {"id": document})
        return response


class CosmosDBTests:
    """One server for a class of tests, and ways to its containers."""

    client = running = None

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def server(cls):
        """The server, and the raw client."""
        with cosmosdb_server() as cls.running:
            with CosmosClient(endpoint(cls.running), credential=CREDENTIAL, **OPTIONS) as cls.client:
                cls.client.create_database(DATABASE)
                yield cls.running

    @classmethod
    def opened(cls, name, **options):
        options = {"endpoint": endpoint(cls.running), "credential": CREDENTIAL, **OPTIONS, **options}
        return CosmosDBStore.open(database=DATABASE, container=name, **options)

    @classmethod
    def container(cls, name):
        return cls.client.get_database_client(DATABASE).get_container_client(name)

    @classmethod
    def read(cls, name, key):
        item = cls.container(name).read_item(key, key)
        fields = {field: value for field, value in item.items() if field not in SYSTEM}
        if isinstance(fields.get("e"), dict):
            assert fields["e"] == {"spoonbill__": {"bytes": "AA=="}}  # JSON has no bytes
            fields["e"] = b"\x00"
        return fields

    @classmethod
    def written(cls, name, key, fields):
        cls.client.get_database_client(DATABASE).create_container_if_not_exists(name, PartitionKey("/id"))
        cls.container(name).create_item({"id": key, **fields})

    @classmethod
    def watched(cls, name):
        transport = Watched()
        return cls.opened(name, transport=transport), transport.documents, transport.requests

    @pytest.fixture
    def name(self):
        return f"container-{next(NUMBERS)}"

    @pytest.fixture
    def store(self, name):
        with self.opened(name) as store:
            yield store
