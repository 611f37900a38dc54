"""What a search of Firestore asks of the service, what it transfers, and that no filter loses a match."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from spoonbill import eq, exists, ge, glob, gt, isin, le, like, lt, ne, prefix, regex
from spoonbill.backends.firestore.pushdown import FirestorePushdown
from spoonbill.backends.firestore.scheme import FirestoreScheme
from spoonbill.backends.shared.documents import KeyEscape
from spoonbill.datastores import InMemoryStore
from spoonbill.query import compile_query
from tests.backends.firestore.firestore_tests import FirestoreTests


class TestSearch(FirestoreTests):
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

    def test_pages_of_long_values(self, seen, watch):
        """A search in the order of long values, which are no cursors, gives each match once."""
        pairs = {f"k{number:03}": {"t": "x" * 1600 + str(number)} for number in range(330)}
        pairs |= {f"s{number:03}": {"t": f"xy{number}"} for number in range(330)}
        seen.update(pairs)
        del watch.calls[:]
        found = [key for key, _ in seen.items({"t": prefix("x")})]
        assert sorted(found) == sorted(pairs)
        offsets = [request.structured_query.offset for _, request in watch.calls]
        assert offsets == [0, 32, 96, 224, 0]

    def test_pages_of_large_documents(self, seen, watch):
        """Pages of large documents stay small, so that no more than some 16 MB of them are in memory at once."""
        seen.update({f"k{number:02}": {"text": "x" * 700_000} for number in range(40)})
        del watch.calls[:]
        assert sum(1 for _ in seen.items()) == 40
        limits = [request.structured_query.limit.value for name, request in watch.calls if name == "RunQuery"]
        assert limits == [32, 23]

    def test_times_beyond_the_years_of_a_timestamp(self, store):
        """A datetime before the year 1 or after 9999 in UTC, which is no timestamp, is found by comparisons too."""
        early = datetime(1, 1, 1, 1, tzinfo=timezone(timedelta(hours=2)))
        late = datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-2)))
        documents = {"early": {"at": early}, "late": {"at": late}, "now": {"at": datetime(2024, 1, 1, tzinfo=UTC)}}
        documents["naive"] = {"at": datetime(2024, 1, 1)}
        memory = InMemoryStore(documents)
        store.update(documents)
        for operand in (value["at"] for value in documents.values()):
            for query in (kind(operand) for kind in (eq, gt, ge, lt, le, ne)):
                assert dict(store.items({"at": query})) == dict(memory.items({"at": query})), query

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
        assert len(watch.documents) <= 32
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


@pytest.mark.parametrize(
    ("condition", "tests"),
    [
        (eq(2**60), [(">=", 2.0**60 - 128), ("<=", 2.0**60 + 256)]),
        (gt(2**53), [(">=", 2**53)]),
        (lt(-(2**70)), [("<=", -(2.0**70) + 2**17)]),
        (eq(10**400), [(">=", float("inf")), ("<=", float("inf"))]),
        (eq([[1]]), [("there", None)]),
        (eq([1, 0]), [("there", None)]),
        (eq({"a": {"b": "x"}}), [("==", {"a": {"b": "x"}})]),
        (eq({"a": 0.0}), [("there", None)]),
        (eq({"a": "x" * 1400}), [("there", None)]),
        (eq([2**53]), [("there", None)]),
        (isin([1, 2**53]), [("there", None)]),
        (isin([True, 1, 1.0]), [("in", [True, 1])]),
        (ne(5), [("there", None)]),
    ],
    ids=str,
)
def test_filters_hold_however_the_service_compares(condition, tests):
    """What the test's server compares exactly is widened all the same, since the service's documents do not say so."""
    narrowed = FirestorePushdown(FirestoreScheme(), KeyEscape()).push(compile_query(conditions={"f": condition}))
    (asked,) = narrowed.filter.alternatives
    assert [(test.sign, test.operand) for test in asked] == tests
    assert all(test.path == ("f",) for test in asked)


def test_a_path_that_is_too_long_is_not_sent():
    """A field whose quoted name is longer than a path may be is searched here."""
    for name in ("x" * 1500, "`" * 750, "\u00e9" * 740):
        narrowed = FirestorePushdown(FirestoreScheme(), KeyEscape()).push(compile_query(conditions={name: eq(1)}))
        assert narrowed.filter is None
        assert not narrowed.exact
