"""What each layer adds: caches and their policies, dialects, strings, codecs that name their remedy."""

import threading
import time

import pytest

from spoonbill import Cached, Codec, Layer, Search, StrictString, glob, gt, regex
from spoonbill.backends import Lmdb, Memory
from spoonbill.datastores import InMemoryStore, LmdbStore
from spoonbill.errors import (
    CodecError,
    InvalidKeyError,
    KeyDecodeError,
    QueryError,
    SpoonbillError,
    StackError,
    UnsupportedError,
)
from spoonbill.testing import SpyStore


def cached(**options):
    """Return a cache and the recorder below it."""
    recorder = SpyStore()
    return Cached(recorder, **options), recorder


def reads(recorder):
    """Return how many reads reached the store below since the last call."""
    count = sum(call in {"get", "get_many"} for call in recorder.calls)
    recorder.calls.clear()
    return count


def test_lru_drops_what_was_read_longest_ago():
    """Of three entries in a cache for two, the one whose read is longest ago is read anew."""
    store, recorder = cached(maxsize=2)
    recorder.data = {"a": 1, "b": 2, "c": 3}
    for key in "abac":
        store[key]
    reads(recorder)
    assert [store["a"], reads(recorder), store["b"], reads(recorder)] == [1, 0, 2, 1]


def test_lfu_drops_what_was_read_least():
    """The entry with the fewest reads makes room, though it was read last."""
    store, recorder = cached(maxsize=2, policy="lfu")
    recorder.data = {"a": 1, "b": 2, "c": 3}
    for key in "aaabc":
        store[key]
    reads(recorder)
    assert [store["a"], reads(recorder), store["b"], reads(recorder)] == [1, 0, 2, 1]


def test_ttl_reads_anew_after_its_time():
    """An entry older than its time to live is read from the store again."""
    store, recorder = cached(ttl=0.05)
    recorder.data = {"a": 1}
    assert store["a"] == 1
    recorder.data["a"] = 2
    while store["a"] == 1:  # ends: the entry expires
        time.sleep(0.01)
    assert store["a"] == 2


def test_a_bound_in_bytes_holds_no_more():
    """With getsizeof the cache is bounded by total size, and what is larger than all of it is not kept."""
    store, recorder = cached(maxsize=100, getsizeof=len)
    recorder.data = {"a": b"x" * 60, "b": b"y" * 60, "large": b"z" * 101}
    store["a"], store["b"]
    assert store.stats.size == 60
    assert store["large"] == b"z" * 101
    assert store.stats.size == 60
    reads(recorder)
    assert [store["b"], reads(recorder)] == [b"y" * 60, 0]


def test_statistics_count_hits_and_misses():
    """Hits and misses of single and batch reads are counted, beside how full the cache is."""
    store, recorder = cached(maxsize=10)
    recorder.data = {"a": 1, "b": 2}
    store["a"], store["a"], store.get_many(["a", "b", "none"])
    assert (store.stats.hits, store.stats.misses) == (2, 3)
    assert (store.stats.size, store.stats.maxsize) == (2, 10)


def test_a_batch_reads_only_what_is_missing():
    """Of a batch, the keys that the cache lacks go down as one call."""
    store, recorder = cached()
    recorder.data = {"a": 1, "b": 2, "c": 3}
    store["a"]
    reads(recorder)
    assert store.get_many(["c", "a", "b", "a"]) == [3, 1, 2, 1]
    assert reads(recorder) == 1


def test_equal_keys_share_one_entry():
    """1, 1.0 and True are one key of the store, so they are one entry of the cache."""
    store = Cached(Codec(Memory()))
    store[1] = "one"
    assert [store[1.0], store[True], store.stats.size] == ["one", "one", 1]
    store[True] = "changed"
    assert store[1] == "changed"


def test_absence_is_remembered_only_when_asked():
    """A key that is not there is asked for each time, or once with absences=True, and a write makes it known."""
    store, recorder = cached()
    store.get("a"), store.get("a")
    assert reads(recorder) == 2
    store, recorder = cached(absences=True)
    store.get("a"), store.get("a")
    assert reads(recorder) == 1
    store["a"] = 5
    assert store["a"] == 5


