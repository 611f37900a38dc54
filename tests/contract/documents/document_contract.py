"""What every document store keeps, as tests: an engine's test class inherits it and says how to reach the engine."""

import contextlib
import math
import multiprocessing
import os
import pickle
import threading
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings

from spoonbill import Cached, Codec, Frozen, Search, StrictString, eq, gt, isin, prefix, regex
from spoonbill.backends.shared.documents import RESERVED
from spoonbill.datastores import InMemoryStore
from spoonbill.errors import (
    ClosedError,
    CodecError,
    InvalidKeyError,
    PartialWriteError,
    ReadOnlyError,
    SpoonbillError,
    StoreError,
    UnsupportedError,
)
from spoonbill.store import Store
from tests.contract.documents import samples
from tests.helpers.names import shown

EXAMPLES = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors, HealthCheck.too_slow],
)
_numbers = count()


def added_by_processes(pickled: bytes, name: str) -> None:
    """Count up one entry and add entries of one's own: what the two processes of a test run."""
    store = pickle.loads(pickled)
    for number in range(15):
        increment(store, "counter")
        store[f"{name}-{number}"] = {"n": number}
    store.close()


def increment(store: Store[Any, Any], key: str) -> None:
    """Count up one entry by compare and set."""
    while True:
        present = store[key]
        if store.replace(key, present, {"n": present["n"] + 1}):
            return


def same_value(a: Any, b: Any) -> bool:
    """Return whether two values are equal, bool apart from int all the way down, NaN equal to NaN."""
    if isinstance(a, float) and isinstance(b, float) and math.isnan(a):
        return math.isnan(b)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same_value, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same_value(item, b[name]) for name, item in a.items())
    return isinstance(a, bool) == isinstance(b, bool) and bool(a == b) and type(a) in {type(b), int, float}


