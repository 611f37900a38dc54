"""MetadataIndex: an engine that cannot list its keys becomes a whole mapping, whoever else writes or dies."""

import hypothesis.strategies as st
import pytest
from hypothesis import settings

from spoonbill import Cached, Codec, Frozen, MetadataIndex, Search, StrictString, eq, exists, gt, prefix, regex
from spoonbill.backends import Filesystem, Lmdb, Memory
from spoonbill.datastores import InMemoryStore, LmdbStore
from spoonbill.errors import CodecError, PartialWriteError, StackError, UnsupportedError
from spoonbill.layers import AnyKey
from spoonbill.store import VERBS
from spoonbill.testing import LayerContract, SpyStore, StoreContract, machine_for
from tests.layers.lookup import Lookup

# -- a store that cannot list its keys -----------------------------------------------------------------------------


def test_a_backend_without_iter_says_so_in_every_form():
    """Reading and writing work; whatever needs a listing names the layer that supplies it; no capability is claimed."""
    store = Lookup()
    store["a"] = b"1"
    assert store.pop("a") == b"1"
    for attempt in (lambda: list(store), lambda: len(store), lambda: bool(store), store.popitem, store.clear):
        with pytest.raises(UnsupportedError, match="MetadataIndex"):
            attempt()
    assert not store.native("iter")
    assert not Codec(store).native("iter")
    assert not Codec(store).lists_keys


def test_a_subclass_of_it_is_no_more_abstract():
    """What the backend leaves out its subclass may leave out too, or supply."""

    class Pushdown(Lookup):
        pass

    class Lister(Lookup):
        lists_keys = True

        def iter(self):
            return iter(list(self.data))

    with pytest.raises(UnsupportedError):
        next(Pushdown().iter())
    assert list(Lister({"a": b""})) == ["a"]
    assert Lister().native("iter")


def test_an_index_that_cannot_list_is_refused():
    """So is one under layers, the store itself, and what is no store."""
    for index in (Lookup(), Codec(Lookup())):
        with pytest.raises(StackError, match="lists its keys"):
            MetadataIndex(Memory(), index)
    memory = Memory()
    with pytest.raises(StackError, match="second store"):
        MetadataIndex(Codec(memory), memory)
    with pytest.raises(StackError, match="dict"):
        MetadataIndex(memory, {})
    with pytest.raises(UnsupportedError, match=r"fields=\('a',\)"):
        MetadataIndex(memory, Memory(), fields="a")


# -- the contract --------------------------------------------------------------------------------------------------


class TestOverARecorder(LayerContract):
    """The layer keeps the contract of layers; its index derives as much as the store below."""

    def wrap(self, inner):
        return MetadataIndex(inner, SpyStore())

    def test_failures_are_not_absence(self, store):
        """Errors of the store come through, and those of the index from what the index answers."""
        store.index.broken = True
        super().test_failures_are_not_absence(store)

    def test_batches_stay_batches(self, store):
        """A batch reaches both stores as batches: two of the index around one of the data, or one after it."""
        below, index = self.spy(store), store.index
        store.update(self.pairs)
        assert (below.calls, index.calls) == (["set_many"], ["set_many", "get_many"])
        below.calls.clear(), index.calls.clear()
        assert store.get_many(self.keys) == list(self.values)
        assert (below.calls, index.calls) == (["get_many"], [])
        below.calls.clear()
        assert store.delete_many(self.keys) == len(self.keys)
        assert (below.calls, index.calls) == (["delete_many", "get_many"], ["delete_many"])


class TestOverThreeVerbs(StoreContract):
    """An engine that cannot list its keys keeps the whole contract, its keys in memory."""

    def make(self, path):
        return MetadataIndex(Lookup(), Memory())

    test_pickles = None  # its data is in memory


class TestWithFields(StoreContract):
    """Kept fields change no answer."""

    values = ({"a": 1}, {"a": "x", "b": None}, [], {"a": {"deep": 1}}, {"b": float("inf")})

    def make(self, path):
        return MetadataIndex(Codec(Lookup()), InMemoryStore(), fields=("a", "b"))

    test_pickles = None


