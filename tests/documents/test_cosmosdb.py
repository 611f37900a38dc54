"""CosmosDBStore on a server, checked with azure-cosmos itself."""

import os
import pickle
import re

import pytest
from azure.core.pipeline.transport import RequestsTransport
from azure.cosmos import CosmosClient, PartitionKey
from azure.cosmos.exceptions import CosmosHttpResponseError

from spoonbill import eq, glob, gt, like
from spoonbill.datastores import CosmosDBStore
from spoonbill.errors import (
    KeyDecodeError,
    KeyTooLongError,
    PartialWriteError,
    StoreError,
    UnsupportedError,
    ValueTooLargeError,
)
from tests.documents.document_contract import DocumentContract
from tests.servers.cosmosdb_server import CREDENTIAL, OPTIONS, answer_with, cosmosdb_server, endpoint

DATABASE = "tests"


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


@pytest.fixture(scope="module", autouse=True)
def server():
    """One server for the module, and the raw client."""
    with cosmosdb_server() as running:
        TestCosmosDB.server = running
        with CosmosClient(endpoint(running), credential=CREDENTIAL, **OPTIONS) as client:
            TestCosmosDB.client = client
            client.create_database(DATABASE)
            yield running


class TestCosmosDB(DocumentContract):
    keeps_float_type = False
    ones = "1%"

    @classmethod
    def opened(cls, name, **options):
        options = {"endpoint": endpoint(cls.server), "credential": CREDENTIAL, **OPTIONS, **options}
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
        return cls.opened(name, transport=transport), transport.documents

    def test_a_key_of_dots_is_that_entry_and_nothing_else(self, store, name):
        """Keys that are dot segments, written as such or escaped, reach their own document: the container stays."""
        others = {f"other-{number}": {"n": number} for number in range(5)}
        dots = [
            "..",
            ".",
            "...",
            "%2e%2e",
            "%2E",
            "../..",
            "../../..",
            "..%2f..",
            "..\\..",
            "/..",
            "../",
            "..~2E",
            " ..",
        ]
        store.update(others)
        for key in dots:
            store[key] = {"key": key}
        assert store.keys() == {*others, *dots}
        for key in dots:
            assert store.replace(key, {"key": key}, {"key": [key]}) is True
            assert store.get_many([key, "absent"]) == [{"key": [key]}, None]
        for number, key in enumerate(dots):
            assert (store.delete(key) if number % 2 else store.pop(key) == {"key": [key]}) is True
            assert key not in store
            assert store.delete(key) is False
            assert self.container(name).read()["id"] == name
        assert dict(store.items()) == others
        assert store.delete_many([*dots, "other-1"]) == 1

    def test_the_raw_client_would_remove_the_container(self, name):
        """The test above can fail: this server resolves dot segments, so an id that is one deletes the container."""
        self.written(name, "a", {"n": 1})
        self.container(name).delete_item("..", partition_key="..")
        with pytest.raises(CosmosHttpResponseError):
            self.container(name).read_item("a", "a")

    def test_fields_of_the_service_are_fields(self, store, name):
        """No field of a value moves the document, lets it expire, or is overwritten by the service."""
        value = {
            "id": "b",
            "ttl": 1,
            "_etag": "x",
            "_rid": 5,
            "_self": [],
            "_ts": 1,
            "_attachments": {},
            "_mine": 2,
            "": 3,
        }
        store["a"] = value
        assert store["a"] == value
        assert self.container(name).read_item("a", "a").keys() == {"spoonbill__", *SYSTEM}
        for field, item in value.items():
            assert dict(store.items({field: eq(item)})) == {"a": value}
        assert list(store) == ["a"]

    def test_fields_of_the_service_that_another_tool_wrote(self, store, name):
        """A document that expires is read with its ttl, and a search by that or by a name with _ finds it."""
        self.written(name, "a", {"ttl": 500, "_mine": 1})
        assert store["a"] == {"ttl": 500, "_mine": 1}
        assert list(store.keys()) == ["a"]
        assert dict(store.items({"ttl": gt(1)})) == dict(store.items({"_mine": 1})) == {"a": {"ttl": 500, "_mine": 1}}
        assert dict(store.items({"_etag": "%"})) == {}

    def test_numbers_are_doubles(self, store, name):
        """An int beyond 2**53 is wrapped, and one in the JSON that we did not wrap was a float."""
        store["a"] = {"big": 2**60, "edge": 2**53, "huge": 1e20, "whole": 3.0}
        assert self.read(name, "a")["big"] == {"spoonbill__": {"int": str(2**60)}}
        assert store["a"] == {"big": 2**60, "edge": 2**53, "huge": 1e20, "whole": 3}
        assert type(store["a"]["huge"]) is float
        assert type(store["a"]["big"]) is int
        for condition in ({"big": 2**60}, {"big": gt(2**59)}, {"huge": 1e20}, {"huge": 10**20}, {"huge": gt(2**53)}):
            assert list(store.items(condition, limit=1)), condition
        assert not list(store.items({"big": 2**60 + 1}))

    def test_a_plain_string_is_a_like_pattern(self, store):
        """The store's dialect is LIKE, on keys and fields, also under other words and in a stack."""
        store.update({"ab": {"a": "100%"}, "b": {"a": "11"}, "a_b": {"a": "_"}, "c": "11"})
        assert sorted(store.keys("a%")) == ["a_b", "ab"]
        assert list(store.keys(r"a\_b")) == ["a_b"]
        assert sorted(store.items({"a": "1%"})) == [("ab", {"a": "100%"}), ("b", {"a": "11"})]
        assert list(store.items({"a": r"%\%"})) == [("ab", {"a": "100%"})]
        assert list(store.items("1%")) == [("c", "11")]
        assert list(store.items({"a": "1+"})) == []
        assert list(store.keys(glob("a*b"), 5))

    @pytest.mark.parametrize(
        "text",
        [
            *('" OR 1=1 --', "' OR 1=1 --", '"] OR true OR c["', "{}", "@p0", "\\", '\\"', "*/", "x" * 10_000),
            *("\U0001f600", "a\x00b", "\n", "%", "udf.f()", "\u2028"),
        ],
        ids=lambda text: ascii(text)[:20],
    )
    def test_no_query_is_made_of_data(self, name, text):
        """Hostile keys, fields and operands find what they name, and stand in a query as nothing but what they are."""
        transport = Watched()
        with self.opened(name, transport=transport) as store:
            store["other"] = {"a": 1}
            store[text[:900]] = {text: text, "n": {text: 1}}
            found = {text[:900]: {text: text, "n": {text: 1}}}
            del transport.requests[:]
            for condition in ({text: eq(text)}, {text: like("%" + like_literal(text))}, {"n": eq({text: 1})}):
                assert dict(store.items(condition)) == found
            assert list(store.keys(glob("?*" + glob_literal(text[1:900])))) == list(found) or len(text) == 1
            texts = [request.partition('"parameters"')[0] for request in transport.requests]
            assert all(
                re.fullmatch(r'\{"query":"[ \w@=.,*()\[\]]*(\\"[\\\w]*\\"[ \w@=.,()\[\]]*)*",', query)
                for query in texts
            )

    def test_limits_are_told_before_the_call(self, name):
        """A key over 1,023 bytes and a document over 2 MB are refused by name; a long key is simply not there."""
        transport = Watched()
        with self.opened(name, transport=transport) as store:
            store["a"] = 1
            del transport.requests[:]
            for key in ("x" * 1024, "\u00e9" * 512, "/" * 342):
                with pytest.raises(KeyTooLongError, match="1023"):
                    store[key] = 1
                assert store.get(key) is None
                assert store.get_many([key]) == [None]
                assert list(store.keys(like_literal(key))) == []
                assert not store.delete(key)
            for write in (store.set, store.add, store.check, lambda key, value: store.update([("b", 1), (key, value)])):
                with pytest.raises(ValueTooLargeError, match=r"2,097,152 bytes.*split"):
                    write("big", {"x": "\u00e9" * 1024 * 1024})
            assert transport.requests == []
            for largest in ("y" * (2 * 1024 * 1024 - 3000), "\u00e9" * (1024 * 1024 - 1500)):
                store["x" * 1023] = {"x": largest}
                assert store["x" * 1023] == {"x": largest}

    def test_the_service_refuses_what_is_too_large(self, store):
        """Were the check wrong, the service's own refusal is the same error."""
        store["a"] = 1
        answer_with(self.server, {"status": 413, "times": 1})
        with pytest.raises(ValueTooLargeError, match="split"):
            store["a"] = 2

    def test_a_key_of_another_tool(self, store, name):
        """A key with a ~ that this store would not have written is an error that names it."""
        self.written(name, "b~c", {"a": 1})
        with pytest.raises(KeyDecodeError, match="b~c"):
            list(store)

    def test_another_partition_key_is_refused(self, name):
        """By name, whether it is asked for or an existing container has it; no document is read or written."""
        with pytest.raises(UnsupportedError, match="'/country'"):
            self.opened(name, partition_key="/country")
        raw = self.client.get_database_client(DATABASE).create_container(name, PartitionKey("/country"))
        store = self.opened(name)
        for call in (
            lambda: store["a"],
            lambda: store.set("a", 1),
            lambda: list(store),
            lambda: store.update({"a": 1}),
        ):
            with pytest.raises(StoreError, match="partition key /country"):
                call()
        assert list(raw.query_items("SELECT * FROM c", enable_cross_partition_query=True)) == []

    def test_database_and_container_are_made(self, name):
        """Both are made by the first write; a database that is there stays as it is."""
        with self.opened(name) as store:
            store["a"] = 1
        assert self.container(name).read()["partitionKey"]["paths"] == ["/id"]
        options = {"endpoint": endpoint(self.server), "credential": CREDENTIAL, **OPTIONS}
        with CosmosDBStore.open(f"db-{name}", "things", **options) as other:
            assert len(other) == 0
            assert f"db-{name}" not in [each["id"] for each in self.client.list_databases()]
            assert other.add("a", 1) is True
        assert self.client.get_database_client(f"db-{name}").get_container_client("things").read_item("a", "a")

    def test_the_container_goes_away(self, store, name):
        """A call on a container that was deleted is an error with a remedy, never absence; the next write makes it."""
        store.update({"a": 1, "b": 2})
        self.client.get_database_client(DATABASE).delete_container(name)
        with pytest.raises(StoreError, match="not there any more"):
            store["a"]
        assert store.get("a") is None
        store["b"] = 2
        assert list(store) == ["b"]
        self.client.get_database_client(DATABASE).delete_container(name)
        with pytest.raises(StoreError, match="not there any more"):
            store.get_many(["a", "b"])

    def test_a_replica_behind_is_no_absence(self, store):
        """404 with a substatus (1002: the session's write is not there yet) is an error, alone and in a batch."""
        store.update({f"k{number}": number for number in range(20)})
        # A key of each of the server's two partitions, so that the client reads each by itself.
        apart = [next(iter(share)) for share in store.partitions(2)]
        fault = {"status": 404, "headers": {"x-ms-substatus": "1002"}, "times": 100}
        for call in (lambda: store.get("k1"), lambda: store.get_many(apart), lambda: "k1" in store):
            answer_with(self.server, fault)
            with pytest.raises(StoreError):
                call()
            answer_with(self.server)
            assert None not in (result := call(), *(result if isinstance(result, list) else ()))

    def test_a_client_of_yours_stays_open(self, name):
        """A client that is handed in is used as it is and never closed."""
        with CosmosDBStore.open(database=DATABASE, container=name, client=self.client) as store:
            store.update({"a": 1, "b": 2})
        assert self.read(name, "a") == {"spoonbill__": {"value": 1}}

    def test_what_is_missing_is_said(self):
        """No address, no credential, wrong options: an error at open, or at the first use, that names them."""
        with pytest.raises(UnsupportedError, match="endpoint="):
            CosmosDBStore.open("d", "c")
        with pytest.raises(StoreError, match="Check the endpoint"):
            self.opened("c", credential=5)["a"]
        with pytest.raises(StoreError, match="Check the endpoint, the credential"):
            self.opened("c", credential="abc")["a"]

    def test_no_server_and_no_secret(self, server):
        """Neither repr nor an error shows a credential; a service that is not there is named with a remedy."""
        store = CosmosDBStore.open("d", "c", endpoint="http://127.0.0.1:9", credential="aHVzaC1zZWNyZXQ=", **OPTIONS)
        assert "aHVzaC" not in repr(store)
        with pytest.raises(StoreError, match=r"No service answers.*check endpoint=") as caught:
            store["a"]
        assert "aHVzaC" not in str(caught.value)
        answer_with(server, {"status": 404, "times": 100, "account": True})
        with pytest.raises(StoreError, match="Check the endpoint"):  # somebody else's server
            self.opened("c")["a"]
        answer_with(server)
        assert pickle.loads(pickle.dumps(store)).limits.key_bytes == 1023

    def test_a_server_that_goes_away(self, name):
        """Every call on a service that went away is a StoreError that tells so; after its return the store goes on."""
        with cosmosdb_server() as other:
            options = {"endpoint": endpoint(other), "credential": CREDENTIAL, **OPTIONS, "retry_connect": 0}
            with CosmosDBStore.open("d", name, **options) as store:
                store.update({"a": 1, "b": 2})
                other.stop()
                for call in (
                    lambda: store["a"],
                    lambda: store.set("a", 1),
                    lambda: store.update({"a": 1, "b": 2}),
                    lambda: store.get_many(["a", "b"]),
                    lambda: list(store),
                    lambda: len(store),
                    lambda: store.delete_many(["a", "b"]),
                ):
                    with pytest.raises(StoreError, match="No service answers"):
                        call()
                other.restart()
                with pytest.raises(StoreError, match="not there any more"):
                    store["a"]
                store["c"] = 3
                assert dict(store.items()) == {"c": 3}

    @pytest.mark.parametrize(
        ("status", "remedy"),
        [
            (401, "does not accept the credentials"),
            (403, "may not do this"),
            (429, "throttling.*retry_throttle_total="),
            (449, "call again"),
            (400, "the message says why"),
        ],
    )
    def test_errors_of_the_service(self, name, status, remedy):
        """Each is an error with a remedy, the service's own as its cause."""
        with self.opened(name, retry_throttle_total=1) as store:
            store.update({"a": 1, "b": 2})
            fault = {"status": status, "times": 1000, "headers": {"x-ms-retry-after-ms": "1"}, "message": "it says"}
            for call in (lambda: store["a"], lambda: store.set("a", 1), lambda: list(store), lambda: len(store)):
                answer_with(self.server, fault)
                with pytest.raises(StoreError, match=remedy) as caught:
                    call()
                assert "it says" in str(caught.value)
                assert caught.value.__cause__.status_code == status
            answer_with(self.server)

    def test_throttling_is_waited_out(self, store):
        """A few 429 are waited out by the client, and every write of a batch is there."""
        store["a"] = 1
        answer_with(self.server, {"status": 429, "times": 12, "headers": {"x-ms-retry-after-ms": "2"}})
        store.update({f"k{number}": number for number in range(50)})
        assert len(store) == 51

    def test_a_batch_that_the_service_refuses_in_part(self, name):
        """The error tells which keys of a batch are not written; the others are."""
        with self.opened(name, retry_throttle_total=1) as store:
            store["a"] = 1
            answer_with(self.server, {"status": 403, "method": "POST", "times": 3})
            keys = [f"k{number}" for number in range(60)]
            with pytest.raises(PartialWriteError, match="may not do this") as caught:
                store.update(dict.fromkeys(keys, 1))
            answer_with(self.server)
            assert caught.value.done == 60 - len(caught.value.failed)
            assert sorted(store) == sorted({"a", *keys} - {*caught.value.failed})
            assert len(caught.value.failed) >= 3

    def test_a_swap_that_is_overtaken_looks_again(self, store, name):
        """A document that another tool changes between look and write is looked at again."""
        store["a"] = {"n": 1}
        calls = []

        def changed_meanwhile(fields):
            if not calls:
                self.container(name).upsert_item({"id": "a", "n": 5})
            calls.append(fields["n"])
            return fields["n"] == 1

        assert store.raw.swap("a", changed_meanwhile, {"n": 2}) is False
        assert calls == [1, 5]
        assert store["a"] == {"n": 5}

    def test_a_pop_that_is_overtaken_looks_again(self, name):
        """What is popped is what was deleted, also where the document changed after it was read."""
        container = self.container(name)

        class Overtaken(RequestsTransport):
            def send(self, request, **options):
                response = super().send(request, **options)
                if request.method == "GET" and "/docs/a" in request.url and not seen:
                    seen.append(container.upsert_item({"id": "a", "n": 2}))
                return response

        seen = [0]
        with self.opened(name, transport=Overtaken()) as store:
            store["a"] = {"n": 1}
            del seen[:]
            assert store.pop("a") == {"n": 2}
            assert "a" not in store

    def test_pages_are_asked_for_one_by_one(self, name):
        """A loop that is left early has read one small page; a whole one reads larger pages and no value twice."""
        transport = Watched()
        with self.opened(name, transport=transport) as store:
            store.update({f"k{number:04}": {"n": number} for number in range(1150)})
            del transport.documents[:]
            for _ in store:
                break
            assert len(transport.documents) == 100
            del transport.documents[:]
            del transport.requests[:]
            assert sum(1 for _ in store.items()) == len(transport.documents) == 1150
            assert len(transport.requests) == 3  # of 100, 1,000 and 50
            del transport.documents[:]
            assert [len(list(found)) for found in (store.keys("k%", 7), store.items({"n": gt(3)}, 7))] == [7, 7]
            assert len(transport.documents) == 14

    def test_what_is_asked_and_billed_is_told(self, store):
        """The plan shows the query with its parameters, what is tested here, and what request units are for."""
        store["a~b"] = {"a": 1}
        plan = store.explain("a%", {"a": "1%", "b": gt(5)})
        assert 'STARTSWITH(c["id"], @p0)' in plan.native
        assert 'c["b"] > @p2 OR IS_DEFINED(c["b"]["spoonbill__"])' in plan.native
        assert "request units" in plan.scanned
        assert "'a' ~" not in plan.finished_here
        assert "b" in plan.finished_here
        plan = store.explain(glob("a~b"))
        assert "one document by its id" in plan.scanned
        assert not plan.finished_here
        assert list(store.keys(glob("a~b"))) == ["a~b"]
        assert "7 at most" in str(store.explain(limit=7))
        assert "no document can match" in str(store.explain(conditions={"a": eq(float("nan"))}))

    def test_shares_are_ranges_of_hashes(self, name):
        """Each share reads its own part alone, and every key is in one; none of them is empty with many keys."""
        transport = Watched()
        with self.opened(name, transport=transport) as store:
            keys = {f"k{number}" for number in range(400)} | {"", "..", "\u00e9" * 20, "\U0001f600"}
            store.update(dict.fromkeys(keys, 1))
            for count in (1, 2, 3, 7):
                shares = store.partitions(count)
                del transport.documents[:]
                parts = [list(share) for share in shares]
                assert len(parts) == count
                assert min(map(len, parts)) > 0.5 * len(keys) / count
                assert sorted(key for part in parts for key in part) == sorted(keys)
                assert len(transport.documents) == len(keys)

    def test_both_sides_of_a_fork(self, store):
        """Parent and child each go on after a fork, over connections and threads of their own."""
        store.update({"a": 1, "b": 2})
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                store.update({f"child-{number}": number for number in range(20)})
                code = 0
            finally:
                os._exit(code)
        store.update({f"parent-{number}": number for number in range(20)})
        assert os.waitpid(pid, 0)[1] == 0
        assert len(store) == 42

    def test_the_snippets_of_the_specification(self, name):
        """The specification's code runs, with this server's address and the names of a test."""
        snippet = """
from spoonbill.datastores import CosmosDBStore

store = CosmosDBStore.open(database='db',
                           container='container',
                           endpoint='endpoint',
                           credential='credential')
store['key'] = {'feature': 'value'}
"""
        for usual, ours in {
            "'endpoint'": repr(endpoint(self.server)),
            "'credential'": f"{CREDENTIAL!r}, **OPTIONS",
        }.items():
            snippet = snippet.replace(usual, ours)
        space = {"OPTIONS": OPTIONS}
        exec(snippet, space)
        store = space["store"]
        store.update({"key1": {"a": "11", "b": 1}, "key2": {"a": "2", "b": 1}, "b": 1})
        assert sorted(store.keys("k%")) == ["key", "key1", "key2"]
        assert sorted(store.keys(pattern="*", limit=10)) == ["b", "key", "key1", "key2"]
        assert list(store.values(keys=["key1", "key2"])) == [{"a": "11", "b": 1}, {"a": "2", "b": 1}]
        assert list(store.items(conditions={"a": "1%", "b": 1}, limit=10)) == [("key1", {"a": "11", "b": 1})]
        assert list(store.items(conditions={"a": like("1%"), "b": 1}, limit=10)) == [("key1", {"a": "11", "b": 1})]


SYSTEM = {"id", "_rid", "_self", "_etag", "_attachments", "_ts"}


def like_literal(text):
    return re.sub(r"([\\%_])", r"\\\1", text)


def glob_literal(text):
    return re.sub(r"([\\*?\[\]])", r"\\\1", text)
