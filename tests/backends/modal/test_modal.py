"""Modal and ModalStore on our own servicer, by modal's own client: keys, values, requests, many at once."""

import itertools
import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from spoonbill import Codec, gt, prefix
from spoonbill.backends import Modal
from spoonbill.datastores import ModalStore
from spoonbill.errors import CodecError, InvalidKeyError, KeyDecodeError, PartialWriteError, UnsupportedError
from tests.backends.modal.modal_dict import raw
from tests.servers.modal_server import calls, control, environment, served

NAMES = (f"store-{number}" for number in itertools.count())
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module", autouse=True)
def server():
    with served() as started:
        yield started


@pytest.fixture
def name():
    return next(NAMES)


# -- keys and values -----------------------------------------------------------------------------------------------


class Text(str):
    """A str of another class, which pickles as that."""

    __slots__ = ()


@given(st.text(), st.text())
@settings(max_examples=300, deadline=None)
def test_equal_keys_are_equal_bytes(one, two):
    """However a str came to be, modal's own serialiser makes the same bytes of it, and of no other str."""
    from modal._serialization import serialize

    made = [one, "".join(list(one)), Text(one), pickle.loads(pickle.dumps(one))]
    assert len({serialize(Modal.canonical(None, key)) for key in made}) == 1
    assert (serialize(one) == serialize(two)) == (one == two)


def test_equal_tuples_are_one_key(name):
    """Two equal tuples that modal takes for two keys are one of ours."""
    words = [bytes([97, 98]).decode() for _ in range(2)]
    twice, apart = (words[0], words[0]), tuple(words)
    store = ModalStore(name)
    native = raw(store)
    native.update({"seen": 1})
    native[twice] = 1
    assert twice == apart
    assert not native.contains(apart)  # what this test is about
    native.pop(twice)
    store[twice] = 1
    assert store[apart] == 1
    assert store.delete(apart) is True
    store[1] = "number"
    assert (store[1.0], store[True], set(store)) == ("number", "number", {"seen", 1})
    assert set(native.keys()) == {"seen", "!i1"}


def test_keys_of_other_kinds(name):
    """The backend takes str alone; a key that another program wrote in another kind is named when it is listed."""
    store = ModalStore(name)
    with pytest.raises(InvalidKeyError, match="ModalStore holds any key"):
        store.raw.set((1, 2), 1)
    assert store.raw.get((1, 2)) is None
    store[Text("a")] = 1
    assert list(raw(store).keys()) == ["a"]
    assert type(next(iter(raw(store).keys()))) is str
    raw(store)[5] = 1
    with pytest.raises(KeyDecodeError, match="int"):
        list(store)
    assert store["a"] == 1


def test_any_value_that_modal_holds(name):
    """Functions and classes of one's own come back; what nothing can pickle is refused by set, add and check."""
    store = ModalStore(name)
    store["f"] = lambda x: x + 1
    assert store["f"](1) == 2
    assert raw(store)["f"](1) == 2
    for refuse in (store.set, store.add, store.check, lambda key, value: store.update({key: value})):
        with pytest.raises(CodecError, match="'lock'"):
            refuse("lock", threading.Lock())
    assert list(store) == ["f"]
    store["none"] = None
    assert (store.get("none", 5), store.pop("none", 5), store.get("none", 5)) == (None, None, 5)


def test_strict_and_snapshots(name, tmp_path):
    """A strict store neither saves nor loads pickled values, though its Dict holds them; the other one does both."""
    strict, loose = ModalStore(name), ModalStore(name, strict=False)
    strict["c"] = complex
    assert (strict.strict, loose.strict, strict.raw.strict) == (True, False, False)
    with pytest.raises(CodecError):
        strict.save(tmp_path / "s")
    loose.save(tmp_path / "s")
    with pytest.raises(ValueError, match="pickle"):
        strict.load(tmp_path / "s")
    loose.load(tmp_path / "s")
    assert loose["c"] is complex
    assert ModalStore(name, codec="pickle").strict is False