class TestOnDisk(StoreContract):
    """Files as data and LMDB as the index: a pickled store is the same one elsewhere."""

    values = ((1, "one"), {"a": [1, None]}, "text", b"bytes", (1, {2}))
    keys = (1, (2, "b"), "", "!x", "\u00e9")

    def make(self, path):
        return MetadataIndex(Codec(Filesystem(path / "files")), LmdbStore(path / "index", durability="process"))

    test_listing = test_shares_hold_every_key_once = None  # they sort keys of one kind
    test_search_counts_matches = test_a_search_narrows_and_never_loses = None

    def test_keys_of_any_kind_are_listed(self, store):
        """Each key comes back with its own type, and is counted once."""
        store.update(self.pairs)
        assert dict(store.items()) == self.pairs
        assert set(store.keys(regex(r"\(2"))) == {(2, "b")}
        assert set(store.keys(prefix("!"))) == {"!x"}


class TestUnderACodec(StoreContract):
    """A codec stands on the indexed store, whose keys are str then."""

    values = ((1, "one"), {"a": [1, None]}, "text", b"bytes", (1, {2}))

    def make(self, path):
        return Codec(MetadataIndex(Lookup(), Lmdb(path / "index", durability="process")))

    test_pickles = None


TEXTS = st.text("aA/b!\u00e9", max_size=3)
BYTES = st.binary(max_size=3)
DOCUMENTS = st.dictionaries(
    st.sampled_from("ab"), st.integers(0, 2) | st.none() | st.floats(allow_nan=False), max_size=2
)
STACKS = (
    lambda path: MetadataIndex(Lookup(), Memory()),
    lambda path: MetadataIndex(Lmdb(path / "data", durability="process"), Filesystem(path / "index")),
    lambda path: MetadataIndex(Filesystem(path / "data"), Lmdb(path / "index", durability="process")),
    lambda path: Cached(MetadataIndex(Lookup(), Memory()), maxsize=2),
    lambda path: MetadataIndex(MetadataIndex(Lookup(), Memory()), StrictString(Memory())),
)
OBJECT_STACKS = (
    lambda path: MetadataIndex(Codec(Lookup()), Memory(), fields=("a",)),
    lambda path: Search(MetadataIndex(Codec(Lookup()), InMemoryStore(), fields=("a", "b"))),
    lambda path: MetadataIndex(AnyKey(Lookup()), LmdbStore(path / "index", durability="process"), fields=("b",)),
)
TestRandomStacks = machine_for(st.sampled_from(STACKS), TEXTS, BYTES).TestCase
TestRandomStacks.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
TestRandomStacksOfObjects = machine_for(st.sampled_from(OBJECT_STACKS), TEXTS, DOCUMENTS).TestCase
TestRandomStacksOfObjects.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)


def test_what_names_one_entry_is_listed_once():
    """1 and "1" are one key of a StrictString, True and 1 one of a Codec: the index lists what the store would."""
    strings = MetadataIndex(StrictString(Memory()), Memory())
    strings[1] = "a"
    strings["1"] = "b"
    assert list(strings) == list(strings.inner) == ["1"]
    assert strings.delete(1.0) is False
    assert strings.delete(1) is True
    anything = MetadataIndex(Codec(Memory()), Memory())
    anything[True] = "a"
    anything["!i1"] = "b"
    assert list(anything) == list(anything.inner) == [1, "!i1"]
    assert anything.delete(1.0) is True
    assert list(anything) == ["!i1"]


# -- what an insert costs ------------------------------------------------------------------------------------------


def test_an_insert_costs_the_same_at_any_size():
    """At 10,000 keys a set, an add, a delete and a pop make exactly the calls that they make at 100."""
    costs = []
    for size in (100, 10_000):
        store = MetadataIndex(SpyStore(), SpyStore())
        store.update((f"key-{number}", b"") for number in range(size))
        made = []
        for verb, *arguments in (("set", "new", b""), ("add", "n", b""), ("pop", "n"), ("delete", "new")):
            store.raw.calls.clear(), store.index.calls.clear()
            getattr(store, verb)(*arguments)
            made.append((tuple(store.raw.calls), tuple(store.index.calls)))
        costs.append(made)
    assert costs[0] == costs[1]
    assert costs[0][0] == (("set",), ("set", "get"))  # the add of the recorder is a look, as the key is there


