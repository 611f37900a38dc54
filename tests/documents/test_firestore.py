"""Firestore on a server of our own, checked with Google's client itself."""

import os
import pickle
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone

import pytest
from google.api_core.datetime_helpers import DatetimeWithNanoseconds
from google.api_core.exceptions import RetryError, ServiceUnavailable
from google.cloud import firestore
from google.cloud.firestore_v1.vector import Vector

from spoonbill import eq, exists, ge, glob, gt, isin, le, like, lt, ne, prefix, regex
from spoonbill.backends import firestore_link
from spoonbill.datastores import Firestore, InMemoryStore
from spoonbill.errors import (
    CodecError,
    KeyDecodeError,
    KeyTooLongError,
    PartialWriteError,
    StoreError,
    ValueTooLargeError,
)
from tests.documents.document_contract import DocumentContract
from tests.documents.firestore_watch import Watch, watched_client
from tests.servers.firestore_server import HOST, OPTIONS, ROOT, firestore_server


@pytest.fixture(scope="module", autouse=True)
def server():
    """One server for the module, and the raw client."""
    with firestore_server() as running, pytest.MonkeyPatch.context() as patched:
        patched.setenv(HOST, f"127.0.0.1:{running.port}")
        TestFirestore.client = firestore.Client(**OPTIONS)
        yield running


