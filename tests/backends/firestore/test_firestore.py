"""Firestore on a server of our own, checked with Google's client itself."""

import os
import pickle
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone

import pytest
from google.api_core.datetime_helpers import DatetimeWithNanoseconds
from google.api_core.exceptions import FailedPrecondition, InvalidArgument, ServiceUnavailable
from google.cloud import firestore
from google.cloud.firestore_v1.vector import Vector

from spoonbill import exists, glob, gt
from spoonbill.backends.shared import backoff
from spoonbill.datastores import Firestore
from spoonbill.errors import (
    CodecError,
    KeyDecodeError,
    KeyTooLongError,
    PartialWriteError,
    StoreError,
    UnansweredError,
    ValueTooLargeError,
)
from tests.backends.firestore.firestore_tests import FirestoreTests
from tests.contract.documents.document_contract import DocumentContract
from tests.contract.documents.document_expiry_contract import DocumentExpiryContract
from tests.servers.firestore_server import OPTIONS, ROOT


class TestFirestore(FirestoreTests, DocumentExpiryContract, DocumentContract):
    expires = {"expires": True}
    # -- values ------------------------------------------------------------------------------------------------

    def test_times(self, store, name):
        """An aware datetime is a timestamp to other tools, to the microsecond, and comes back as a plain datetime."""
        at = datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)
        store["a"] = {"at": at, "there": at.astimezone(timezone(timedelta(hours=2))), "naive": datetime(2024, 1, 1)}
        raw = self.read(name, "a")
        assert raw["at"] == raw["there"] == at
        assert type(raw["at"]) is DatetimeWithNanoseconds
        assert type(store["a"]["at"]) is datetime
        assert store["a"]["naive"] == datetime(2024, 1, 1)
        assert pickle.loads(pickle.dumps(store["a"])) == store["a"]
        self.written(name, "b", {"at": DatetimeWithNanoseconds(2024, 5, 6, nanosecond=123456789, tzinfo=UTC)})
        assert store["b"]["at"] == datetime(2024, 5, 6, 0, 0, 0, 123456, tzinfo=UTC)

    def test_types_of_the_client(self, store, name):
        """Points, references and vectors of another tool are kept in a document that is read and written again."""
        document = self.client.collection(name).document("x")
        elsewhere = firestore.Client(project="other", credentials=OPTIONS["credentials"]).document("c/d")
        foreign = {"where": firestore.GeoPoint(1.5, -2.0), "ref": document, "vector": Vector([1.0, 2.5])}
        self.written(name, "a", foreign)
        store["b"] = store["a"]
        assert self.read(name, "b") == foreign
        assert dict(store.items({"ref": exists()})).keys() == {"a", "b"}
        self.written(name, "c", {"far": elsewhere})
        assert store["c"] == {"far": elsewhere._document_path}

    def test_an_array_in_an_array(self, store, name):
        """The inner one is wrapped, the outer one is native, and both come back."""
        store["a"] = {"m": [[1, [2]], [], {"b": [[3]]}]}
        assert store["a"] == {"m": [[1, [2]], [], {"b": [[3]]}]}
        assert len(self.read(name, "a")["m"]) == 3
        assert self.read(name, "a")["m"][1] == {"spoonbill__": {"list": []}}

    def test_twenty_levels(self, store):
        """The service's twenty levels of maps and arrays can all be used, and no wrapping goes beyond them."""
        value = []
        for _ in range(19):
            value = {"a": value}
        store["a"] = {"top": value}
        assert store["a"] == {"top": value}
        for inner in (datetime(2024, 1, 1), {"__x__": 1}, [[1]]):
            deep = inner
            for _ in range(18):
                deep = {"a": deep}
            with pytest.raises(CodecError, match="21 levels"):
                store["b"] = {"top": deep, "more": {"a": deep}}

    @pytest.mark.parametrize(
        "name_of_field", ["__a__", "a.b", "`", "a`.`b", "\\", "/", "*", "x" * 1500, "x" * 1501, "1"]
    )
    def test_a_field_of_any_name_can_be_searched(self, store, name, name_of_field):
        """Names that a path quotes, and names that the service has no room for, are found like any other."""
        store.update({"a": {name_of_field: 5}, "b": {"other": 5}, "c": {name_of_field: "5", "other": 6}})
        assert dict(store.items({name_of_field: 5})) == {"a": {name_of_field: 5}}
        assert dict(store.items({name_of_field: gt(4)})) == {"a": {name_of_field: 5}}
        assert sorted(key for key, _ in store.items({name_of_field: exists()})) == ["a", "c"]
        if name_of_field not in {"__a__", "x" * 1501}:
            assert self.read(name, "a") == {name_of_field: 5}

    # -- limits ------------------------------------------------------------------------------------------------

    def test_limits_are_told_before_the_call(self, store, seen, watch):
        """A key over 1,500 bytes and a document over 1 MiB are refused with the limit; a long key is not there."""
        with pytest.raises(KeyTooLongError, match="1500"):
            store["\u00e9" * 751] = 1
        assert store.get("x" * 1501) is None
        assert list(store.keys(glob("x" * 1501))) == []
        store["x" * 1500] = {"a": "y" * 1_045_000}
        assert store["x" * 1500] == {"a": "y" * 1_045_000}
        for write in (seen.set, seen.add, seen.check, lambda key, value: seen.update([("b", 1), (key, value)])):
            with pytest.raises(ValueTooLargeError, match=r"1,048,576 bytes.*split"):
                write("big", {"a": ["y" * 600_000, b"z" * 600_000]})
        assert watch.calls == []

    def test_the_size_is_the_services(self, store, name):
        """The largest document that we let pass is the largest that the service takes."""
        path = f"{name}/a"
        room = (1 << 20) - 32 - 16 - len(path) - 1 - len("t") - 1 - len("s") - 1 - 1
        store["a"] = {"t": b"x" * (room - 10), "s": "y" * 10}
        assert len(self.read(name, "a")["t"]) == room - 10
        with pytest.raises(ValueTooLargeError):
            store.check("a", {"t": b"x" * (room - 9), "s": "y" * 10})
        with pytest.raises(ValueTooLargeError, match="too large, the engine holds"):
            raise store.raw._engine.translated(
                "set", "a", InvalidArgument("size (1,048,667 bytes) exceeds the maximum allowed size")
            )

    def test_too_many_index_entries(self, store):
        """A document with more index entries than the service takes is an error with a remedy; others are written."""
        with pytest.raises(StoreError, match=r"40,000 index entries.*exempt"):
            store["a"] = {"items": list(range(40_001))}
        pairs = {f"k{number}": {"n": number} for number in range(5)}
        with pytest.raises(PartialWriteError, match="index entries") as caught:
            store.update({**pairs, "bad": {"items": list(range(40_001))}, "last": {"n": 5}})
        assert caught.value.failed == ("bad",)
        assert caught.value.done == 6
        assert sorted(store) == [*pairs, "last"]

    def test_requests_stay_within_ten_megabytes(self, seen, watch):
        """Many large documents go in several requests, each below the service's limit, and nothing is lost."""
        pairs = {f"k{number}": {"text": f"{number}" * 400_000} for number in range(10, 25)}
        seen.update(pairs)
        assert watch.names() == ["BatchWrite"] * 2
        assert all(request.ByteSize() < 10 << 20 for _, request in watch.calls)
        assert dict(seen.items()) == pairs

    # -- many at once ------------------------------------------------------------------------------------------

    def test_a_swap_that_loses_the_race_looks_again(self, seen, watch, name):
        """Where another tool writes between the look and the write, the swap looks at what is there now."""
        seen["a"] = {"n": 1}

        def another_writes(call, _):
            if call == "Commit":
                watch.before = None
                self.written(name, "a", {"n": 5})

        watch.before = another_writes
        assert seen.replace("a", {"n": 1}, {"n": 2}) is False
        assert seen["a"] == {"n": 5}
        watch.before = another_writes
        assert seen.replace("a", {"n": 5}, {"n": 6}) is True
        assert self.read(name, "a") == {"n": 6}
        watch.before = another_writes
        assert seen.pop("a") == {"n": 5}
        assert self.read(name, "a") is None

    def test_a_refusal_that_is_no_race_is_an_error(self, seen, watch):
        """A swap that the service refuses though nobody changed the document is not tried for ever."""
        seen["a"] = {"n": 1}

        def refuse(call, _):
            if call == "Commit":
                raise FailedPrecondition("no such luck")

        watch.before = refuse
        for change in (lambda: seen.pop("a"), lambda: seen.replace("a", {"n": 1}, {"n": 2})):
            with pytest.raises(StoreError, match="no such luck"):
                change()

    def test_a_transaction_of_another_tool_sees_our_write(self, store, name):
        """Google's own transaction starts again where the store wrote what it read."""
        store["a"] = {"n": 1}
        reference = self.client.collection(name).document("a")
        tried = []

        @firestore.transactional
        def count_up(transaction):
            present = reference.get(transaction=transaction).to_dict()["n"]
            tried.append(present)
            if len(tried) == 1:
                assert store.replace("a", {"n": 1}, {"n": 10})
            transaction.set(reference, {"n": present + 1})

        count_up(self.client.transaction())
        assert tried == [1, 10]
        assert store["a"] == {"n": 11}

    def test_a_call_that_may_have_been_done_is_not_repeated(self, seen, watch):
        """A lost answer is an error for add, pop and replace, whose repetition would lie; a set is sent again."""
        seen["a"] = {"n": 1}

        def lose(call, _):
            if call in {"Commit", "BatchWrite"}:
                watch.after = None
                raise ServiceUnavailable("the answer was lost")

        for change in (
            lambda: seen.add("new", 1),
            lambda: seen.pop("a"),
            lambda: seen.replace("a", {"n": 2}, {"n": 3}),
            lambda: seen.delete("a"),
        ):
            seen["a"] = {"n": 2}
            watch.after = lose
            with pytest.raises(UnansweredError, match="may have been done"):
                change()
        watch.after = lose
        seen["a"] = {"n": 4}
        assert seen["a"] == {"n": 4}

    def test_what_is_throttled_is_sent_again(self, seen, watch, monkeypatch):
        """Writes of a batch that the service had no capacity for are sent again after growing pauses, those alone."""
        pauses = []
        monkeypatch.setattr(backoff, "pause", pauses.append)
        held = []

        def hold(call, request):
            if call == "BatchWrite" and len(pauses) < 3:
                held.append(len(request.writes) - 1)
                del request.writes[1:]

        def tell(call, answer):
            if call == "BatchWrite" and held:
                for _ in range(held.pop()):
                    answer.write_results.add()
                    answer.status.add(code=8, message="no capacity")

        watch.before, watch.after = hold, tell
        pairs = {f"k{number}": {"n": number} for number in range(10)}
        seen.update(pairs)
        assert len(pauses) == 3
        assert pauses[0] < pauses[2]
        assert dict(seen.items()) == pairs
        sent = [len(request.writes) for name, request in watch.calls if name == "BatchWrite"]
        assert sent == [1, 1, 1, 7]

    def test_shares_are_ranges_of_names(self, store):
        """The shares are ranges of names of about one size; there are no more shares than documents."""
        store.update({f"k{number:03}": number for number in range(100)})
        assert [len(list(share.keys())) for share in store.shares(3)] == [33, 33, 34]
        assert sum(len(list(share.keys())) for share in store.shares(130)) == 100
        store.clear()
        assert [list(share.keys()) for share in store.shares(2)] == [[]]

    # -- names and places --------------------------------------------------------------------------------------

    def test_a_collection_below_a_document(self, name):
        """A path with a slash is a subcollection, apart from its namesakes; a path of a document is refused."""
        with self.opened(f"{name}/doc/notes") as notes, self.opened(name) as top:
            notes["a"] = {"n": 1}
            assert self.client.collection(name, "doc", "notes").document("a").get().to_dict() == {"n": 1}
            assert list(notes) == ["a"]
            assert list(top) == []
            assert len(notes) == 1
            assert notes.pop("a") == {"n": 1}
        for path in (f"{name}/doc", "", "a//b", "/a"):
            with pytest.raises(ValueError, match="no path of a collection"):
                self.opened(path)
        with self.opened("__reserved__") as refused, pytest.raises(StoreError, match="reserved"):
            refused["a"] = 1

    def test_a_slash_in_a_key_writes_no_subcollection(self, store, name):
        """A key with slashes, dots or reserved names is one document of this very collection."""
        for key in ("a/b/c", "a/b", "..", ".", "__id__", "/"):
            store[key] = {"key": key}
        assert {reference.id for reference in self.client.collection(name).list_documents()} == {
            "a~2Fb~2Fc",
            "a~2Fb",
            "~2E.",
            "~2E",
            "~5F_id__",
            "~2F",
        }
        assert len(store) == 6
        assert list(self.client.collection(name, "a", "b").list_documents()) == []

    def test_a_key_of_another_tool(self, store, name):
        """An id with a ~ that this store would not have written is an error that names it."""
        self.written(name, "b~c", {"a": 1})
        with pytest.raises(KeyDecodeError, match="b~c"):
            list(store)

    def test_a_client_of_yours_stays_open(self, name):
        """A client that is handed in is used as it is and never closed; one that was closed is named."""
        client = firestore.Client(**OPTIONS)
        with Firestore.open(name, client=client) as store:
            store["a"] = {"n": 1}
        assert client.collection(name).document("a").get().to_dict() == {"n": 1}
        client._firestore_api.transport.close()
        with pytest.raises(StoreError, match="closed"):
            Firestore.open(name, client=client)["a"]

    # -- processes ---------------------------------------------------------------------------------------------

    def test_both_sides_of_a_fork(self, name):
        """With gRPC's support for forks, parent and child each go on, over connections of their own."""
        code = f"""
import os
from spoonbill.datastores import Firestore
from tests.servers.firestore_server import OPTIONS
store = Firestore.open({name!r}, **OPTIONS)
store["a"] = 1
pid = os.fork()
for number in range(20):
    store[("parent" if pid else "child") + str(number)] = number
if pid == 0:
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
assert len(store) == 41
"""
        environment = {**os.environ, "GRPC_ENABLE_FORK_SUPPORT": "1", "PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, "-c", code], check=True, env=environment, timeout=60)

    def test_a_forked_child_tries_its_connection(self, seen, watch):
        """Its first call is a read, which can be repeated where the connection of the parent gets in the way."""
        seen.raw._engine._born = -1
        seen.add("a", 1)
        assert watch.names() == ["RunQuery", "Commit"]

    def test_the_snippet_of_the_specification(self, name):
        """The specification's code runs, with credentials from the environment; a pickle is its configuration."""
        space = {}
        exec(
            f"from spoonbill.datastores import Firestore\nstore = Firestore.open(table_name={name!r})\n"
            "store['key'] = {'feature': 'value'}",
            space,
        )
        assert dict(space["store"].items({"feature": "value"})) == {"key": {"feature": "value"}}
        assert pickle.loads(pickle.dumps(Firestore("x", **OPTIONS))).limits.value_bytes == 1 << 20
