"""What the tests of every cloud filesystem share."""

import pickle
from itertools import count

import hypothesis.strategies as st
import pytest

from spoonbill import prefix
from spoonbill.errors import ClosedError, KeyDecodeError, StoreError
from spoonbill.filesystems import commit as committing
from spoonbill.filesystems.staging import Staging
from spoonbill.testing import BackendContract
from tests.helpers.shares import check_shares, check_shares_while_written

KEYS = st.text(st.sampled_from("aAb/.*[%^~!\x00 \u00e9"), max_size=4) | st.integers(-3, 3) | st.tuples(st.booleans())
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


OLD = {"removed": b"1", "both": b"2", "gone": b"3", "stays": b"4"}
NEW = {"both": b"new", "stays": b"new too", "added": b"5", "more": b"6"}
_BATCHES = ("write", "write_many", "stage_many", "prepare_many", "write_by", "keep_many", "move_many", "drop_many")


def breaking_at(number, store, patch):
    """Let the store's number-th batch of writes be done by half, and fail; return the names of those that did."""
    made = count(1)
    broken = []
    folder = store._folder

    def breaking(name):
        real = getattr(folder, name)

        def call(*arguments):
            if next(made) != number:
                return real(*arguments)
            broken.append(name)
            if name in {"keep_many", "move_many", "drop_many"}:
                real(arguments[0][: len(arguments[0]) // 2])
            raise TimeoutError("the line is dead")

        return call

    for name in _BATCHES:
        patch.setattr(folder, name, breaking(name))
    return broken


def refused(call, *arguments):
    """Return what a call fails with as a StoreError, None where it does not."""
    try:
        call(*arguments)
    except StoreError as error:
        return str(error)
    return None


class FilesContract(BackendContract):
    """The contract of a backend whose keys are awkward names for a filesystem."""

    keys = ("a", "a/b", "", "..", "\u00e9 *[1]\x00")

    def test_a_pattern_lists_only_its_prefix(self, store):
        """Prefixes with capitals, dots, devices' names and long names find what a dict finds."""
        keys = [
            "con",
            "Con",
            "con.x",
            "co",
            "cone",
            "a.",
            "a..b",
            "ab",
            "A",
            " a",
            "x" * 200,
            "x" * 179 + "yz",
            "",
            ".",
        ]
        store.update(dict.fromkeys(keys, b"1"))
        for start in (*keys, "c", "x" * 150, "x" * 190, "a."):
            assert sorted(store.keys(prefix(start))) == sorted(key for key in keys if key.startswith(start))

    def test_shares_hold_what_stays(self, store):
        """Each key that stays is in one share, in a search and beside writes too, whatever its name."""
        keys = [*self.keys, "A", "Z", "x" * 400, *(f"key {number}" for number in range(20))]
        store.update(dict.fromkeys(keys, b"1"))
        check_shares(store, keys, prefix("key 1"), counts=(3,))
        check_shares_while_written(store, set(keys), b"2", counts=(4,), most=10)

    def test_a_closed_store_answers_no_more(self, store):
        """After close every call is refused by name, and closing again is no error."""
        store["a"] = b"1"
        assert store.client is not None
        store.close()
        store.close()
        for call in (lambda: store["a"], lambda: store.set("a", b"2"), lambda: list(store), store.clear):
            with pytest.raises(ClosedError, match="closed"):
                call()

    def test_a_root_with_a_doubled_slash_lists_what_it_stores(self, store):
        """A root taken as it was written, ``bucket//folder``, lists, counts and clears what it wrote."""
        (root, *arguments), options = store._configuration
        other = type(store)(f"{root}//more", *arguments, **options)
        other.update({"a": b"1", "b/c": b"2"})
        assert dict(other.items()) == {"a": b"1", "b/c": b"2"}
        assert list(other.keys(prefix("b"))) == ["b/c"]
        other.clear()
        assert other.get("a") is None
        assert list(other) == []

    def test_a_range_of_a_value_is_read(self, store):
        """read_range gives what a slice of the value is, and KeyError where there is no value."""
        store["a"] = b"0123456789"
        store["empty"] = b""
        assert "read_range" in store.capabilities
        for start, stop in ((0, 3), (2, 5), (8, 50), (10, 12), (20, 30), (3, 3), (5, 2), (0, 10)):
            assert store.read_range("a", start, stop) == b"0123456789"[start:stop]
        assert store.read_range("empty", 0, 5) == b""
        with pytest.raises(KeyError):
            store.read_range("absent", 0, 5)
        with pytest.raises(ValueError, match="-1"):
            store.read_range("a", -1, 5)

    def test_what_is_being_written_is_not_listed(self, store):
        """After replace_all no file is left beside those of the keys, and a failure leaves the old contents."""
        store.update({"old": b"1", "both": b"2"})

        def torn():
            yield "both", b"new"
            yield "new", b"new"
            raise RuntimeError("torn")

        with pytest.raises(RuntimeError, match="torn"):
            store.replace_all(torn())
        assert dict(store.items()) == {"old": b"1", "both": b"2"}
        store.replace_all([("both", b"3"), ("new", b"4"), ("both", b"5")])
        assert dict(store.items()) == {"both": b"5", "new": b"4"}
        assert sorted(self.names(store)) == ["both", "new"]

    def test_a_load_that_breaks_off_changes_nothing(self, store, monkeypatch):
        """Wherever the filesystem fails, halfway through a batch too, the old files are all there, and only they."""
        store.update(OLD)
        for number in count(1):
            with monkeypatch.context() as patch:
                broken = breaking_at(number, store, patch)
                reason = refused(store.replace_all, NEW.items())
            if reason is None:
                assert not broken or broken[-1] == "drop_many"  # of names that nobody sees any more
                break
            assert "the line is dead" in reason
            assert dict(store.items()) == OLD
            assert sorted(self.names(store)) == sorted(OLD)
        assert number > 5
        assert dict(store.items()) == NEW

    def test_a_load_that_is_killed_is_all_or_nothing(self, store, monkeypatch):
        """Wherever the process dies, the next one that uses the root sees the old files alone or the new ones alone."""
        seen = set()
        for number in count(1):
            store.replace_all(OLD.items())
            with monkeypatch.context() as patch:
                patch.setattr(committing._Commit, "_take_back", lambda *_: None)  # what the dead do not do
                patch.setattr(Staging, "__exit__", lambda *_: None)
                breaking_at(number, store, patch)
                if refused(store.replace_all, NEW.items()) is None:
                    break
            shown = {name for name in self.names(store) if "~" not in name}
            again = pickle.loads(pickle.dumps(store))
            found = dict(again.items())
            assert found in (OLD, NEW)
            assert {name for name in self.names(store) if "~" not in name} == shown  # a read changes nothing
            seen.add((frozenset(shown), found == NEW))
            again.flush()
            assert dict(again.items()) == found
            assert sorted(name for name in self.names(store) if not name.endswith("~part")) == sorted(found)
            again.close()
        assert {new for _, new in seen} == {True, False}
        assert any(shown not in (set(OLD), set(NEW)) for shown, _ in seen)  # a mixture was repaired

    def test_a_file_of_another_program_is_not_removed(self, store):
        """A load into a root with a file that no store wrote is refused, and changes nothing."""
        store.update(OLD)
        path = store._folder.path("Notes.TXT")
        store._folder.write(path, b"mine")
        with pytest.raises(KeyDecodeError, match=r"Notes\.TXT"):
            store.replace_all(NEW.items())
        assert store._folder.read(path) == b"mine"
        assert sorted(self.names(store)) == sorted([*OLD, "Notes.TXT"])
        store._folder.remove(path)
        assert dict(store.items()) == OLD

    def names(self, store):
        """Return the names of all files below the root, by other means than the store."""
        raise NotImplementedError