def test_a_listing_reads_no_value_and_a_value_is_read_once():
    """Keys, len and patterns ask the index alone; the items of a search read each value once, in batches."""
    store = MetadataIndex(SpyStore(), SpyStore())
    store.update({f"key-{number}": b"" for number in range(1200)})
    store.raw.calls.clear()
    assert len(store) == len(list(store)) == len(list(store.keys("key"))) == 1200
    assert store.raw.calls == []
    assert len(list(store.items())) == 1200
    assert store.raw.calls == ["get_many"] * 3


# -- kept fields ---------------------------------------------------------------------------------------------------


@pytest.fixture
def kept():
    store = MetadataIndex(SpyStore(), Memory(), fields=("a", "b"))
    store.update({"one": {"a": 1, "b": "x"}, "two": {"a": 2}, "list": [1]})
    store.update({"deep": {"a": [1]}, "nan": {"a": float("nan")}})
    return store


def values_read(store, search):
    """Return what a search finds, and how many values were read for it."""
    asked = []
    get_many = store.raw.get_many
    store.inner.get_many = lambda keys, default=None: asked.extend(keys := list(keys)) or get_many(keys, default)
    found = dict(store.items(search))
    del store.inner.get_many
    return set(found), set(asked)


def test_a_condition_on_kept_fields_reads_what_can_match(kept):
    """Values whose kept fields refute the conditions are not read; those of which nothing is known are."""
    unknown = {"deep", "nan"}
    assert values_read(kept, {"a": gt(1)}) == ({"two"}, {"two"} | unknown)
    assert values_read(kept, {"a": 1, "b": "x"}) == ({"one"}, {"one"})
    assert values_read(kept, {"b": exists(False)}) == ({"two", "list", "deep", "nan"}, {"two", "list", "deep", "nan"})
    assert values_read(kept, {"a": 1, "other": 5}) == (set(), {"one"} | unknown)
    everything = {"one", "two", "list", "deep", "nan"}
    assert values_read(kept, {"other": exists(False)}) == (everything, everything)
    assert values_read(kept, eq([1])) == ({"list"}, everything)
    assert "kept fields a, b" in str(kept.explain(conditions={"a": 1}))
    assert "keys of the index" in str(kept.explain(conditions={"other": 1}))


def test_entries_of_other_indexes_hide_nothing(kept):
    """An index without fields, or with other ones, at the same data and entries: searches find what is there."""
    plain = MetadataIndex(kept.inner, kept.index)
    other = MetadataIndex(kept.inner, kept.index, fields=("c",))
    plain["one"] = {"a": 7, "c": 1}
    other["two"] = {"a": 8, "c": 1}
    assert dict(kept.items({"a": gt(5)})).keys() == {"one", "two"}
    assert dict(other.items({"c": 1})).keys() == {"one", "two"}
    assert kept.repair() == 2
    assert values_read(kept, {"a": gt(5)}) == ({"one", "two"}, {"one", "two", "deep", "nan"})


def test_fields_follow_every_kind_of_write(kept):
    """Whatever verb wrote the value, the search by its fields finds it and nothing stale."""
    kept.replace("one", {"a": 1, "b": "x"}, {"a": 10})
    assert kept.replace("one", {"a": 1}, {"a": 11}) is False
    assert kept.replace("none", {"a": 1}, {"a": 11}) is False
    kept.add("new", {"a": 10})
    assert kept.add("two", {"a": 10}) is False
    kept.update({"list": {"a": 10}})
    assert values_read(kept, {"a": 10}) == ({"one", "new", "list"}, {"one", "new", "list", "deep", "nan"})
    assert "none" not in list(kept)


def test_an_index_that_cannot_hold_fields_refuses_before_anything_is_written():
    """Strings cannot keep the fields of values: the set fails, and neither store has the key."""
    store = MetadataIndex(Memory(), StrictString(Memory()), fields=("a",))
    for write in (lambda: store.set("k", {"a": 1}), lambda: store.update({"k": {"a": 1}})):
        with pytest.raises(CodecError):
            write()
    assert (list(store), "k" in store) == ([], False)