class DocumentContract:
    """Inherit it, and write `opened`, `read`, `written` and `watched`.

    Attributes
    ----------
    keeps_float_type : bool
        Whether 1.0 comes back as a float.
    orders_any_types : bool
        Whether the test's server can order a field that holds values of several types, as the real service does.
    ones : str
        The text that stands for a one and more in the store's own dialect.
    """

    keeps_float_type = True
    orders_any_types = True
    ones = "1+"

    @classmethod
    def opened(cls, name: str, **options: Any) -> Store[Any, Any]:
        """Return the named store over the collection or table called `name`."""
        raise NotImplementedError

    @classmethod
    def read(cls, name: str, key: str) -> dict[str, Any] | None:
        """Return the fields of a document as the raw client reads them, without the key."""
        raise NotImplementedError

    @classmethod
    def written(cls, name: str, key: str, fields: dict[str, Any]) -> None:
        """Write a document by the raw client, as another tool would."""
        raise NotImplementedError

    @classmethod
    def watched(cls, name: str) -> tuple[Store[Any, Any], list[dict[str, Any]], list[Any]]:
        """Return a store, a list that fills with the documents that the engine sends it, and one with the requests."""
        raise NotImplementedError

    @pytest.fixture
    def name(self) -> str:
        return f"{type(self).__name__}-{next(_numbers)}"

    @pytest.fixture
    def store(self, name: str) -> Iterator[Store[Any, Any]]:
        with self.opened(name) as store:
            yield store

    @pytest.fixture(scope="class")
    @classmethod
    def searched(cls) -> Iterator[tuple[Store[Any, Any], InMemoryStore[Any, Any]]]:
        """A store and one in memory with the same hostile documents."""
        documents = {f"k{number}": value for number, value in enumerate(samples.SEARCHED)}
        with cls.opened(f"{cls.__name__}-searched") as store:
            store.update(documents)
            store.update({key: {"z": 1} for key in samples.KEYS})
            yield store, InMemoryStore(documents | {key: {"z": 1} for key in samples.KEYS})

    # -- the stored form ---------------------------------------------------------------------------------------

    def test_a_dict_is_a_native_document(self, store: Store[Any, Any], name: str) -> None:
        """Other tools see the fields at the top level, and anything but a dict under the reserved field."""
        store["d"] = {"a": 1, "b": {"c": ["x", 1.5, None, True]}, "e": b"\x00"}
        fields = self.read(name, "d")
        assert fields is not None
        assert {key: fields[key] for key in ("a", "b", "e")} == {
            "a": 1,
            "b": {"c": ["x", 1.5, None, True]},
            "e": b"\x00",
        }
        store["s"] = "text"
        scalar = self.read(name, "s")
        assert scalar is not None
        assert scalar.keys() == {RESERVED}
        assert scalar[RESERVED]["value"] == "text"

    def test_another_tools_document_is_readable(self, store: Store[Any, Any], name: str) -> None:
        """A document of any shape is read as it is, found by searches, and swapped atomically."""
        store["mine"] = {"a": 1}
        foreign = {"a": 1, "b": [{"c": "x"}], RESERVED: {"odd": 1}}
        self.written(name, "theirs", foreign)
        assert store["theirs"] == foreign
        assert sorted(store.keys("*")) == ["mine", "theirs"]
        assert sorted(key for key, _ in store.items({"a": 1})) == ["mine", "theirs"]
        assert store.replace("theirs", {"a": 2}, {"a": 3}) is False
        assert store.replace("theirs", foreign, {"a": 3}) is True
        assert store.pop("theirs") == {"a": 3}

    def test_a_hostile_field_name_is_a_field(self, store: Store[Any, Any]) -> None:
        """A field of any name, at the top and inside, comes back, is found, and redirects or loses no write."""
        store["b"] = {"a": 0}
        for field in samples.NAMES:
            document = {field: "here", "other": {field: [{field: 1}]}}
            store["key-of-it"] = document
            assert store["key-of-it"] == document, field
            assert dict(store.items({field: eq("here")})) == {"key-of-it": document}, field
            assert dict(store.items({"other": eq({field: [{field: 1}]})})) == {"key-of-it": document}, field
            assert sorted(store) == ["b", "key-of-it"], field
            assert store.replace("key-of-it", document, {field: 2}) is True, field
            assert store["key-of-it"] == {field: 2}, field
            assert store["b"] == {"a": 0}, field

    def test_hostile_keys_are_themselves(self, store: Store[Any, Any]) -> None:
        """Each hostile key is stored, found and deleted as itself, and no other entry changes."""
        pairs = {key: {"n": number} for number, key in enumerate(samples.KEYS)}
        store.update(pairs)
        assert dict(store.items()) == pairs
        assert list(store.values(keys=samples.KEYS)) == list(pairs.values())
        for key in samples.KEYS:
            assert key in list(store.keys(key)) if not set(key) & set(r"\$*?[]{}()|.+^") else True
            assert store.delete(key) is True
            assert key not in store
            del pairs[key]
            assert len(store) == len(pairs)
        assert dict(store.items()) == {}

    @EXAMPLES
    @given(value=samples.values | samples.documents)
    def test_every_value_of_the_model_comes_back(self, searched: Any, value: Any) -> None:
        """What goes in comes out, equal and of its type, alone and in a batch."""
        store = searched[0]
        store["fidelity"] = value
        try:
            assert same_value(store["fidelity"], value), store["fidelity"]
            store.update([("fidelity", {"x": value})])
            assert same_value(store.get_many(["fidelity"])[0], {"x": value})
        finally:
            del store["fidelity"]

    @pytest.mark.parametrize("value", [*samples.SCALARS, *samples.TREES], ids=shown)
    def test_each_sample_comes_back(self, searched: Any, value: Any) -> None:
        """Each hostile sample comes back with its type, save 1.0 where the engine has one kind of number."""
        store = searched[0]
        store["fidelity"] = value
        try:
            found = store["fidelity"]
        finally:
            del store["fidelity"]
        assert same_value(found, value)
        if self.keeps_float_type or not isinstance(value, float):
            assert type(found) is type(value)

    @pytest.mark.parametrize(
        "value",
        [
            (1,),
            {1},
            {1: 2},
            {"a": {None: 1}},
            2**63,
            -(2**63) - 1,
            "\ud800",
            {"\ud800": 1},
            {"a": ["\ud800"]},
            1j,
            object(),
        ],
        ids=shown,
    )
    def test_what_no_engine_holds_is_refused_before_the_call(self, store: Store[Any, Any], value: Any) -> None:
        """The error names the key, the type and the remedy, and nothing is written, not even by a batch."""
        with pytest.raises(CodecError, match=r"'k'.*(;|:|strict=False)"):
            store["k"] = value
        for write in (store.add, store.check, lambda key, value: store.update([("good", 1), (key, value)])):
            with pytest.raises(CodecError):
                write("k", value)
        nested: Any = value
        with pytest.raises(CodecError):
            store["k"] = {"a": [nested]}
        assert len(store) == 0

    def test_too_deep_is_refused(self, store: Store[Any, Any]) -> None:
        """A value nested beyond what the engine holds is refused by name; one at the limit is stored."""
        most = store.raw._engine.scheme.max_depth  # type: ignore[attr-defined]
        value: Any = 1
        for _ in range(most - 1):
            value = {"a": value}
        store["deep"] = value
        assert store["deep"] == value
        with pytest.raises(CodecError, match=str(most)):
            store["deeper"] = {"a": {"a": value}}
        cycle: dict[str, Any] = {}
        cycle["me"] = cycle
        with pytest.raises(CodecError):
            store["cycle"] = cycle

    def test_set_replaces_the_whole_value(self, store: Store[Any, Any], name: str) -> None:
        """No field of the old value stays behind."""
        for write in (store.__setitem__, lambda key, value: store.update({key: value})):
            store["k"] = {"old": 1, "$odd": 2}
            write("k", {"new": 1})
            assert store["k"] == {"new": 1}
            assert "old" not in (self.read(name, "k") or {"old": 1})

    def test_keys_of_other_kinds_are_refused(self, store: Store[Any, Any]) -> None:
        """A key that the engine cannot hold is refused by name in writes, and absent in reads."""
        for key in (("a",), None, 1.5, True, "\ud800", ["a"]):
            for write in (store.set, store.add, store.check):
                with pytest.raises(InvalidKeyError, match="a key is"):
                    write(key, 1)
            if key != ["a"]:
                assert store.get(key) is None
                assert store.delete(key) is False
                assert list(store.values(keys=[key])) == [None]
        with pytest.raises(InvalidKeyError, match="a key is"):
            store.get(["a"])  # as a dict, which cannot hash it either

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

    # -- batches -----------------------------------------------------------------------------------------------

    def test_batches_keep_order_duplicates_and_absences(self, store: Store[Any, Any]) -> None:
        """More keys than one call takes, in any order, twice, and absent; the last of two values counts."""
        keys = [f"k{number}" for number in range(260)]
        store.update([*((key, {"old": 1}) for key in keys), *((key, {"n": key}) for key in keys)])
        wanted = [*reversed(keys), "absent", *keys[:3], ""]
        expected = [*({"n": key} for key in reversed(keys)), None, *({"n": key} for key in keys[:3]), None]
        assert list(store.values(keys=wanted)) == expected
        assert store.delete_many([*keys[:150], *keys[:150], "absent"]) == 150
        assert len(store) == 110

    def test_a_batch_that_stops_tells_what_was_written(self, store: Store[Any, Any]) -> None:
        """A value that is refused in the second batch: the error tells how many are done, and they are."""
        size = store.raw._engine.write_batch  # type: ignore[attr-defined]
        pairs = [(f"k{number}", number) for number in range(size)]
        with pytest.raises(PartialWriteError, match="strict=False") as caught:
            store.update([*pairs, ("good", 1), ("bad", object())])
        assert caught.value.done == size
        assert caught.value.failed == ("good", "bad")
        assert dict(store.items()) == dict(pairs)
        assert pickle.loads(pickle.dumps(caught.value)).failed == ("good", "bad")

    # -- many at once ------------------------------------------------------------------------------------------

    def test_eight_threads_lose_nothing(self, store: Store[Any, Any]) -> None:
        """Counted by compare and set, added by name, popped once: every step of eight threads is there."""
        store["counter"] = {"n": 0}
        popped: list[Any] = []
        won: list[int] = []
        failed: list[BaseException] = []

        def work(number: int) -> None:
            try:
                for step in range(5):
                    increment(store, "counter")
                    store[f"own-{number}-{step}"] = {"n": step}
                    if store.add(f"shared-{step}", {"by": number}):
                        won.append(step)
                        popped.append(store.pop(f"shared-{step}")["by"])
                store.set("same", {"by": number})
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []
        assert store["counter"] == {"n": 40}
        assert len(list(store.keys(prefix("own-")))) == 40
        assert len(popped) == len(won)
        assert not list(store.keys(prefix("shared-")))

    def test_two_processes_lose_nothing(self, store: Store[Any, Any]) -> None:
        """A pickled store works in two other processes on the same keys, and no count is lost."""
        store["counter"] = {"n": 0}
        context = multiprocessing.get_context("spawn")
        data = pickle.dumps(store)
        workers = [context.Process(target=added_by_processes, args=(data, name)) for name in ("x", "y")]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert [worker.exitcode for worker in workers] == [0, 0]
        assert store["counter"] == {"n": 30}
        assert len(store) == 31

    # -- snapshots and stacks ----------------------------------------------------------------------------------

    @pytest.mark.parametrize("strict", [True, False])
    def test_save_load_and_copy(self, name: str, tmp_path: Any, strict: bool) -> None:
        """What one store saved another loads, in both modes, every value equal."""
        values: dict[Any, Any] = {f"k{number}": value for number, value in enumerate(samples.SEARCHED)}
        if not strict:
            values |= {1: (1, {2}), ("a", None): 2**80}
        with self.opened(name, strict=strict) as store, self.opened(f"{name}-2", strict=strict) as other:
            store.update(values)
            store.save(tmp_path / "saved")
            other["gone"] = 1
            other.load(tmp_path / "saved")
            assert same_value(other.copy(), values) if strict else len(other) == len(values)
            memory = InMemoryStore.open(tmp_path / "saved", strict=strict)
            assert memory.keys() == values.keys()

    def test_not_strict_holds_anything(self, name: str) -> None:
        """Any key and value, as pickles that no strict store runs; a document of another tool is refused by name."""
        with self.opened(name, strict=False) as store:
            store[("t", 1)] = (1, {2}, lambda: 5)
            assert store[("t", 1)][2]() == 5
            assert list(store) == [("t", 1)]
            store["x"] = 2**100
            assert dict(store.items(gt(2**99))) == {"x": 2**100}
            self.written(name, "theirs", {"a": 1})
            with pytest.raises(SpoonbillError, match="theirs"):
                store["theirs"]

    @pytest.mark.parametrize(
        "stack",
        [
            Cached,
            lambda s: Search(Cached(s), dialect="glob"),
            Codec,
            lambda s: Cached(Codec(s)),
            lambda s: Frozen(Cached(s)),
            StrictString,
            lambda s: Search(Codec(s, "json"), dialect="like"),
            lambda s: Cached(Search(Cached(s, policy="lfu"))),
        ],
        ids=range(8),
    )
    def test_stacks(self, name: str, stack: Callable[[Any], Any]) -> None:
        """Layers over the store answer as they do over memory."""
        with self.opened(name) as store:
            top = stack(store)
            if isinstance(top, Frozen):
                with pytest.raises(ReadOnlyError):
                    top["a"] = "1"
                top = top.inner
            top.update({"a": "1", "b": "22"})
            top["c"] = "333"
            assert list(top.values(keys=["c", "x", "a"])) == ["333", None, "1"]
            assert dict(top.items(eq("22"))) == {"b": "22"}
            assert top.replace("a", "1", "4")
            assert top.pop("a") == "4"
            assert sorted(top.keys("*")) == ["b", "c"]
            assert len(top) == 2
            assert str(top.explain("b"))

    # -- the rest ----------------------------------------------------------------------------------------------

    def test_a_missing_collection(self, name: str) -> None:
        """It is empty to read and made by the first write; with create=False any use is an error that says so."""
        with self.opened(name, create=False) as refusing:
            for call in (lambda: refusing.set("a", 1), lambda: refusing.get("a"), lambda: list(refusing)):
                with pytest.raises(StoreError, match="create="):
                    call()
        with self.opened(name) as store:
            assert len(store) == 0
            assert store.get("a") is None
            assert list(store) == []
            assert not store.delete("a")
            assert list(store.values(keys=["a"])) == [None]
            assert store.pop("a", 5) == 5
            assert store.delete_many(["a"]) == 0
            assert store.replace("a", 1, 2) is False
            assert list(store.items({"a": 1})) == []
            store.clear()
            store["a"] = 1
        with self.opened(name, create=False) as store:
            assert store["a"] == 1

    def test_a_store_says_what_it_cannot(self, store: Store[Any, Any]) -> None:
        """No expiry, and no use after close; closing twice is no error."""
        with pytest.raises(UnsupportedError, match="ttl"):
            store.set("a", 1, ttl=5)
        store["a"] = 1
        store.close()
        store.close()
        for call in (lambda: store["a"], lambda: list(store), lambda: store.update({"a": 1}), lambda: len(store)):
            with pytest.raises(ClosedError):
                call()

    def test_iteration_is_lazy(self, store: Store[Any, Any]) -> None:
        """A loop that is left early leaves nothing behind, and writing meanwhile neither repeats nor loses old keys."""
        keys = {f"k{number:03}" for number in range(300)}
        store.update({key: {"a": 1} for key in keys})
        with contextlib.closing(iter(store.raw.iter())) as loop:
            next(loop)
        seen = []
        for key in store:
            seen.append(key)
            store[key] = {"a": 2}
        assert sorted(seen) == sorted(keys)

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
    def test_both_sides_of_a_fork(self, store: Store[Any, Any]) -> None:
        """Parent and child each go on after a fork, over connections and threads of their own."""
        store.update({"a": 1, "b": 2})
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                store.update({f"child-{number}": number for number in range(20)})
                code = 0 if store["a"] == 1 else 2
            finally:
                os._exit(code)
        for number in range(20):
            store[f"parent-{number}"] = number
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert len(store) == 42
