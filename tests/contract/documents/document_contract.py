"""What every document store keeps, as tests: an engine's test class inherits it and says how to reach the engine."""

import contextlib
import math
import os
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given

from spoonbill import Cached, Codec, Frozen, Search, StrictString, eq, gt
from spoonbill.backends.shared.documents import RESERVED
from spoonbill.datastores import InMemoryStore
from spoonbill.errors import (
    ClosedError,
    CodecError,
    InvalidKeyError,
    PartialWriteError,
    ReadOnlyError,
    SpoonbillError,
    StackError,
    StoreError,
    UnsupportedError,
)
from spoonbill.store import Store
from tests.contract.documents import samples
from tests.contract.documents.document_concurrency_contract import DocumentConcurrencyContract
from tests.contract.documents.document_fixtures import EXAMPLES
from tests.contract.documents.document_search_contract import DocumentSearchContract
from tests.helpers.names import shown


def same_value(a: Any, b: Any) -> bool:
    """Return whether two values are equal, bool apart from int all the way down, NaN equal to NaN."""
    if isinstance(a, float) and isinstance(b, float) and math.isnan(a):
        return math.isnan(b)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same_value, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same_value(item, b[name]) for name, item in a.items())
    return isinstance(a, bool) == isinstance(b, bool) and bool(a == b) and type(a) in {type(b), int, float}


class DocumentContract(DocumentSearchContract, DocumentConcurrencyContract):
    """Inherit it, and write `opened`, `read`, `written` and `watched`."""

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

    def test_the_client_and_a_ping(self, store: Any) -> None:
        """The client is the engine's own, and a ping takes as long as its answer."""
        assert store.client is store.raw.client
        homes = {"pymongo", "botocore", "azure", "google", "sqlite3", "psycopg_pool"}
        assert type(store.client).__module__.partition(".")[0] in homes
        assert 0 <= store.ping() < 30

    def test_what_is_no_client_is_named(self, name: str) -> None:
        """A client of another kind is refused when the store is opened, with its type and what to give."""
        with pytest.raises(StackError, match=r"client= is a builtins\.int"):
            self.opened(name, client=5)

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
        """No expiry where the engine has none, and no use after close; closing twice is no error."""
        for write in (store.set, store.add, lambda key, value, ttl: store.set_many([(key, value)], ttl=ttl)):
            if "ttl" not in store.features:
                with pytest.raises(UnsupportedError, match="ttl"):
                    write("a", 1, ttl=5)
                assert "a" not in store
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
