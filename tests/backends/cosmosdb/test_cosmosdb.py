"""CosmosDBStore on a server, checked with azure-cosmos itself."""

import re

import pytest
from azure.cosmos import PartitionKey
from azure.cosmos.exceptions import CosmosHttpResponseError

from spoonbill import eq, glob, gt, like
from spoonbill.datastores import CosmosDBStore
from spoonbill.errors import (
    KeyDecodeError,
    KeyTooLongError,
    StoreError,
    UnsupportedError,
    ValueTooLargeError,
)
from tests.backends.cosmosdb.cosmosdb_tests import DATABASE, SYSTEM, CosmosDBTests, Watched
from tests.contract.documents.document_contract import DocumentContract
from tests.contract.documents.document_expiry_contract import DocumentExpiryContract
from tests.servers.cosmosdb_server import CREDENTIAL, OPTIONS, endpoint


class TestCosmosDB(CosmosDBTests, DocumentExpiryContract, DocumentContract):
    expires = {"expires": True}
    keeps_float_type = False
    ones = "1%"

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
                re.fullmatch(r'\{"query":"[ \w@=>.,*()\[\]]*(\\"[\\\w]*\\"[ \w@=>.,()\[\]]*)*",', query)
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
        options = {"endpoint": endpoint(self.running), "credential": CREDENTIAL, **OPTIONS}
        with CosmosDBStore.open(f"db-{name}", "things", **options) as other:
            assert len(other) == 0
            assert f"db-{name}" not in [each["id"] for each in self.client.list_databases()]
            assert other.add("a", 1) is True
        assert self.client.get_database_client(f"db-{name}").get_container_client("things").read_item("a", "a")

    def test_a_client_of_yours_stays_open(self, name):
        """A client that is handed in is used as it is and never closed."""
        with CosmosDBStore.open(database=DATABASE, container=name, client=self.client) as store:
            store.update({"a": 1, "b": 2})
        assert self.read(name, "a") == {"spoonbill__": {"value": 1}}

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
                shares = store.shares(count)
                del transport.documents[:]
                parts = [list(share.keys()) for share in shares]
                assert len(parts) == count
                assert min(map(len, parts)) > 0.5 * len(keys) / count
                assert sorted(key for part in parts for key in part) == sorted(keys)
                assert len(transport.documents) == len(keys)

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
            "'endpoint'": repr(endpoint(self.running)),
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


def like_literal(text):
    return re.sub(r"([\\%_])", r"\\\1", text)


def glob_literal(text):
    return re.sub(r"([\\*?\[\]])", r"\\\1", text)
