"""What every document store whose entries expire keeps, as tests."""

import time
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from spoonbill import Codec, Expiring, Prefixed, prefix
from spoonbill.backends.shared.documents import EXPIRY, expiry
from spoonbill.errors import UnsupportedError
from spoonbill.store import Store
from tests.contract.documents.document_fixtures import DocumentFixtures


class Clock:
    """A clock that can be moved on."""

    def __init__(self) -> None:
        self.shift = 0.0

    def time(self) -> float:
        return time.time() + self.shift


class DocumentExpiryContract(DocumentFixtures):
    """Inherit it beside `DocumentFixtures`.

    Attributes
    ----------
    expires : dict
        The options by which entries expire.
    foreign_end : object
        What another tool has in the field of the expiry, of a type that the test's server can compare with numbers.
    """

    expires: ClassVar[dict[str, Any]] = {}
    foreign_end: ClassVar[Any] = "soon"

    @pytest.fixture
    def clock(self, monkeypatch: pytest.MonkeyPatch) -> Clock:
        clock = Clock()
        monkeypatch.setattr(expiry, "time", SimpleNamespace(time=clock.time))
        return clock

    def test_what_is_over_is_absent_at_once(self, name: str, clock: Clock) -> None:
        """To every verb, single, in batches, listings, searches and counts; what has no end stays."""
        with self.opened(name, **self.expires) as store:
            store.set("a", {"n": 1}, ttl=100)
            store.set_many([("b", {"n": 2}), ("c", [3])], ttl=50)
            assert store.add("d", {"n": 4}, ttl=50)
            store["stays"] = {"n": 5}
            assert len(store) == 5
            assert 99 <= store.ttl("a") <= 100
            assert store.ttl("stays") is None
            clock.shift = 60
            assert store.get("b") is None
            assert "c" not in store
            assert store.get_many(["a", "b", "c", "stays"], 0) == [{"n": 1}, 0, 0, {"n": 5}]
            assert sorted(store) == ["a", "stays"]
            assert len(store) == 2
            assert dict(store.items()) == {"a": {"n": 1}, "stays": {"n": 5}}
            assert dict(store.items({"n": 2})) == {}
            assert sorted(store.keys(prefix(""))) == ["a", "stays"]
            with pytest.raises(KeyError):
                store.ttl("b")
            assert store.touch("b", 10) is False
            assert store.replace("b", {"n": 2}, {"n": 9}) is False
            assert store.pop("c", None) is None
            store.set("c", [3], ttl=1)
            clock.shift = 70
            assert store.delete("c") is False
            assert store.delete_many(["a", "b", "d"]) == 1
            assert list(store) == ["stays"]

    def test_the_place_of_what_is_over_can_be_taken(self, name: str, clock: Clock) -> None:
        """`add` writes over it, once; setdefault and increment begin anew."""
        with self.opened(name, **self.expires) as store:
            store.set("a", {"n": 1}, ttl=50)
            assert store.add("a", {"n": 2}) is False
            clock.shift = 60
            assert store.add("a", {"n": 3}, ttl=50) is True
            assert store.add("a", {"n": 4}) is False
            assert store["a"] == {"n": 3}
            store.set("count", 5, ttl=10)
            assert store.increment("count") == 6
            assert store.ttl("count") <= 10
            clock.shift = 120
            assert store.increment("count") == 1
            assert store.setdefault("a", {"n": 5}) == {"n": 5}
            assert store.ttl("a") is None

    def test_a_write_without_a_ttl_stays(self, name: str, clock: Clock) -> None:
        """A set ends an expiry, `touch` and `replace` begin another, and a change in place keeps it."""
        with self.opened(name, **self.expires) as store:
            store.set("a", {"n": 1}, ttl=50)
            store["a"] = {"n": 2}
            assert store.ttl("a") is None
            assert store.touch("a", 50) is True
            store.modify("a", lambda value: {"n": value["n"] + 1})
            assert 49 <= store.ttl("a") <= 50
            assert store.replace("a", {"n": 3}, {"n": 4}, ttl=500)
            clock.shift = 60
            assert store["a"] == {"n": 4}
            assert store.touch("a", None)
            clock.shift = 6000
            assert store["a"] == {"n": 4}
            store.set("never", {}, ttl=float("inf"))
            assert store.ttl("never") is None

    def test_a_limit_counts_what_is_there(self, name: str, clock: Clock) -> None:
        """Entries that are over take no place of a search's first results."""
        with self.opened(name, **self.expires) as store:
            store.set_many([(f"a{number}", {"n": 1}) for number in range(20)], ttl=50)
            store.update({f"b{number}": {"n": 1} for number in range(10)})
            clock.shift = 60
            assert len(list(store.items({"n": 1}, limit=7))) == 7
            assert len(list(store.keys(prefix(""), limit=10))) == 10
            assert len(list(store.items({"n": 1}, limit=30))) == 10

    def test_the_expiry_stands_in_the_document(self, name: str) -> None:
        """Other tools and the service see it; a field of that name in a value is a field like any other."""
        with self.opened(name, **self.expires) as store:
            store.set("a", {"n": 1}, ttl=50)
            fields = self.read(name, "a")
            assert fields is not None
            assert EXPIRY in fields
            store["mine"] = {EXPIRY: 5, "n": 1}
            assert store["mine"] == {EXPIRY: 5, "n": 1}
            assert store.ttl("mine") is None
            assert list(store.keys(prefix("mine"))) == ["mine"]
            assert [key for key, _ in store.items({EXPIRY: 5})] == ["mine"]
            self.written(name, "theirs", {EXPIRY: self.foreign_end, "n": 2})
            assert store["theirs"]["n"] == 2
            assert "theirs" in store
            assert store.delete("theirs") is True

    def test_layers_pass_it_on(self, name: str, clock: Clock) -> None:
        """Expiring leaves it to the engine; a prefix and a codec take a ttl."""
        with self.opened(name, **self.expires) as store:
            for layer in (Expiring(store, 50), Prefixed(store, "p:"), Codec(store)):
                layer.set("a", {"n": 1}, ttl=50)
                assert layer["a"] == {"n": 1}
                assert 49 <= layer.ttl("a") <= 50
            default: Store[Any, Any] = Expiring(store, 50)
            default["b"] = {"n": 1}
            assert default.ttl("b") is not None
            clock.shift = 60
            assert len(store) == 0

    def test_a_ttl_that_means_nothing_is_refused(self, name: str) -> None:
        """Before anything is written."""
        with self.opened(name, **self.expires) as store:
            for ttl in (0, -1, True, "5", float("nan")):
                with pytest.raises(UnsupportedError, match="ttl is a number of seconds above 0"):
                    store.set("a", {}, ttl=ttl)
            assert list(store) == []