def test_a_codec_stands_on_the_indexed_store(name):
    """A codec on a store with an index writes through the index, so that nothing is unlisted."""
    store = ModalStore(name, index=True)
    Codec(store, "json")["a"] = [1]
    assert list(store) == ["a"]
    assert store["a"] == b"[1]"


def test_a_value_that_cannot_be_read_here(name):
    """Bytes that do not unpickle are a CodecError and no absence; pop leaves them, and delete removes them."""
    store = ModalStore(name)
    store["odd"] = Odd()
    assert store.has("odd")
    for read in (store.get, store.__getitem__, lambda key: store.get_many([key]), lambda key: store.copy()):
        with pytest.raises(CodecError, match="unpickled"):
            read("odd")
    with pytest.raises(CodecError, match="unpickled"):
        store.pop("odd")
    assert store.delete("odd") is True
    assert store.delete("odd") is False


class Odd:
    """Pickles, and does not come back."""

    def __reduce__(self):
        return int, ("not a number",)


# -- what is asked of the service ----------------------------------------------------------------------------------


def starting(store):
    return list(store.keys(prefix("key-1")))


def first_five(store):
    return list(store.keys("key", limit=5))


@pytest.mark.parametrize("index", [False, True])
def test_requests_grow_with_pages(index, server, name):
    """Listing, len, patterns, popitem and clear ask as often at 1,500 keys as at 15."""
    asked = []
    for size in (15, 1500):
        store = ModalStore(f"{name}-{size}", index=index)
        store.update((f"key-{number}", number) for number in range(size))
        store["key-0"]
        calls(server)
        made = []
        for act in (list, len, starting, first_five, ModalStore.popitem, ModalStore.clear):
            act(store)
            made.append(calls(server))
        assert list(store) == []
        asked.append(made)
    assert asked[0] == asked[1]
    assert all(sum(made.values()) <= 5 for made in asked[1])


def test_requests_of_a_search(server, name):
    """Native listing finds by conditions in one request; an index asks once a key that can match."""
    pairs = {f"key-{number}": {"a": number} for number in range(300)}
    for options, wanted in (
        ({}, {"DictContents": 1}),
        ({"index": True}, {"DictContents": 1, "DictGet": 300}),
        ({"index": True, "fields": ("a",)}, {"DictContents": 1, "DictGet": 9}),
    ):
        store = ModalStore(f"{name}-{len(options)}", **options)
        store.update(pairs)
        calls(server)
        assert len(dict(store.items({"a": gt(290)}))) == 9
        assert calls(server) == wanted


def test_many_gets_run_side_by_side_and_bounded(server, name):
    """A batch of reads is under way together, no more than 32 at a time."""
    store = ModalStore(name)
    store.update((number, number) for number in range(200))
    calls(server)
    control(server, "set", slow=0.01)
    try:
        assert store.get_many(range(200)) == list(range(200))
        assert 4 <= control(server, "calls")["side by side"] <= 32
    finally:
        control(server, "set", slow=0.0)


def test_an_insert_costs_the_same_at_any_size(server, name):
    """With an index, an insert at 10,000 keys makes the three requests that it makes at 100."""
    store = ModalStore(name, index=True)
    store["first"] = 0  # both Dicts are known from here on
    del store["first"]
    made = []
    for size in (100, 10_000):
        raw(store).update({f"key-{number}": 0 for number in range(size)})
        store.raw.index.set_many((f"key-{number}", b"\xa0") for number in range(size))
        assert len(store) == size
        calls(server)
        store["new"] = 1
        made.append(calls(server))
        del store["new"]
    assert made == [{"DictUpdate": 3}] * 2


