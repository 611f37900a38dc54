"""The contract as tests that anyone can inherit."""

import pickle
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from spoonbill.common.equality import python_equal
from spoonbill.common.sentinels import MISSING
from spoonbill.errors import ReadOnlyError, UnsupportedError
from spoonbill.query import compile_query, eq, glob, like, prefix, regex
from spoonbill.store import VERBS, Store
from spoonbill.testing.content_rules import ContentRules
from spoonbill.testing.race_rules import RaceRules
from spoonbill.testing.scale_rules import ScaleRules


class StoreContract(ScaleRules, RaceRules, ContentRules):
    """Inherit it, write `make`, and pytest runs the contract on your store.

    ::

        class TestMyStore(StoreContract):
            def make(self, path):
                return MyStore(path / "data")

    Attributes
    ----------
    values : tuple
        Five different values that the store holds, none of them None.
    keys : tuple
        Five different keys that the store holds.
    many : int
        How many entries the tests of large contents write, more than an engine's page; fewer for a slow engine.
    """

    def test_set_get_delete(self, store: Store[Any, Any]) -> None:
        """A value comes back as it was set, and is gone after a delete."""
        for key, value in self.pairs.items():
            assert store.get(key, MISSING) is MISSING
            store.set(key, value)
            assert store.get(key, MISSING) == value
            assert self.peek(store, key) is not MISSING
        for key in self.keys:
            assert store.delete(key) is True
            assert store.delete(key) is False
            assert self.peek(store, key) is MISSING

    def test_set_replaces(self, store: Store[Any, Any]) -> None:
        """A second set replaces the whole value and adds no key."""
        for value in self.values:
            store[self.keys[0]] = value
            assert store[self.keys[0]] == value
        assert len(store) == 1

    def test_absence_is_key_error(self, store: Store[Any, Any]) -> None:
        """An absent key is KeyError in every form that a dict raises it in, and the default elsewhere."""
        key = self.keys[0]
        for operation in (store.__getitem__, store.__delitem__, store.pop):
            with pytest.raises(KeyError):
                operation(key)
        with pytest.raises(KeyError):
            store.popitem()
        assert store.get(key) is None
        assert store.get(key, 5) == 5
        assert store.pop(key, 5) == 5
        assert key not in store
        assert not store

    def test_popitem_takes_all_and_lists_seldom(self, store: Store[Any, Any]) -> None:
        """Taking every pair by popitem ends in KeyError, and does not list the store again for each."""
        store.update(self.pairs)
        listings = []
        real = store.iter

        def counted() -> Iterator[Any]:
            listings.append(1)
            return real()

        vars(store)["iter"] = counted
        taken = dict(store.popitem() for _ in self.keys)
        assert taken == self.pairs
        with pytest.raises(KeyError):
            store.popitem()
        assert len(listings) <= 2
        store.update(self.pairs)
        del vars(store)["iter"]
        assert store.popitem()[0] in self.pairs
        assert len(store) == len(self.pairs) - 1

    def test_listing(self, store: Store[Any, Any]) -> None:
        """Iteration, views, len and truth agree with a dict of the same pairs."""
        store.update(self.pairs)
        assert sorted(store) == sorted(self.keys)
        assert len(store) == len(self.pairs)
        assert bool(store)
        assert dict(store.items()) == self.pairs
        assert sorted(store.keys()) == sorted(self.keys)
        assert list(store.values()) == [store[key] for key in store]
        assert store == self.pairs
        assert store.copy() == self.pairs

    def test_batches(self, store: Store[Any, Any]) -> None:
        """A batch keeps order, duplicates and absences, and a batch of none is empty."""
        store.update(self.pairs)
        first, second = self.keys[:2]
        store.delete(second)
        wanted = [second, first, first, second]
        value = self.values[0]
        assert list(store.values(keys=wanted)) == [None, value, value, None]
        assert store.get_many(wanted, MISSING) == [MISSING, value, value, MISSING]
        assert list(store.values(keys=[])) == []
        assert store.delete_many([second, first, first]) == 1
        store.update([(first, self.values[0]), (first, self.values[1])])
        assert store[first] == self.values[1]

    def test_atomic_verbs(self, store: Store[Any, Any]) -> None:
        """Add sets only what is absent, replace only what is equal, pop removes what it returns."""
        key, (one, two, three) = self.keys[0], self.values[:3]
        assert store.replace(key, one, two) is False
        assert store.add(key, one) is True
        assert store.add(key, two) is False
        assert store.replace(key, two, three) is False
        assert store.replace(key, one, two) is True
        assert store.pop(key) == two
        assert key not in store
        assert store.setdefault(key, one) == one
        assert store.setdefault(key, two) == one
        assert store.popitem() == (key, one)

    def test_clear_and_replace_all(self, store: Store[Any, Any]) -> None:
        """Both leave exactly what they say."""
        store.update(self.pairs)
        store.replace_all([(self.keys[0], self.values[1])])
        assert dict(store.items()) == {self.keys[0]: self.values[1]}
        store.clear()
        assert list(store) == []

    def test_writing_while_iterating(self, store: Store[Any, Any]) -> None:
        """A loop over the keys may delete and set."""
        store.update(self.pairs)
        for key in store:
            store[key] = self.values[0]
        for key in store:
            del store[key]
        assert len(store) == 0

    def test_search_counts_matches(self, store: Store[Any, Any]) -> None:
        """A limit counts what matches, and every key is found by the pattern for everything."""
        store.update(self.pairs)
        assert sorted(store.keys("*")) == sorted(self.keys)
        assert len(list(store.keys("*", limit=2))) == 2
        assert len(list(store.items(limit=3))) == 3
        assert list(store.keys("*", limit=0)) == []
        assert str(store.explain("*"))

    def test_shares_hold_every_key_once(self, store: Store[Any, Any]) -> None:
        """Shares hold every key once, and shares of a search what matches."""
        store.update(self.pairs)
        for count in (1, 3, len(self.keys) + 5):
            shares = store.shares(count)
            assert 1 <= len(shares) <= count
            assert Counter(key for share in shares for key in share.keys()) == Counter(self.keys)  # noqa: SIM118
            assert all(python_equal(store[key], value) for share in shares for key, value in share.entries())
        found = store.shares(3, pattern=str(self.keys[0]))
        assert Counter(key for share in found for key in share.keys()) == Counter(store.keys(str(self.keys[0])))  # noqa: SIM118

    def test_a_ttl_is_kept_or_refused(self, store: Store[Any, Any]) -> None:
        """A store that cannot expire entries refuses a time to live, in the words of all others, and writes nothing."""
        key, value = self.keys[0], self.values[0]
        writes: tuple[Any, ...] = (
            lambda: store.set(key, value, ttl=60),
            lambda: store.set_many([(key, value)], ttl=60),
            lambda: store.add(key, value, ttl=60),
        )
        for write in writes:
            if "ttl" in store.features:
                write()
                assert store.pop(key) == value
            else:
                with pytest.raises(UnsupportedError, match="cannot expire entries"):
                    write()
                assert not store.has(key)

    def test_a_key_that_cannot_be_stored_is_absent(self, store: Store[Any, Any]) -> None:
        """Reading with a key of a kind that no entry can have is as reading an absent one; only writes refuse it."""
        store[self.keys[0]] = self.values[0]
        odd: Any = object()
        assert odd not in store
        assert store.get(odd) is None
        assert store.get_many([self.keys[0], odd], 5) == [self.values[0], 5]
        assert store.pop(odd, 5) == 5
        assert not store.delete(odd)
        assert store != {odd: self.values[0]}
        assert store.keys().isdisjoint({odd})
        assert store.keys() & {odd} == set()
        assert (odd, self.values[0]) not in store.items()
        with pytest.raises(KeyError):
            store[odd]

    def test_save_and_load(self, store: Store[Any, Any], tmp_path: Path) -> None:
        """A snapshot brings back what was saved, in place of what is there."""
        saved = {key: self.pairs[key] for key in self.keys[:-1]}
        store.update(saved)
        store.save(tmp_path / "snapshot")
        store.clear()
        store[self.keys[0]] = self.values[1]
        store[self.keys[-1]] = self.values[-1]
        store.load(tmp_path / "snapshot")
        assert dict(store.items()) == saved

    def test_threads(self, store: Store[Any, Any]) -> None:
        """Of many threads that add one key at once, one wins; none raises."""
        contenders, rounds = 4, 10
        won: list[list[int]] = [[] for _ in range(rounds)]
        together = threading.Barrier(contenders)

        def contend(number: int) -> None:
            for winners in won:
                together.wait(60)
                if store.add(self.keys[0], self.values[number]):
                    winners.append(number)
                together.wait(60)
                if number == 0:
                    last.append(store.pop(self.keys[0]))
                together.wait(60)

        last: list[Any] = []
        threads = [threading.Thread(target=contend, args=(number,)) for number in range(contenders)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [len(winners) for winners in won] == [1] * rounds
        assert last == [self.values[winners[0]] for winners in won]

    def test_repr_reads_nothing_and_names_the_class(self, store: Store[Any, Any]) -> None:
        """The repr is an expression, without data."""
        store[self.keys[0]] = self.values[0]
        assert repr(store).startswith(type(store).__name__ + "(")
        telling = max(self.values, key=lambda value: len(repr(value)))
        store[self.keys[0]] = telling
        assert repr(telling) not in repr(store)

    def test_pickles(self, store: Store[Any, Any]) -> None:
        """A pickled store is the same store."""
        store[self.keys[0]] = self.values[0]
        store.flush()
        copy = pickle.loads(pickle.dumps(store))
        try:
            assert copy.get(self.keys[0], MISSING) == self.values[0]
        finally:
            copy.close()

    def test_overrides_agree_with_the_derived_forms(self, store: Store[Any, Any]) -> None:
        """A verb that the store defines itself is only faster, never different."""
        store.update(self.pairs)
        derived = {verb: getattr(Store, verb) for verb in VERBS}
        keys = [*self.keys, self.keys[0]]
        everything = compile_query()
        assert store.count() == derived["count"](store)
        assert store.get_many(keys, MISSING) == derived["get_many"](store, keys, MISSING)
        assert dict(store.entries()) == dict(derived["entries"](store))
        assert dict(store.select(everything)) == dict(derived["select"](store, everything))
        assert [store.has(key) for key in keys] == [derived["has"](store, key) for key in keys]

    def test_a_search_narrows_and_never_loses(self, store: Store[Any, Any]) -> None:
        """Every pattern and condition finds what it finds in a dict of the same pairs."""
        store.update(self.pairs)
        for pattern in (prefix("a"), glob("a*"), regex("a/"), like("%b"), glob("*"), prefix("no such key")):
            query = compile_query(pattern=pattern)
            assert sorted(store.keys(pattern)) == sorted(key for key in self.keys if query.matches_key(key))
        for value in self.values:
            found = dict(store.items(eq(value)))
            assert found == {key: other for key, other in self.pairs.items() if python_equal(other, value)}

    def test_empty_batches_do_nothing(self, store: Store[Any, Any]) -> None:
        """A batch of nothing is no error and changes nothing."""
        store[self.keys[0]] = self.values[0]
        store.update({})
        store.update([])
        assert store.get_many([]) == []
        assert store.delete_many([]) == 0
        assert dict(store.items()) == {self.keys[0]: self.values[0]}

    def test_wrong_arguments_are_refused(self, store: Store[Any, Any]) -> None:
        """A limit below zero, values(None), items(None) and a str for keys are errors, as is a pair that is none."""
        store[self.keys[0]] = self.values[0]
        untyped: Any = store  # type checkers would refuse these too
        attempts: tuple[Any, ...] = (
            lambda: untyped.keys(limit=-1),
            lambda: untyped.values(None),
            lambda: untyped.items(None),
            lambda: untyped.values(keys="abc"),
            lambda: untyped.update([(self.keys[1],)]),
            lambda: untyped.split(0),
        )
        for attempt in attempts:
            with pytest.raises((TypeError, ValueError)):
                attempt()
        assert dict(store.items()) == {self.keys[0]: self.values[0]}

    def test_it_says_what_it_promises(self, store: Store[Any, Any]) -> None:
        """Guarantees are sentences, and every verb has an answer to whether it is native."""
        assert all(sentence for _, sentence in store.guarantees.rows())
        assert {verb for verb in VERBS if store.native(verb)} <= store.capabilities


def refuses_every_write(store: Store[Any, Any], pairs: Mapping[Any, Any]) -> None:
    """Assert that every write to a frozen store raises `ReadOnlyError`, whatever its arguments.

    Parameters
    ----------
    store : Store
        A store that only reads.
    pairs : mapping
        What it holds.
    """
    key = next(iter(pairs))
    attempts: tuple[Any, ...] = (
        lambda: store.set(key, pairs[key]),
        lambda: store.delete(key),
        lambda: store.set_many({}.items()),
        lambda: store.update({}),
        lambda: store.pop("no such key", None),
        lambda: store.setdefault(key),
        lambda: store.clear(),
        lambda: store.popitem(),
        lambda: store.load("nowhere"),
        lambda: store.add(key, pairs[key]),
        lambda: store.replace(key, pairs[key], pairs[key]),
        lambda: store.__ior__({}),
    )
    for attempt in attempts:
        with pytest.raises(ReadOnlyError):
            attempt()
    assert dict(store.items()) == dict(pairs)