class TestFirestore(DocumentContract):
    @classmethod
    def opened(cls, name, **options):
        return Firestore.open(name, **{**OPTIONS, **options})

    @classmethod
    def read(cls, name, key):
        return cls.client.collection(name).document(key).get().to_dict()

    @classmethod
    def written(cls, name, key, fields):
        cls.client.collection(name).document(key).set(fields)

    @classmethod
    def watched(cls, name):
        watch = Watch()
        return Firestore.open(name, client=watched_client(watch)), watch.documents

    @pytest.fixture
    def watch(self):
        return Watch()

    @pytest.fixture
    def seen(self, name, watch):
        """A store whose calls a test sees."""
        with Firestore.open(name, client=watched_client(watch)) as store:
            yield store

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
            store["a"] = {"t": b"x" * (room - 9), "s": "y" * 10}
        with pytest.raises(ValueTooLargeError, match="too large, the engine holds"):
            raise store.raw.mapped("set", "a", _invalid("size (1,048,667 bytes) exceeds the maximum allowed size"))

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

    # -- searches ----------------------------------------------------------------------------------------------

    def test_long_texts_are_found(self, store):
        """Indexes hold 1,500 bytes of a text or of bytes: what differs after them is still found and told apart."""
        base = "\u00e9" * 800
        documents = {f"t{number}": {"t": base + end} for number, end in enumerate(["", "a", "b", "\U0010ffff"])}
        documents |= {f"b{number}": {"t": b"\xff" * 1600 + end} for number, end in enumerate([b"", b"a", b"\xff"])}
        documents |= {"near": {"t": base[:749] + "z"}, "short": {"t": "\u00e9"}}
        memory = InMemoryStore(documents)
        store.update(documents)
        operands = [value["t"] for value in documents.values()] + [base + "aa", b"\xff" * 1500]
        queries = [kind(operand) for kind in (eq, gt, ge, lt, le, ne) for operand in operands]
        queries += [isin(operands), isin(operands[:2]), prefix(base), prefix(base + "a"), like(base + "_")]
        for query in queries:
            expected = sorted(key for key, _ in memory.items({"t": query}))
            assert sorted(key for key, _ in store.items({"t": query})) == expected, query

    def test_zeros_and_nan(self, store):
        """0, 0.0 and -0.0 are one number, and a NaN is never less than one."""
        zeros = {"i": {"n": 0}, "f": {"n": 0.0}, "m": {"n": -0.0}}
        store.update({**zeros, "nan": {"n": float("nan")}, "one": {"n": 1}})
        for operand in (0, 0.0, -0.0):
            assert dict(store.items({"n": eq(operand)})).keys() == zeros.keys()
            assert dict(store.items({"n": ge(operand)})).keys() == {*zeros, "one"}
            assert dict(store.items({"n": gt(operand)})).keys() == {"one"}
            assert dict(store.items({"n": le(operand)})).keys() == zeros.keys()
            assert dict(store.items({"n": lt(operand)})).keys() == set()
            assert dict(store.items({"n": isin([operand, 7])})).keys() == zeros.keys()
        assert len(list(store.items({"n": lt(5)}, limit=4))) == 4

    def test_chunks_of_in(self, seen, watch):
        """A condition on a hundred values goes in portions of thirty, None apart, and finds each document once."""
        seen.update({f"k{number}": {"n": number if number % 3 else float(number)} for number in range(200)})
        seen["none"] = {"n": None}
        del watch.calls[:]
        wanted = [*range(100), *map(float, range(100)), None, True]
        found = [key for key, _ in seen.items({"n": isin(wanted)})]
        assert sorted(found) == sorted(["none", *(f"k{number}" for number in range(100))])
        sizes = [
            len(request.structured_query.where.field_filter.value.array_value.values) for _, request in watch.calls
        ]
        assert sorted(sizes) == [0, 12, 30, 30, 30]
        assert len(watch.documents) == 101

    def test_conditions_that_need_no_index_of_the_users(self, seen):
        """Any two conditions go together without a composite index, on fields, keys and values."""
        seen.update({f"k{number}": {"a": number % 3, "b": f"t{number}", "c": [number]} for number in range(30)})
        memory = InMemoryStore(dict(seen.items()))
        conditions = [eq(1), gt(0), lt("t2"), isin([0, 1]), isin(["t1", None]), exists(), eq([1]), prefix("t1"), ne(1)]
        for one in conditions:
            for other in conditions:
                query = {"a": one, "b": other, "c": exists()}
                assert dict(seen.items(query)) == dict(memory.items(query)), query

    def test_a_loop_that_moves_what_it_reads_ends(self, store):
        """Each match is given once, also where the loop writes it further along in the order of the search."""
        store.update({f"k{number:03}": {"n": number} for number in range(150)})
        seen = []
        for key, value in store.items({"n": ge(0)}):
            seen.append(key)
            store[key] = {"n": value["n"] + 1000}
        assert len(seen) == 150
        assert len(set(seen)) == 150

    def test_pages_of_long_values(self, store):
        """A search whose order is by long values goes on after the first page and gives each match once."""
        pairs = {f"k{number:03}": {"t": "x" * 1600 + str(number)} for number in range(130)}
        store.update(pairs)
        assert dict(store.items({"t": prefix("x")})) == pairs
        assert len(list(store.items({"t": exists()}))) == 130

    def test_only_names_are_sent_for_keys(self, seen, watch):
        """Membership, keys, key searches, len and deleting transfer no field; a page is 300 documents at most."""
        seen.update({f"k{number:04}": {"number": number} for number in range(1000)})
        del watch.calls[:]
        assert "k0001" in seen
        assert "none" not in seen
        assert len(list(seen.keys())) == 1000
        assert len(list(seen.keys(prefix("k00")))) == 100
        assert len(seen) == 1000
        assert seen.delete_many(["k0000", "none"]) == 1
        assert all(fields == {} for fields in watch.documents)
        queries = [request.structured_query for name, request in watch.calls if name == "RunQuery"]
        assert max(query.limit.value for query in queries) == 300
        assert all(query.offset == 0 for query in queries)
        assert "RunAggregationQuery" in watch.names()
        del watch.documents[:]
        for _ in seen:
            break
        assert len(watch.documents) <= 25
        del watch.documents[:]
        assert len(list(seen.items({"number": isin(range(1, 300))}, limit=7))) == 7
        assert len(watch.documents) == 7

    def test_keys_beside_a_bound(self, store):
        """Key searches whose range would end in what is no name (a dot, a slash) give what begins so alone."""
        keys = [
            "-",
            "-a",
            ".",
            "..",
            ".a",
            "a.",
            "a.b",
            "a/",
            "a/b",
            "a0",
            "_",
            "_^",
            "_^a",
            "__",
            "__a__",
            "\U0010ffff",
        ]
        store.update(dict.fromkeys(keys, 1))
        for text in [*keys, "a", "_", "~", "b"]:
            assert sorted(store.keys(prefix(text))) == sorted(key for key in keys if key.startswith(text)), text
            assert list(store.keys(glob(text))) == ([text] if text in keys else []), text

    def test_what_is_read_and_billed_is_told(self, store):
        """The plan says which filter goes to the service, what it bills, and what is left to do."""
        store["a~b"] = {"a": 1}
        plan = store.explain(glob("a~b"))
        assert "one read is billed" in plan.scanned
        assert not plan.finished_here
        assert list(store.keys(glob("a~b"))) == ["a~b"]
        assert "the name >= 'a' and the name < 'b'" in str(store.explain(prefix("a")))
        assert "7 at most of the" in str(store.explain(limit=7))
        assert "all documents" in str(store.explain(conditions={"a": exists(False)}))
        plan = store.explain(conditions={"a": 1, "b": gt(5), "c": regex(r"\d")})
        assert plan.native == "where 'a' == 1"
        assert "'b' > 5" in plan.finished_here
        assert "one read is billed for each" in plan.scanned

    def test_nothing_of_the_data_is_a_path(self, seen, watch):
        """Field names travel quoted as one name, operands as values."""
        list(seen.items({"a.b": 1, "x`": eq("y")}))
        (_, request) = watch.calls[-1]
        filters = request.structured_query.where.composite_filter.filters
        assert [each.field_filter.field.field_path for each in filters] == ["`a.b`", "`x\\``"]

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
            with pytest.raises(StoreError, match="not known whether a write was done"):
                change()
        watch.after = lose
        seen["a"] = {"n": 4}
        assert seen["a"] == {"n": 4}

    def test_what_is_throttled_is_sent_again(self, seen, watch, monkeypatch):
        """Writes of a batch that the service had no capacity for are sent again after growing pauses, those alone."""
        pauses = []
        monkeypatch.setattr(firestore_link, "pause", pauses.append)
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

    def test_partitions_share_out_evenly(self, store):
        """The shares are ranges of names of about one size; more shares than documents leave some empty."""
        store.update({f"k{number:03}": number for number in range(100)})
        assert [len(list(part)) for part in store.partitions(3)] == [33, 33, 34]
        assert sum(len(list(part)) for part in store.partitions(130)) == 100
        store.clear()
        assert [list(part) for part in store.partitions(2)] == [[], []]

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

    # -- trouble -----------------------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("options", "remedy"),
        [
            ({"project": "denied"}, "roles/datastore.user"),
            ({"project": "throttled"}, "throttling, or a quota.*call again later"),
            ({"project": "expired"}, "have expired: get new ones"),
            ({"project": "datastore"}, "Native mode"),
            ({"database": "missing"}, "no such database.*check project= and database="),
        ],
        ids=lambda value: next(iter(value.values())) if isinstance(value, dict) else "",
    )
    def test_errors_of_the_service(self, name, options, remedy):
        """Each trouble is an error with its remedy in every verb, never an absence, with the service's own as cause."""
        with self.opened(name, timeout=0.2, **options) as store:
            for call in (
                lambda: store["a"],
                lambda: "a" in store,
                lambda: store.set("a", 1),
                lambda: store.add("a", 1),
                lambda: store.delete("a"),
                lambda: store.pop("a", None),
                lambda: store.replace("a", 1, 2),
                lambda: list(store),
                lambda: list(store.items({"a": 1})),
                lambda: store.update({"a": 1, "b": 2}),
                lambda: list(store.values(keys=["a"])),
                lambda: len(store),
                lambda: store.partitions(2),
                lambda: store.clear(),
            ):
                with pytest.raises(StoreError, match=remedy) as caught:
                    call()
                assert caught.value.__cause__ is not None

    def test_no_server(self, name, monkeypatch):
        """A server that is down is an error after the store's timeout, whatever the verb, and no secret is shown."""
        monkeypatch.setenv(HOST, "127.0.0.1:9")
        with self.opened(name, timeout=0.2) as store:
            for call in (
                lambda: store["a"],
                lambda: store.set("a", 1),
                lambda: store.pop("a"),
                lambda: list(store),
                lambda: len(store),
                lambda: store.update({"a": 1}),
                lambda: store.delete("a"),
            ):
                with pytest.raises(StoreError, match=r"No service answered within.*timeout="):
                    call()
            assert "***" in repr(store)

    def test_a_server_that_comes_back(self, name):
        """A store outlives a restart of the server: reads and sets meanwhile wait for it."""
        with firestore_server() as other, pytest.MonkeyPatch.context() as patched:
            patched.setenv(HOST, f"127.0.0.1:{other.port}")
            with self.opened(name) as store:
                store["a"] = 1
                other.restart()
                store["b"] = 2
                assert dict(store.items()) == {"b": 2}

    def test_credentials_and_options_that_do_not_work(self, name, monkeypatch, tmp_path):
        """Missing credentials and options that mean nothing are errors with a remedy."""
        monkeypatch.delenv(HOST)
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
        with pytest.raises(StoreError, match="GOOGLE_APPLICATION_CREDENTIALS"):
            Firestore.open(name)["a"]
        with pytest.raises(StoreError, match="options"):
            self.opened(name, no_such_option=1)["a"]

    def test_what_the_client_gave_up_is_told(self, store):
        """The service's own error is named where the client wraps it."""
        error = store.raw.mapped("get", "a", RetryError("timeout exceeded", ServiceUnavailable("connection refused")))
        assert "connection refused" in str(error)

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


def _invalid(message):
    from google.api_core.exceptions import InvalidArgument

    return InvalidArgument(message)
