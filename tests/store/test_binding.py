"""The binding rule: which form of a verb a class uses, and what a layer costs."""

import gc
import random
import sys

import pytest

from spoonbill import Cached, Codec, Frozen, KeyLayer, Layer, Search, Store, StrictString, ValueLayer
from spoonbill.backends import Lmdb, Memory
from spoonbill.common.sentinels import MISSING
from spoonbill.errors import StackError, UnsupportedError
from spoonbill.store import VERBS
from spoonbill.store.binding import Form
from spoonbill.store.verbs import PRIMITIVES, RESTS_ON


class Four(Store):
    """Four verbs over a dict."""

    def __init__(self):
        self.data = {}

    def get(self, key, default=None):
        return self.data.get(key, default)

    def set(self, key, value):
        self.data[key] = value

    def delete(self, key):
        return self.data.pop(key, MISSING) is not MISSING

    def iter(self):
        return iter(list(self.data))


def calls_in_python(work):
    """Return the names of the Python functions that `work` calls."""
    seen = []

    def watch(frame, event, argument):
        if event == "call":
            seen.append(frame.f_code.co_name)

    gc.disable()  # a collection in the middle calls what other tests' libraries have hooked to it
    sys.setprofile(watch)
    try:
        work()
    finally:
        sys.setprofile(None)
        gc.enable()
    return [name for name in seen if name not in {"work", "<lambda>"}]


def test_derived_verbs_rest_on_the_four():
    """Every derivation in the table ends at the primitives, or at verbs that call none."""
    for verb, below in RESTS_ON.items():
        assert verb not in below
        if verb in PRIMITIVES:
            assert not below
    assert RESTS_ON["replace_all"] >= {"clear", "set_many", "delete_many", "iter", "delete", "set"}


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_a_verb_left_alone_is_the_inner_stores_own(verb):
    """A layer that says nothing of a verb has the very function of the store below, however deep the stack."""
    inner = Four()
    stack = Layer(Layer(Layer(Layer(inner))))
    assert getattr(stack, verb) == getattr(inner, verb)


def test_pass_through_layers_cost_no_call():
    """A read through four layers makes the calls of a read without them, and not one more."""
    inner = Memory({"a": 1})
    stack = Layer(Layer(Layer(Layer(inner))))
    assert calls_in_python(lambda: stack.get("a")) == calls_in_python(lambda: inner.get("a")) == ["get"]
    assert calls_in_python(lambda: stack["a"]) == ["__getitem__", "get"]


class Marked(ValueLayer):
    def encode(self, value, key):
        return (value,)

    def decode(self, data, key):
        return data[0]


class Moved(KeyLayer):
    def down(self, key):
        return key + "!"

    def up(self, key):
        return key[:-1]


@pytest.mark.parametrize("layer", [Marked, Moved])
def test_a_changed_verb_costs_two_calls(layer):
    """A layer adds at most two Python calls to a verb that it changes: its verb and its hook."""
    store = layer(Memory())
    store["a"] = 1
    without = calls_in_python(lambda: Memory({"a": 1}).get("a"))
    assert len(calls_in_python(lambda: store.get("a"))) <= 2 + len([name for name in without if name == "get"])
    assert len(calls_in_python(lambda: store.set("a", 2))) <= 2 + 2  # Memory's own: set, __setitem__


def test_the_default_stack_is_one_call_a_read(tmp_path):
    """A read of LmdbStore with the raw codec is one frame below the mapping's own."""
    store = Codec(Lmdb(tmp_path / "d", durability="process"), "raw")
    store["a"] = b"1"
    assert calls_in_python(lambda: store["a"]) == ["__getitem__", "get"]


def test_a_subclass_that_overrides_get_alone_is_right_everywhere():
    """What rests on an overridden verb is derived from it, though a base class has a faster form."""

    class Shouting(Marked):
        def get(self, key, default=None):
            value = super().get(key, MISSING)
            return default if value is MISSING else value.upper()

    store = Shouting(Four())
    store.update({"a": "x", "b": "y"})
    assert store["a"] == "X"
    assert store.get_many(["a", "b"]) == ["X", "Y"]
    assert dict(store.items()) == {"a": "X", "b": "Y"}
    assert list(store.values()) == ["X", "Y"]
    assert dict(store.items("X")) == {"a": "X"}
    assert store.pop("a") == "X"
    assert store.replace("b", "Y", "z")
    assert Shouting._forms["get_many"] is Form.DERIVED
    assert Shouting._forms["set_many"] is Form.DEFINED


def test_shares_do_not_rest_on_the_order_of_a_listing():
    """Every key is in one share of a store that lists its keys in another order each time."""

    class Shuffled(Four):
        def iter(self):
            return iter(random.sample(list(super().iter()), self.count()))

        def count(self):
            return len(list(super().iter()))

    store = Shuffled()
    keys = [f"key-{number}" for number in range(100)]
    store.update(dict.fromkeys(keys, 1))
    parts = [list(share.keys()) for share in store.shares(4)]
    assert sorted(key for part in parts for key in part) == sorted(keys)
    assert all(parts)


