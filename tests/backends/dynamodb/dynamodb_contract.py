"""What DynamoDBStore keeps on either server, checked with boto3's low-level client."""

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from spoonbill.backends.dynamodb.wire import from_wire, to_wire
from spoonbill.backends.shared import backoff
from spoonbill.datastores import DynamoDBStore
from spoonbill.errors import (
    InvalidKeyError,
    KeyDecodeError,
    KeyTooLongError,
    PartialWriteError,
    StoreError,
    UnsupportedError,
    ValueTooLargeError,
)
from tests.contract.documents.document_contract import DocumentContract
from tests.contract.documents.document_expiry_contract import DocumentExpiryContract


class DynamoDBContract(DocumentExpiryContract, DocumentContract):
    keeps_float_type = False
    options: dict[str, Any] = {}
    client: Any = None

    @classmethod
    def opened(cls, name, **options):
        return DynamoDBStore.open(name, **{**cls.options, **options})

    @classmethod
    def read(cls, name, key):
        item = cls.client.get_item(TableName=name, Key={"key": {"S": key}}, ConsistentRead=True).get("Item")
        if item is not None:
            del item["key"]
            item = {field: from_wire(wire) for field, wire in item.items()}
            assert len(item["spoonbill__"].pop("rev")) == 18
            if not item["spoonbill__"]:
                del item["spoonbill__"]
        return item

    @classmethod
    def written(cls, name, key, fields):
        if name not in cls.client.list_tables()["TableNames"]:
            cls.opened(name)["x"] = 1
            cls.opened(name).clear()
        cls.client.put_item(
            TableName=name, Item={"key": {"S": key}, **{field: to_wire(value) for field, value in fields.items()}}
        )

    @classmethod
    def watched(cls, name):
        seen, calls = [], []

        def note(parsed, model, **_):
            calls.append(model.name)
            responses = [item for items in parsed.get("Responses", {}).values() for item in items]
            for item in [*parsed.get("Items", []), *responses]:
                seen.append({field: from_wire(wire) for field, wire in item.items()})

        client = boto3.session.Session().client("dynamodb", **cls.options)
        client.meta.events.register("after-call.dynamodb", note)
        return DynamoDBStore.open(name, client=client), seen, calls

    def table(self, name, *keys):
        """Make a table by the raw client, with keys given as (name, type, role)."""
        self.client.create_table(
            TableName=name,
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind} for key, kind, _ in keys],
            KeySchema=[{"AttributeName": key, "KeyType": role} for key, _, role in keys],
            BillingMode="PAY_PER_REQUEST",
        )

    def test_the_key_of_an_existing_table_is_read(self, name):
        """Name and type of the key are the table's; a field of that name is a field; a range key is refused by name."""
        self.table(name, ("who", "S", "HASH"))
        with self.opened(name) as store:
            store["a"] = {"who": "b", "key": 1}
            assert dict(store.items()) == {"a": {"who": "b", "key": 1}}
            assert self.client.get_item(TableName=name, Key={"who": {"S": "a"}})["Item"]["key"] == {"N": "1"}
        self.table(f"{name}-range", ("who", "S", "HASH"), ("when", "N", "RANGE"))
        with pytest.raises(StoreError, match="range key, 'when'"):
            self.opened(f"{name}-range")["a"]
        with pytest.raises(StoreError, match="of type S, not N"):
            self.opened(name, key_type="N")["a"]

    def test_number_keys(self, name):
        """Equal numbers are one key; what is no number, or more than 38 digits, is refused by name."""
        with self.opened(name, key_type="N") as store:
            store.update({1: {"a": 1}, 2.5: {"a": 2}, -(10**20): {"a": 3}, 1e21: {"a": 4}, 0.1: {"a": 5}})
            store[1.0] = {"a": 6}
            assert dict(store.items()) == {
                1: {"a": 6},
                2.5: {"a": 2},
                -(10**20): {"a": 3},
                10**21: {"a": 4},
                0.1: {"a": 5},
            }
            assert list(store.keys(r"\d+$"))
            assert set(store.keys("1")) == {1, 10**21}
            assert list(store.values(keys=[2.5, 7, 0.1])) == [{"a": 2}, None, {"a": 5}]
            assert store.pop(2.5) == {"a": 2}
            for key in ("1", True, float("nan"), float("inf"), 10**38 + 1, 5e-324):
                with pytest.raises(InvalidKeyError, match="an int or a float"):
                    store[key] = 1
            self.client.put_item(TableName=name, Item={"key": {"N": "1.23456789012345678901234567890"}})
            with pytest.raises(KeyDecodeError):
                list(store)

    def test_bytes_keys(self, name):
        """Bytes are keys as they are."""
        with self.opened(name, key_type="B") as store:
            store[b"\x00\xff"] = {"a": 1}
            store.update({b"b": {"a": 2}})
            assert dict(store.items()) == {b"\x00\xff": {"a": 1}, b"b": {"a": 2}}
            assert store.get_many([b"b", b"c"]) == [{"a": 2}, None]
            for key in ("b", b"", bytearray(b"b")):
                with pytest.raises(InvalidKeyError, match="bytes"):
                    store[key] = 1
        with pytest.raises(UnsupportedError, match="strict=False"):
            self.opened(name, key_type="B", strict=False)

    def test_limits_are_told_before_the_call(self, store):
        """A key over 2,048 bytes and an item over 400 KB are refused with the limit; a long key is simply not there."""
        with pytest.raises(KeyTooLongError, match="2048"):
            store["\u00e9" * 1025] = 1
        assert store.get("x" * 3000) is None
        assert store.get_many(["x" * 3000, "a"]) == [None, None]
        store["x" * 2048] = {"a": "y" * 390_000}
        assert len(store["x" * 2048]["a"]) == 390_000
        for write in (store.set, store.add, store.check, lambda key, value: store.update([("b", 1), (key, value)])):
            with pytest.raises(ValueTooLargeError, match=r"409,600 bytes.*split"):
                write("big", {"a": "y" * 400 * 1024})
        assert list(store) == ["x" * 2048]

    def test_types_of_other_tools(self, store, name):
        """Sets, and numbers that a float would round, come back as they are."""
        store["a"] = 1
        item = {"s": {"SS": ["x", "y"]}, "n": {"NS": ["1", "2.5"]}, "b": {"BS": [b"z"]}}
        item |= {"long": {"N": "0.12345678901234567890123456789"}, "big": {"N": "1E+30"}, "whole": {"N": "5.0"}}
        self.client.put_item(TableName=name, Item={"key": {"S": "t"}, **item})
        found = store["t"]
        assert found["s"] == {"x", "y"}
        assert found["n"] == {1, 2.5}
        assert found["b"] == {b"z"}
        assert str(found["long"]) == "0.12345678901234567890123456789"
        assert found["big"] == 10**30
        assert type(found["big"]) is int
        assert found["whole"] == 5

    def test_a_key_of_another_tool(self, store, name):
        """A key with a ~ that this store would not have written is an error that names it."""
        store["a"] = 1
        self.client.put_item(TableName=name, Item={"key": {"S": "b~c"}})
        with pytest.raises(KeyDecodeError, match="b~c"):
            list(store)

    def test_every_write_leaves_a_token(self, store, name):
        """A swap is refused where another tool changed an attribute, though not the token."""
        store["a"] = {"n": 1}
        first = self.client.get_item(TableName=name, Key={"key": {"S": "a"}})["Item"]["spoonbill__"]
        store["a"] = {"n": 1}
        assert self.client.get_item(TableName=name, Key={"key": {"S": "a"}})["Item"]["spoonbill__"] != first
        raw = store.raw._engine
        calls = []

        def changed_meanwhile(fields):
            if not calls:
                self.client.update_item(
                    TableName=name,
                    Key={"key": {"S": "a"}},
                    UpdateExpression="SET #n = :n",
                    ExpressionAttributeNames={"#n": "n"},
                    ExpressionAttributeValues={":n": {"N": "5"}},
                )
            calls.append(fields["n"])
            return fields["n"] == 1

        assert raw.swap("a", changed_meanwhile, {"n": 2}) is False
        assert calls == [1, 5]
        assert store["a"] == {"n": 5}

    def test_the_table_is_asked_for_once_a_query(self, store):
        """A value or a search with many fields asks for the table once, not once a field."""
        store["a"] = {f"f{number}": number for number in range(50)}
        engine = store.raw._engine
        table, asked = engine._table, []

        def ask():
            asked.append(1)
            return table()

        engine._table = ask
        try:
            store.explain(conditions={f"f{number}": number for number in range(50)})
            assert len(asked) == 1
            store.check("a", {f"f{number}": number for number in range(50)})
            assert len(asked) <= 3
        finally:
            engine._table = table

    def test_many_attributes_swap(self, store):
        """An item with more attributes than a condition takes is swapped too."""
        many = {f"field-{number}": number for number in range(400)}
        store["a"] = many
        assert store.replace("a", many, {"b": 1}) is True

    def test_the_table_goes_away(self, store, name):
        """A call on a table that was deleted is an error with a remedy; the next write makes it anew."""
        store["a"] = 1
        self.client.delete_table(TableName=name)
        with pytest.raises(StoreError, match="not there any more"):
            store["a"]
        store["b"] = 2
        assert list(store) == ["b"]

    def test_a_client_of_yours_stays_open(self, name):
        """A client that is handed in is used and never closed."""
        client = boto3.session.Session().client("dynamodb", **self.options)
        with DynamoDBStore.open(name, client=client) as store:
            store["a"] = 1
        assert client.get_item(TableName=name, Key={"key": {"S": "a"}})["Item"]

    def test_no_secret_is_shown(self, name):
        """Neither repr nor an error shows a credential; a service that does not answer is named with a remedy."""
        store = self.opened(name, aws_session_token="hush-token", endpoint_url="http://127.0.0.1:9")
        assert "hush" not in repr(store)
        assert "hush" not in repr(store.raw)
        options = boto3.session.Config(retries={"max_attempts": 1}, connect_timeout=1)
        with pytest.raises(StoreError, match="No service answers") as caught:
            self.opened(name, endpoint_url="http://127.0.0.1:9", config=options)["a"]
        assert "hush" not in str(caught.value)

    @pytest.mark.parametrize(
        ("code", "remedy"),
        [
            ("ExpiredTokenException", "have expired: get new ones"),
            ("UnrecognizedClientException", "does not accept the credentials"),
            ("ProvisionedThroughputExceededException", "on-demand"),
            ("ThrottlingException", "call again later"),
            ("AccessDeniedException", "grant them"),
        ],
    )
    def test_errors_of_the_service(self, name, code, remedy):
        """Expired credentials and throttling are errors with a remedy, the service's own as their cause."""
        client = boto3.session.Session().client("dynamodb", **self.options)
        store = DynamoDBStore.open(name, client=client)
        store["a"] = 1
        with Stubber(client) as stubbed:
            for method in ("get_item", "put_item", "scan"):
                stubbed.add_client_error(method, code, "it says")
            for call in (lambda: store["a"], lambda: store.set("a", 1), lambda: len(store)):
                with pytest.raises(StoreError, match=remedy) as caught:
                    call()
                assert code in str(caught.value.__cause__)

    def test_what_is_left_undone_is_asked_for_again(self, name, monkeypatch):
        """Unprocessed writes and keys are sent again after growing pauses; in the end the error names what is left."""
        pauses = []
        monkeypatch.setattr(backoff, "pause", pauses.append)
        client = boto3.session.Session().client("dynamodb", **self.options)
        store = DynamoDBStore.open(name, client=client)
        store["a"] = 1
        refusing = [3]

        def leave_some(params, **_):
            wanted = params["RequestItems"][name]
            requests = wanted["Keys"] if isinstance(wanted, dict) else wanted
            if refusing[0] and len(requests) >= 1:
                refusing[0] -= 1
                left.append(requests[1:] or requests)
                del requests[1:]

        left: list[Any] = []

        def give_back(parsed, **_):
            if left:
                rest = left.pop()
                if "Responses" in parsed:
                    parsed["UnprocessedKeys"] = {name: {"Keys": rest, "ConsistentRead": True}}
                else:
                    parsed["UnprocessedItems"] = {name: rest}

        client.meta.events.register("provide-client-params.dynamodb.BatchWriteItem", leave_some)
        client.meta.events.register("provide-client-params.dynamodb.BatchGetItem", leave_some)
        client.meta.events.register("after-call.dynamodb", give_back)
        pairs = {f"k{number}": number for number in range(30)}
        store.update(pairs)
        assert len(pauses) == 3
        assert pauses[2] > pauses[0]
        refusing[0] = 2
        assert list(store.values(keys=pairs)) == list(pairs.values())
        refusing[0] = 1000
        with pytest.raises(PartialWriteError, match=r"undone.*call again") as caught:
            store.update(dict.fromkeys(pairs, -1))
        assert 0 < caught.value.done < 30
        assert len(caught.value.failed) == 30 - caught.value.done
        refusing[0] = 0
        assert [key for key in pairs if store[key] == -1] == [key for key in pairs if key not in caught.value.failed]

    def test_a_scan_in_parallel_segments(self, name):
        """A scan in four segments at once gives each key once, also where it is left early."""
        with self.opened(name, segments=4) as store:
            pairs = {f"k{number}": {"n": number, "text": "x" * 5000} for number in range(400)}
            store.update(pairs)
            assert dict(store.items()) == pairs
            assert len(store) == 400
            assert sorted(store) == sorted(pairs)
            assert len(list(store.items({"n": 5}))) == 1
            assert len(list(store.items(limit=7))) == 7
            for _ in store:
                break

    def test_what_is_read_and_billed_is_told(self, store):
        """The plan says that a scan is billed for the whole table, and that one key is read by itself."""
        store["a~b"] = {"a": 1}
        assert "every item is read and billed" in str(store.explain("a*", {"a": "1+"}))
        assert "begins_with(#n0, :v0)" in str(store.explain("a"))
        from spoonbill import glob, regex

        plan = store.explain(glob("a~b"))
        assert "one item by its key" in plan.scanned
        assert not plan.finished_here
        assert list(store.keys(glob("a~b"))) == ["a~b"]
        assert "7 items at most" in str(store.explain(limit=7))
        assert store.explain(conditions={"a": regex(r"\d"), "b": "x"}).finished_here

    def test_the_shared_snippet_of_the_specification(self, name):
        """The specification's searches run on this store as they are written."""
        space = {"store": self.opened(name)}
        space["store"].update({"key1": {"a": "11", "b": 1}, "key2": {"a": "2", "b": 1}})
        exec(
            """
keys = store.keys(pattern="*", limit=10)
values = store.values(keys=['key1', 'key2'])
items = store.items(conditions={'a': '1+', 'b': 1}, limit=10)
store['key'] = {'a': 1, 'b': 2}
""",
            space,
        )
        assert sorted(space["keys"]) == ["key", "key1", "key2"]
        assert list(space["values"]) == [{"a": "11", "b": 1}, {"a": "2", "b": 1}]
        assert list(space["items"]) == [("key1", {"a": "11", "b": 1})]