@pytest.mark.parametrize(
    "write",
    [
        lambda s: s.set("a", 2),
        lambda s: s.update({"a": 2}),
        lambda s: s.replace("a", 1, 2),
        lambda s: s.replace_all([("a", 2)]),
        lambda s: (s.delete("a"), s.add("a", 2)),
        lambda s: (s.pop("a"), s.set("a", 2)),
        lambda s: (s.clear(), s.set("a", 2)),
        lambda s: (s.delete_many(["a"]), s.set("a", 2)),
    ],
)
def test_no_read_is_older_than_a_finished_write(write):
    """Whatever verb wrote, the next read through the cache sees it."""
    store, _ = cached()
    store["a"] = 1
    assert store["a"] == 1
    write(store)
    assert store["a"] == 2
    assert store.get_many(["a"]) == [2]


def test_a_write_cancels_the_fill_that_ran_beside_it():
    """A read that began before a write, and ends after it, does not put its old value into the cache."""
    begun, written = threading.Event(), threading.Event()

    class Slow(Layer):
        def get(self, key, default=None):
            value = self.inner.get(key, default)
            if threading.current_thread() is reader:
                begun.set()
                written.wait(10)
            return value

    store = Cached(Slow(Memory({"a": "old"})))
    seen = []
    reader = threading.Thread(target=lambda: seen.append(store.get("a")))
    reader.start()
    begun.wait(10)
    store["a"] = "new"
    written.set()
    reader.join()
    assert seen == ["old"]  # what it had read already
    assert store["a"] == "new"


def test_a_failed_write_leaves_no_lie():
    """After a write that failed the next read asks the store, whatever it holds now."""
    store, recorder = cached()
    store["a"] = 1
    store["a"]
    recorder.broken = True
    with pytest.raises(SpoonbillError):
        store["a"] = 2
    recorder.broken = False
    recorder.data["a"] = 3
    assert store["a"] == 3


def test_shared_values_and_copies():
    """A mutable value is shared with the cache, unless copy=True asks for one of one's own."""
    shared = Cached(Codec(Memory()))
    own = Cached(Codec(Memory()), copy=True)
    for store, expected in ((shared, [1, 2]), (own, [1])):
        store["a"] = [1]
        store["a"].append(2)
        assert store["a"] == expected
        assert store.inner["a"] == [1]


def test_wrong_policies_are_refused_by_name():
    """A policy that does not exist, or does not expire, is refused at construction."""
    with pytest.raises(UnsupportedError, match="lru, lfu"):
        Cached(Memory(), policy="best")
    with pytest.raises(UnsupportedError, match="ttl"):
        Cached(Memory(), policy="lfu", ttl=5)
    with pytest.raises(InvalidKeyError):
        Cached(Memory())[["unhashable"]]


def test_dialects_say_what_a_string_means():
    """A plain string is a regex, a glob, a LIKE or a prefix, as the outermost Search says; "*" is everything."""
    inner = InMemoryStore({"a.c": 1, "abc": 2, "xabc": 3})
    assert set(inner.keys("a.c")) == {"a.c", "abc"}
    assert set(Search(inner, dialect="glob").keys("a*c")) == {"a.c", "abc"}
    assert set(Search(inner, dialect="glob").keys("a.c")) == {"a.c"}
    assert set(Search(inner, dialect="like").keys("%abc")) == {"abc", "xabc"}
    assert set(Search(inner, dialect="prefix").keys("a.")) == {"a.c"}
    assert len(list(Search(inner, dialect="prefix").keys("*"))) == 3
    assert set(Search(Search(inner, dialect="like"), dialect="glob").keys("x*")) == {"xabc"}
    with pytest.raises(QueryError, match="dialect"):
        Search(inner, dialect="sql")


def test_a_bound_on_what_a_search_may_read():
    """A search that would read more than the bound ends with an error that says so; a narrow one does not."""
    store = Search(InMemoryStore({str(number): number for number in range(100)}), max_scanned=50)
    with pytest.raises(QueryError, match="50"):
        list(store.items(gt(98)))
    assert len(list(store.keys("*", limit=5))) == 5