def test_a_large_update_is_split(server, name):
    """An update that the service finds too large goes in parts; one value that is too large is named."""
    control(server, "set", most_bytes=20_000)
    try:
        store = ModalStore(name)
        store.update({f"key-{number}": b"x" * 1000 for number in range(100)})
        assert len(store) == 100
        with pytest.raises(ValueError, match=r"'large' is larger than the service takes"):
            store["large"] = b"x" * 30_000
        with pytest.raises(PartialWriteError) as caught:
            store.update((f"key-{number}", b"x" * (30_000 if number == 1500 else 10)) for number in range(2500))
        assert caught.value.done == 2000
        assert "key-1500" in caught.value.failed
    finally:
        control(server, "set", most_bytes=100 * 1024 * 1024)


def test_len_counts_keys_where_the_service_stops(server, name):
    """At the service's bound len is counted by the keys themselves."""
    control(server, "set", most_counted=100)
    try:
        store = ModalStore(name)
        store.update((number, b"") for number in range(250))
        assert raw(store).len() == 100
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("spoonbill.backends.modal.backend.COUNTED", 100)
            assert len(store) == 250
    finally:
        control(server, "set", most_counted=100_000)


# -- beside other writers ------------------------------------------------------------------------------------------

_INSERTS = """
import sys
from spoonbill.datastores import ModalStore
store = ModalStore(sys.argv[1], index=True)
number = int(sys.argv[2])
for count in range(100):
    store[f"{number}-{count}"] = count
store.update((f"{number}-{count}", count) for count in range(100, 2500))
"""
_HAMMER = """
import random, sys, time
from spoonbill.datastores import ModalStore
store = ModalStore(sys.argv[1], index=True)
dice = random.Random(int(sys.argv[2]))
end = time.monotonic() + 2
while time.monotonic() < end:
    key = dice.randrange(50)
    if dice.random() < 0.5:
        store[key] = 1
    else:
        store.delete(key)
"""


def run_beside(server, script, name, count):
    """Run a script in some processes at once, each led to the server."""
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", script, name, str(number)],
            cwd=ROOT,
            env={**os.environ, **environment(server.port), "PYTHONPATH": str(ROOT)},
        )
        for number in range(count)
    ]
    assert [worker.wait(120) for worker in workers] == [0] * count


def test_ten_thousand_inserts_of_four_processes(server, name):
    """10,000 inserts from four processes at once: every key is listed exactly once."""
    run_beside(server, _INSERTS, name, 4)
    store = ModalStore(name, index=True)
    listed = list(store)
    assert len(listed) == len(store) == 10_000
    assert set(listed) == {f"{number}-{count}" for number in range(4) for count in range(2500)}
    assert set(raw(store).keys()) == set(listed)


def test_writers_that_set_and_delete_the_same_keys(server, name):
    """Two processes set and delete the same fifty keys for two seconds: then the listing equals the data."""
    run_beside(server, _HAMMER, name, 2)
    store = ModalStore(name, index=True)
    assert set(store) == {int(key[2:]) for key in raw(store).keys()}
    assert 0 < len(store) < 50


def test_threads_of_one_process_replace_atomically(name):
    """Four threads count by replace: no step is lost, and a set between is not overwritten unseen."""
    store = ModalStore(name)
    store["n"] = 0

    def count():
        for _ in range(15):
            while not store.replace("n", seen := store["n"], seen + 1):
                pass

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store["n"] == 60
    assert (store.native("add"), store.native("replace")) == (True, False)
    assert "replace between the threads of this process alone" in store.guarantees.atomic


def test_options_that_do_not_fit_are_refused(name):
    """Fields without an index or with a codec, an index of another kind, and a name that is no str."""
    for options in ({"fields": ("a",)}, {"fields": ("a",), "index": True, "codec": "json"}, {"index": "yes"}):
        with pytest.raises(UnsupportedError):
            ModalStore(name, **options)
    with pytest.raises(UnsupportedError):
        ModalStore(7)
    with pytest.raises(UnsupportedError, match="Expiring"):
        ModalStore(name).set("k", 1, ttl=5)