# -- drift ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", [Memory, Lookup])
@pytest.mark.parametrize("fields", [(), ("a",)])
def test_drift_is_lived_with_and_repaired(engine, fields):
    """Ghosts are skipped, unlisted values read; repair ends the ones and, where the engine lists, the others."""
    store = MetadataIndex(engine(), Memory(), fields)
    store.update({"a": {"a": 1}, "ghost": {"a": 1}, "stale": {"a": 1}})
    store.inner.delete("ghost")
    store.inner.set("stale", {"a": 2})
    store.inner.set("unlisted", {"a": 1})
    assert dict(store.items()) == {"a": {"a": 1}, "stale": {"a": 2}}
    assert store["unlisted"] == {"a": 1}
    assert store.get("ghost") is None
    assert list(store.keys("ghost")) == ["ghost"]
    repaired = store.repair()
    lists = engine is Memory
    assert repaired == 1 + bool(fields) + lists
    assert set(store) == {"a", "stale"} | ({"unlisted"} if lists else set())
    assert dict(store.items({"a": 2})) == {"stale": {"a": 2}}
    assert store.repair() == 0
    assert store.rebuild(["a", "a", "unlisted", "never"]) == 2
    assert set(store) == {"a", "unlisted"}


def test_popitem_and_delete_end_ghosts():
    """A ghost is no error to popitem or delete, and is listed no longer after them."""
    store = MetadataIndex(Lookup(), Memory())
    store.update({"ghost": b"", "other": b"1", "shade": b""})
    del store.inner["ghost"], store.inner["shade"]
    assert store.delete("shade") is False
    assert store.popitem() == ("other", b"1")
    assert list(store) == []
    with pytest.raises(KeyError):
        store.popitem()


def test_rebuild_of_a_store_that_lists():
    """An empty index over data that is there is made from the store's own listing."""
    store = MetadataIndex(Memory({f"{number}": b"" for number in range(1200)}), Memory())
    assert list(store) == []
    assert store.rebuild() == len(store) == 1200


@pytest.mark.parametrize("fields", [(), ("a",)])
def test_a_refused_write_leaves_no_ghost(fields):
    """A value that the store cannot hold, or a time to live that it cannot keep: the listing is what it was."""
    store = MetadataIndex(Codec(Lookup()), Memory(), fields)
    store["there"] = {"a": 1}
    for key in ("there", "new"):
        for refused in (
            lambda key=key: store.set(key, {"a": object()}),
            lambda key=key: store.set(key, {"a": 2}, ttl=5),
            lambda key=key: store.add(key, object()),
            lambda key=key: store.replace(key, {"a": 1}, object()),
            lambda key=key: store.update([(key, {"a": 1}), ("second", object())]),
        ):
            with pytest.raises((CodecError, UnsupportedError)):
                refused()
    store.delete("new")  # the first of the pairs may have been written
    assert dict(store.items()) == {"there": {"a": 1}}
    assert list(store) == ["there"]
    assert list(store.items({"a": 1})) == [("there", {"a": 1})]


def test_a_frozen_index_writes_nothing():
    """Reads do not repair: a frozen stack lists ghosts and leaves them."""
    store = MetadataIndex(Lookup(), index := Memory())
    store["ghost"] = b""
    del store.inner["ghost"]
    frozen = Frozen(store)
    assert (list(frozen), dict(frozen.items())) == (["ghost"], {})
    assert len(index) == 1


def test_a_batch_that_fails_tells_what_was_written():
    """The third batch of a long update fails in the middle: done counts from the beginning of the call."""

    class Stops(Memory):
        def set_many(self, pairs):
            for number, (key, value) in enumerate(pairs):
                if key == "1100":
                    raise PartialWriteError("full", done=number, failed=(key,))
                self.set(key, value)

    store = MetadataIndex(Stops(), Memory())
    with pytest.raises(PartialWriteError) as caught:
        store.update((str(number), b"") for number in range(1500))
    assert (caught.value.done, caught.value.failed) == (1100, ("1100",))
    assert dict(store.items()).keys() == {str(number) for number in range(1100)}


def test_what_it_says_of_itself():
    """A verb is native where it leads to an engine: the index's listing, the store's reading."""
    store = MetadataIndex(Lookup(), Memory())
    assert store.lists_keys
    assert {verb for verb in ("iter", "count", "get_many", "clear") if store.native(verb)} == {"iter", "count"}
    assert store.capabilities <= VERBS.keys()
    assert "repair()" in store.guarantees.crash
    assert repr(store) == "MetadataIndex(Lookup(), Memory())"