def test_explain_tells_what_runs_where(tmp_path):
    """The plan names every layer on the way, the part that the engine does, and what is read; nothing is read."""
    store = Cached(Codec(Lmdb(tmp_path / "d", durability="process")))
    store.update({"user:1": {"age": 5}, "user:2": {"age": 50}, "x": 1})
    plan = store.explain(glob("user:*"), {"age": gt(10)})
    text = str(plan)
    assert "user:" in plan.native
    assert "Codec" in text
    assert "age" in text
    whole = store.explain(regex(".*x"))
    assert not whole.native
    assert "every key" in whole.scanned


def test_strict_strings_are_as_redis_has_them():
    """Keys and values become strings: str, int and float; whatever else is refused and nothing is written."""
    store = StrictString(Memory())
    store[1] = 2
    assert store["1"] == store[1] == "2"
    store["f"] = 1.5
    assert store["f"] == "1.5"
    assert list(store) == ["1", "f"]
    assert store.raw["1"] == b"2"
    for bad in (None, True, b"bytes", {"a": 1}, object(), [1]):
        with pytest.raises((InvalidKeyError, CodecError)):
            store["a"] = bad
        with pytest.raises((InvalidKeyError, TypeError)):
            store[bad] = "a"
    assert len(store) == 2


def test_text_keys_read_what_others_wrote():
    """A key with the marker of ours, written by another program, is refused by name, and read with keys="text"."""
    engine = Memory({"!important": b"1", "plain": b"2"})
    with pytest.raises(KeyDecodeError, match="!important"):
        list(Codec(engine, "raw"))
    store = Codec(engine, "raw", keys="text")
    assert dict(store.items()) == {"!important": b"1", "plain": b"2"}
    assert list(store.keys(glob("!*"))) == ["!important"]
    store["!new"] = b"3"
    assert engine["!new"] == b"3"
    with pytest.raises(InvalidKeyError, match="text"):
        store[5] = b"x"


def test_codecs_say_who_cannot_hold_what(tmp_path):
    """A value that cannot be held, and bytes that cannot be read, name the store, the key and the remedy."""
    store = LmdbStore(tmp_path / "d", durability="process")
    with pytest.raises(CodecError, match=r"LmdbStore|Codec.*'job'.*strict=False"):
        store["job"] = threading.Lock()
    store.raw.set("bad", b"\xc1\xff\xff")
    store.raw.set("torn", b"\x92\x01")
    for key in ("bad", "torn"):
        with pytest.raises(CodecError, match=key):
            store[key]
    with pytest.raises(CodecError, match="bad"):
        store.pop("bad")
    assert "bad" in store  # not lost by the attempt


def test_no_stored_byte_is_executed(tmp_path):
    """A pickle planted in the store of a strict stack is an error, and never runs."""
    import os
    import pickle

    class Harm:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "harmed"),)

    planted = pickle.dumps(Harm())
    for codec in ("msgpack", "json", "text", "raw"):
        store = Codec(Memory({"a": planted}), codec)
        try:
            store["a"]
        except CodecError:
            pass
        assert not (tmp_path / "harmed").exists()


def test_a_codec_over_decoded_values_names_the_order_that_works():
    """Codec on a layer over decoded values is refused with the order that works; on named stores it is opened."""
    with pytest.raises(StackError, match=r"Cached\(Codec"):
        Codec(Cached(Codec(Memory())))
    assert Codec(Codec(Memory()), "json").raw == {}


def test_snapshots_report_their_progress(tmp_path):
    """A progress callable hears how many entries were written and read, up to the last."""
    source, heard = InMemoryStore({str(number): number for number in range(2500)}), []
    source.save(tmp_path / "s", progress=heard.append)
    assert heard[-1] == 2500
    assert heard == sorted(heard)
    heard.clear()
    target = InMemoryStore()
    target.load(tmp_path / "s", progress=heard.append)
    assert heard[-1] == 2500
    assert target == source


def test_a_store_saves_to_any_filesystem():
    """A snapshot goes to an fsspec URL and comes back from it."""
    source = InMemoryStore({"a": 1, ("b", 2): {"x"}})
    source.save("memory://snapshots/one")
    assert InMemoryStore.open("memory://snapshots/one") == source


def test_loading_into_oneself_and_updating_from_oneself():
    """A store can be updated from itself and load what it saved, and loses nothing."""
    store = InMemoryStore({"a": 1, "b": 2})
    store.update(store)
    store.replace_all(store.entries())
    assert store == {"a": 1, "b": 2}
