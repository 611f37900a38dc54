"""MongoDBStore on a server, checked with pymongo itself."""

import pickle
from datetime import UTC, datetime

import pymongo
import pytest
from bson import ObjectId
from bson.decimal128 import Decimal128
from pymongo.monitoring import CommandListener

from spoonbill.datastores import MongoDBStore
from spoonbill.errors import KeyDecodeError, PartialWriteError, StoreError, UnsupportedError, ValueTooLargeError
from tests.contract.documents.document_contract import DocumentContract
from tests.contract.documents.document_expiry_contract import DocumentExpiryContract
from tests.servers.mongodb_server import mongodb_server

DATABASE = "tests"


class Seen(CommandListener):
    """Notes the documents that the server sends, and the commands that it is sent."""

    def __init__(self):
        self.documents = []
        self.commands = []

    def started(self, event):
        self.commands.append((event.command_name, event.command))

    def succeeded(self, event):
        cursor = event.reply.get("cursor", {})
        self.documents.extend(cursor.get("firstBatch", []) + cursor.get("nextBatch", []))

    def failed(self, event):
        pass


@pytest.fixture(scope="module", autouse=True)
def server():
    """One server for the module, and the raw client."""
    with mongodb_server() as running:
        TestMongoDB.uri = f"mongodb://127.0.0.1:{running.port}/"
        with pymongo.MongoClient(TestMongoDB.uri, tz_aware=True) as client:
            TestMongoDB.client = client
            yield running


