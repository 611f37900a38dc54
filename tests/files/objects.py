"""What the tests of every cloud filesystem share."""

import hypothesis.strategies as st
import pytest

from spoonbill import prefix
from spoonbill.testing import BackendContract

KEYS = st.text(st.sampled_from("aAb/.*[%^~!\x00 \u00e9"), max_size=4) | st.integers(-3, 3) | st.tuples(st.booleans())
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


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

    def names(self, store):
        """Return the names of all files below the root, by other means than the store."""
        raise NotImplementedError
