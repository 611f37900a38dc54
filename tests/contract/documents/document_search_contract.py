"""What every search of a document store keeps, whole and in shares, as tests."""

import pickle
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given, settings

from spoonbill import eq, field, isin, prefix, regex
from spoonbill.backends.shared.documents import RESERVED
from spoonbill.datastores import InMemoryStore
from spoonbill.errors import QueryError
from spoonbill.query import Query, compile_query
from spoonbill.store import Store
from tests.contract.documents import samples
from tests.contract.documents.document_fixtures import EXAMPLES, DocumentFixtures
from tests.helpers.names import shown


class DocumentSearchContract(DocumentFixtures):
    # -- searches ----------------------------------------------------------------------------------------------

    def test_the_shared_example(self, store: Store[Any, Any]) -> None:
        """The specification's searches give what they give in memory."""
        memory: InMemoryStore[Any, Any] = InMemoryStore()
        for each in (store, memory):
            each.update({f"key{number}": {"a": "1" * (number % 3), "b": number % 2} for number in range(20)})
        assert sorted(store.keys(pattern="*", limit=100)) == sorted(memory.keys(pattern="*", limit=100))
        assert len(list(store.keys(pattern="*", limit=10))) == 10
        assert list(store.values(keys=["key1", "key2"])) == list(memory.values(keys=["key1", "key2"]))
        found = dict(store.items(conditions={"a": self.ones, "b": 1}, limit=10))
        assert found == dict(memory.items(conditions={"a": "1+", "b": 1}, limit=10))
        assert len(list(store.items(conditions={"a": self.ones}, limit=10))) == 10

    @settings(EXAMPLES, max_examples=150)
    @given(query=samples.queries)
    def test_conditions_mean_what_they_mean_in_memory(self, searched: Any, query: Any) -> None:
        """Whatever the engine filters, the answer is that of InMemoryStore."""
        store, memory = searched
        assume(self.orders_any_types or not samples.orders(query))
        assert sorted(key for key, _ in store.items(query)) == sorted(key for key, _ in memory.items(query))

    @pytest.mark.parametrize("pattern", samples.PATTERNS, ids=shown)
    def test_patterns_mean_what_they_mean_in_memory(self, searched: Any, pattern: Any) -> None:
        """A pattern on keys, on a field and on values themselves finds what it finds in memory."""
        store, memory = searched
        assert sorted(store.keys(pattern)) == sorted(memory.keys(pattern))
        for wanted in ({"a": pattern}, pattern):
            assert sorted(key for key, _ in store.items(wanted)) == sorted(key for key, _ in memory.items(wanted))
        assert str(store.explain(pattern, {"a": pattern}))

    def test_a_limit_counts_matches(self, searched: Any) -> None:
        """A limit below and above the number of matches, on keys and on items."""
        store, memory = searched
        for limit in (1, 5, 1000):
            assert len(list(store.keys(prefix("k"), limit))) == len(list(memory.keys(prefix("k"), limit)))
            assert len(list(store.items({"b": isin(range(3, 60))}, limit))) == len(
                list(memory.items({"b": isin(range(3, 60))}, limit))
            )

    def test_only_what_matches_is_transferred(self, name: str) -> None:
        """Ten of 5,000 documents cross the wire, in one request, where a search selects ten; len and keys no value."""
        store, seen, requests = self.watched(name)
        with store:
            store.update({f"k{number:04}": {"number": number, "text": "x" * 20} for number in range(5000)})
            del seen[:], requests[:]
            found = list(store.items({"number": isin(range(10))}))
            assert len(found) == 10
            assert len(seen) == 10
            assert len(requests) == 1
            del seen[:], requests[:]
            assert len(list(store.items({"text": regex("x+")}, limit=3))) == 3
            assert len(seen) < 2500
            del seen[:], requests[:]
            assert len(store) == 5000
            assert len(requests) <= 4  # Cosmos asks each part of the container
            assert not any("number" in document for document in seen)
            del requests[:]
            assert len(list(store)) == 5000
            assert len(requests) <= 25  # pages
            assert len(list(store.keys())) == len(list(store.keys(regex("k.*")))) == 5000
            assert not any("number" in document for document in seen)
            del seen[:]
            assert bool(store)
            assert sorted(store.keys(regex("k000[12]"))) == ["k0001", "k0002"]
            assert len(seen) < 2500
            parts = [list(share.keys()) for share in store.shares(4)]
            assert sorted(key for part in parts for key in part) == sorted(store)
            assert all(parts)

    @settings(EXAMPLES, max_examples=150)
    @given(query=samples.nested_queries)
    def test_conditions_on_fields_of_fields(self, searched: Any, query: Any) -> None:
        """Conditions on nested fields, several levels deep and under any name, find what they find in memory."""
        store, memory = searched
        assume(self.orders_any_types or not samples.orders(query))
        assert sorted(key for key, _ in store.items(query)) == sorted(key for key, _ in memory.items(query))

    def test_a_nested_field_is_filtered_by_the_engine(self, name: str) -> None:
        """Three of 500 documents cross the wire for a condition on a field of a field; the plan names it."""
        store, seen, _ = self.watched(name)
        with store:
            store.update({f"k{number:03}": {"geo": {"lat": number, "x": "t"}} for number in range(500)})
            del seen[:]
            assert sorted(store.keys()) == [f"k{number:03}" for number in range(500)]
            del seen[:]
            assert {key for key, _ in store.items({field("geo", "lat"): isin([1, 2, 3])})} == {"k001", "k002", "k003"}
            assert len(seen) == 3
            del seen[:]
            assert [key for key, _ in store.items({"geo": {"lat": eq(7)}})] == ["k007"]
            assert len(seen) == 1
            assert "lat" in store.explain(conditions={"geo": {"lat": eq(7)}}).native

    def test_a_map_that_only_looks_like_ours_is_found_once(self, store: Store[Any, Any], name: str) -> None:
        """Another tool's map that holds the field and the reserved name is one answer, and so is a wrapped map."""
        store["a"] = {"c": {"k": 1, "$odd.": 2, "": 3}}
        self.written(name, "b", {"c": {"k": 1, RESERVED: {"map": []}}})
        assert sorted(key for key, _ in store.items({"c": {"k": eq(1)}})) == ["a", "b"]
        assert sorted(store.keys()) == ["a", "b"]

    # -- shares ------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("given", samples.SHARED, ids=repr)
    def test_shares_of_a_search_are_exact(self, searched: Any, given: Any) -> None:
        """What the engine yields for the parts of a search, before it is tested again: each match once."""
        store, memory = searched
        pattern, conditions = given
        query = compile_query(pattern, **({} if conditions is None else {"conditions": conditions}))
        wanted = sorted(key for key, value in memory.entries() if query.matches(key, value))
        assert wanted
        for count in (1, 2, 5):
            shares = store.shares(count, **_given(pattern, conditions))
            assert 1 <= len(shares) <= count
            assert sorted(key for share in shares for key in share.keys()) == wanted
            assert sorted(key for share in shares for key, _ in share.entries()) == wanted
            raw = Counter(
                key for share in shares for key, _ in store.raw.select(_within(query, share.part)) if key in wanted
            )
            assert raw == Counter(wanted)

    def test_a_part_of_another_store_is_refused(self, store: Store[Any, Any]) -> None:
        """A part of a kind that the engine does not make is an error, and not everything."""
        store["a"] = {"n": 1}
        with pytest.raises(QueryError, match="did not make"):
            list(store.select(Query(part=("odd", 1))))
        assert [key for key, _ in store.select(Query(part=("names", ("a", "b"))))] == ["a"]

    def test_shares_are_read_in_another_process(self, store: Store[Any, Any]) -> None:
        """A share is less than 1.5 KB, and a process that unpickles it reads exactly its keys."""
        store.update({f"k{number:03}": {"n": number, "even": number % 2 == 0} for number in range(200)})
        shares = store.shares(3, conditions={"even": eq(True)})
        data = pickle.dumps(shares)
        assert all(len(pickle.dumps(share)) < 1500 for share in shares)
        program = (
            "import pickle, sys\n"
            "shares = pickle.load(sys.stdin.buffer)\n"
            "pickle.dump([[key for key, _ in share.entries()] for share in shares], sys.stdout.buffer)\n"
        )
        done = subprocess.run([sys.executable, "-c", program], input=data, capture_output=True, check=True, timeout=120)
        read = pickle.loads(done.stdout)
        assert read == [list(share.keys()) for share in shares]
        assert sorted(key for keys in read for key in keys) == [f"k{number:03}" for number in range(0, 200, 2)]

    def test_shares_while_others_write(self, store: Store[Any, Any]) -> None:
        """While another thread sets and deletes keys beside, every lasting key is in exactly one share."""
        lasting = [f"k{number:03}" for number in range(150)]
        store.update({key: {"n": 1} for key in lasting})
        stop = threading.Event()

        def write() -> None:
            number = 0
            while not stop.is_set():
                number += 1
                store.update(
                    {f"j{number % 7}": {"n": 1}, f"k{number % 150:03}x": {"n": 1}, f"k{number % 150:03}": {"n": 2}}
                )
                store.delete_many([f"k{(number - 3) % 150:03}x", f"j{(number + 2) % 7}"])

        thread = threading.Thread(target=write)
        thread.start()
        try:
            for _ in range(3):
                found = Counter(key for share in store.shares(4) for key in share.keys())
                assert {key: found[key] for key in lasting} == dict.fromkeys(lasting, 1)
                assert max(found.values()) == 1
        finally:
            stop.set()
            thread.join()


def _given(pattern: Any, conditions: Any) -> dict[str, Any]:
    given: dict[str, Any] = {} if pattern is None else {"pattern": pattern}
    return given if conditions is None else {**given, "conditions": conditions}


def _within(query: Query, part: Any) -> Query:
    return replace(query, part=part)