class TestMongoDB(DocumentExpiryContract, DocumentContract):
    @classmethod
    def opened(cls, name, **options):
        return MongoDBStore.open(uri=cls.uri, database=DATABASE, collection=name, **options)

    @classmethod
    def read(cls, name, key):
        document = cls.client[DATABASE][name].find_one({"_id": key})
        if document is not None:
            del document["_id"]
        return document

    @classmethod
    def written(cls, name, key, fields):
        cls.client[DATABASE][name].insert_one({"_id": key, **fields})

    @classmethod
    def watched(cls, name):
        seen = Seen()
        return cls.opened(name, event_listeners=[seen]), seen.documents, seen.commands

    def test_keys_of_other_tools(self, store, name):
        """ObjectIds, ints and the floats that JavaScript writes are keys as they are; any other kind is named."""
        made = ObjectId()
        raw = self.client[DATABASE][name]
        raw.insert_many([{"_id": made, "a": 1}, {"_id": 5, "a": 2}, {"_id": 7.0, "a": 3}])
        store["text"] = {"a": 4}
        assert set(store) == {made, 5, 7, "text"}
        assert list(store.values(keys=[made, 5, 7, "text"])) == [{"a": 1}, {"a": 2}, {"a": 3}, {"a": 4}]
        assert list(store.keys("5")) == [5]
        assert list(store.keys(str(made)[:10])) == [made]
        assert {key for share in store.shares(3) for key in share.keys()} == set(store)
        assert store.delete(7) is True
        raw.insert_one({"_id": datetime(2024, 1, 1, tzinfo=UTC)})
        with pytest.raises(KeyDecodeError, match="datetime"):
            list(store)
        raw.delete_many({})

    def test_types_of_bson(self, store, name):
        """BSON's own types are kept in a document that is read and written again."""
        foreign = {"ref": ObjectId(), "price": Decimal128("1.10"), "long": 5}
        self.written(name, "a", foreign)
        store["b"] = store["a"]
        assert self.read(name, "b") == foreign
        assert type(store["a"]["long"]) is int

    def test_a_document_beyond_the_limit(self, store):
        """More than 16 MB is refused before the call, alone and in a batch, with the limit and the remedy."""
        largest = b"x" * (16 * 1024 * 1024 - 64)
        store["a"] = {"x": largest[: 1 << 20]}
        for write in (store.set, store.add, store.check, lambda key, value: store.update([("b", 1), (key, value)])):
            with pytest.raises(ValueTooLargeError, match=r"16,777,216 bytes.*split"):
                write("big", {"x": largest + b"x" * 64})
        assert list(store) == ["a"]

    def test_the_keys_are_in_no_text(self, name):
        """Filters carry every operand as a value behind an operator."""
        seen = Seen()
        with self.opened(name, event_listeners=[seen]) as store:
            store["a"] = {"a": 1}
            del seen.commands[:]
            list(store.items({"a": {"$gt": ""}, "$where": "1", "b": '" OR 1=1'}))
            ((_, command),) = [each for each in seen.commands if each[0] == "find"]
            assert "$where" not in repr(command["filter"])
            assert "$gt'" not in repr(command["filter"])

    def test_a_batch_that_the_server_refuses_in_part(self, store, name):
        """The keys that a validator refused are in the error; the others are written."""
        self.client[DATABASE].create_collection(name, validator={"n": {"$lt": 5}})
        with pytest.raises(PartialWriteError, match="validator") as caught:
            store.update({f"k{number}": {"n": number} for number in range(8)})
        assert caught.value.done == 5
        assert caught.value.failed == ("k5", "k6", "k7")
        assert sorted(store) == ["k0", "k1", "k2", "k3", "k4"]

    @pytest.mark.parametrize("field", ["user_id", "parent._id", "_id_"])
    def test_a_unique_index_on_a_field_named_like_the_key(self, store, name, field):
        """A second value for a unique index is an error of each write, and no call is repeated for ever."""
        collection = self.client[DATABASE][name]
        collection.create_index(field, unique=True)
        value = {"parent": {"_id": 7}, "user_id": 7, "_id_": 7}
        store["a"] = value
        calls = (
            lambda: store.set("b", value),
            lambda: store.update({"b": value, "c": value}),
            lambda: store.add("b", value),
            lambda: store.setdefault("b", value),
        )
        for call in calls:
            with pytest.raises(StoreError, match="unique index"):
                call()
        assert dict(store) == {"a": value}
        assert store.add("a", {"user_id": 9}) is False

    def test_a_client_of_yours_stays_open(self, name):
        """A client that is handed in is used as it is and never closed, and its own settings do not change values."""
        with pymongo.MongoClient(self.uri) as client:
            with MongoDBStore.open(client=client, database=DATABASE, collection=name) as store:
                store["a"] = {"at": datetime(2024, 1, 1, tzinfo=UTC)}
                assert store["a"] == {"at": datetime(2024, 1, 1, tzinfo=UTC)}
            assert client[DATABASE][name].count_documents({}) == 1

    def test_no_server_and_wrong_options(self):
        """A server that does not answer, and options that mean nothing, are errors with a remedy and no secret."""
        store = MongoDBStore.open(
            uri="mongodb://someone:hush@127.0.0.1:9/?authMechanismProperties=AWS_SESSION_TOKEN:hush&tlsCertificateKeyFilePassword=hush",
            serverSelectionTimeoutMS=10,
            password="hush",
        )
        assert "hush" not in repr(store)
        with pytest.raises(StoreError) as caught:
            store["a"]
        assert "hush" not in str(caught.value)
        with pytest.raises(StoreError, match=r"No server answers.*check that it runs"):
            MongoDBStore.open(uri="mongodb://127.0.0.1:9/", serverSelectionTimeoutMS=10)["a"]
        with pytest.raises(UnsupportedError, match="options"):
            MongoDBStore.open(uri=self.uri, no_such_option=1)["a"]

    def test_a_collation_is_refused(self, name):
        """A collection that takes two keys for one is refused by name."""
        self.client[DATABASE].create_collection(name, collation={"locale": "en", "strength": 2})
        with pytest.raises(StoreError, match="collation"):
            self.opened(name)["a"] = 1

    def test_the_snippets_of_the_specification(self):
        """The specification's code runs, against this server in place of the default one."""
        snippet = """
from spoonbill.datastores import MongoDBStore
store = MongoDBStore.open(uri=URI)
store.update({'key1': {'a': '11', 'b': 1}, 'key2': {'a': '2', 'b': 1}})
keys = store.keys(pattern="*", limit=10)
values = store.values(keys=['key1', 'key2'])
items = store.items(conditions={'a': '1+', 'b': 1}, limit=10)
"""
        space = {"URI": self.uri}
        exec(snippet, space)
        assert sorted(space["keys"]) == ["key1", "key2"]
        assert list(space["values"]) == [{"a": "11", "b": 1}, {"a": "2", "b": 1}]
        assert list(space["items"]) == [("key1", {"a": "11", "b": 1})]
        assert repr(MongoDBStore()) == "MongoDBStore()"
        assert pickle.loads(pickle.dumps(MongoDBStore())).limits.value_bytes == 16 * 1024 * 1024