def test_a_backend_subclass_that_overrides_get_is_right_everywhere(tmp_path):
    """A subclass of an engine with native batches reads them through its own get."""

    class Doubled(Lmdb):
        def get(self, key, default=None):
            value = super().get(key, MISSING)
            return default if value is MISSING else value * 2

    store = Doubled(tmp_path / "d", durability="process")
    store.update({"a": b"x"})
    assert [store["a"], store.get_many(["a"]), dict(store.items())] == [b"xx", [b"xx"], {"a": b"xx"}]
    assert Codec(store, "raw")["a"] == b"xx"
    assert list(Codec(store, "raw").items()) == [("a", b"xx")]


def test_leaves_bind_what_would_be_derived():
    """A verb in `leaves` goes straight down, since the class knows that its changes do not touch it."""

    class Counting(Layer):
        leaves = ("has", "get_many")

        def get(self, key, default=None):
            return self.inner.get(key, default)

    inner = Four()
    store = Counting(inner)
    assert store.get_many == inner.get_many
    assert Counting._forms["has"] is Form.BOUND
    assert Counting._forms["entries"] is Form.DERIVED


def test_native_is_read_off_the_stack(tmp_path):
    """A verb is native where every layer leads to an engine's own form, and nowhere else."""
    engine = Lmdb(tmp_path / "d", durability="process")
    stack = Cached(Search(Codec(engine)))
    assert stack.native("get_many")
    assert stack.native("pop")
    assert engine.native("split")
    assert stack.native("split")
    four = Cached(Codec(Four()))
    assert not four.native("get_many")
    assert four.native("get")
    assert not four.native("add")
    assert not four.native("split")

    class TakesApart(Layer):
        def get(self, key, default=None):
            return self.inner.get(key, default)

    assert not TakesApart(engine).native("get_many")
    with pytest.raises(UnsupportedError, match="no verb"):
        engine.native("fly")


def test_every_claim_of_being_native_holds(tmp_path):
    """Where a stack over LMDB says native, the engine's own function is called for that verb."""
    engine = Lmdb(tmp_path / "d", durability="process")
    for verb in sorted(engine.capabilities):
        assert verb in PRIMITIVES or verb in vars(Lmdb), verb
    for verb in VERBS.keys() - engine.capabilities:
        assert verb not in vars(Lmdb) or getattr(Lmdb, verb) is getattr(Store, verb), verb


def test_nothing_but_the_table_is_forwarded():
    """A layer has no verb that the table lacks: an engine's own method is reached by `raw`."""

    class Special(Four):
        def vacuum(self):
            return "done"

    store = Layer(Special())
    with pytest.raises(AttributeError):
        store.vacuum()
    assert store.raw.vacuum() == "done"


def test_frozen_defines_every_write_of_the_table():
    """A write that is added to the table later is refused by Frozen without a change to it."""
    for verb in VERBS.values():
        if verb.writes:
            assert Frozen._forms[verb.name] is Form.DEFINED, verb.name


def test_a_strangers_init_need_not_call_ours():
    """Lock and configuration are there before __init__ runs."""
    store = Four()
    assert repr(store) == "Four()"
    assert store.add("a", b"1")
    assert not store.add("a", b"2")


@pytest.mark.parametrize("layer", [Layer, Cached, Frozen, Search, Codec, StrictString])
def test_a_layer_around_no_store_is_refused(layer):
    """A dict is no store: the error says what makes one of it."""
    with pytest.raises(StackError):
        layer({})


def test_what_is_absent_none_or_failed_differs():
    """A stored None is a value in every form of reading."""
    store = Cached(Codec(Four()))
    store["none"] = None
    assert store.get("none", 5) is None
    assert store["none"] is None
    assert store.get_many(["none", "gone"], 5) == [None, 5]
    assert list(store.values(keys=["none", "gone"], default=5)) == [None, 5]
    assert store.setdefault("none", 5) is None
    assert store.pop("none", 5) is None
    assert store.pop("none", 5) == 5
    assert "none" not in store


def test_copies_of_a_handle_are_refused_and_copy_is_a_dict():
    """copy() returns the data as a dict; copying the handle itself says so."""
    import copy

    store = Codec(Four())
    store["a"] = 1
    assert store.copy() == {"a": 1}
    assert type(store.copy()) is dict
    with pytest.raises(UnsupportedError, match=r"copy\(\)"):
        copy.copy(store)


def test_repr_is_the_expression_and_hides_secrets():
    """The repr builds the stack again, and shows no password of a URL or an option."""

    class Remote(Four):
        def __init__(self, url, **options):
            super().__init__()

    store = Cached(Codec(Remote("redis://me:hush@host/1?token=hush", password="hush")), maxsize=5)
    assert "hush" not in repr(store)
    assert repr(store).startswith("Cached(Codec(Remote('redis://me:***@host/1?token=***', password='***'))")
    assert repr(store).endswith("maxsize=5)")
