"""The part of the contract that small contents cannot show: pages, generators, and memories that go stale."""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from spoonbill.common.sentinels import MISSING
from spoonbill.query import compile_query, prefix
from spoonbill.store import Store
from spoonbill.testing.samples import Samples


class ScaleRules(Samples):
    """More entries than one page of an engine, batches from generators, and each read after each write."""

    def test_no_page_is_cut(self, store: Store[Any, Any]) -> None:
        """Of more entries than an engine's page, every verb writes, reads, lists, finds and removes all."""
        pairs = self.plenty
        store.set_many(pair for pair in pairs.items())
        assert Counter(store.iter()) == Counter(list(pairs))
        assert store.count() == len(pairs)
        assert dict(store.entries()) == pairs
        assert dict(store.select(compile_query())) == pairs
        assert Counter(key for key, _ in store.select(compile_query(keys_only=True))) == Counter(list(pairs))
        assert Counter(store.keys(prefix("entry-"))) == Counter(list(pairs))
        assert store.get_many(key for key in pairs) == list(pairs.values())
        gone = set(list(pairs)[20:])
        assert store.delete_many(key for key in pairs if key in gone) == len(gone)
        assert store.get_many(pairs, MISSING) == [MISSING if key in gone else pairs[key] for key in pairs]
        store.replace_all(pair for pair in pairs.items())
        assert dict(store.items()) == pairs
        store.clear()
        assert list(store.iter()) == []
        assert store.get_many(pairs, MISSING) == [MISSING] * len(pairs)

    def test_batches_take_any_iterable(self, store: Store[Any, Any]) -> None:
        """A batch may come from a generator, which is read once and in order."""
        pairs = self.pairs
        store.set_many((key, value) for key, value in pairs.items())
        assert store.get_many((key for key in self.keys), MISSING) == list(self.values)
        assert list(store.values(keys=iter(self.keys))) == list(self.values)
        assert store.delete_many(key for key in self.keys[:2]) == 2
        store.update((key, value) for key, value in pairs.items())
        assert dict(store.items()) == pairs
        store.replace_all((key, pairs[key]) for key in self.keys[1:])
        assert dict(store.items()) == {key: pairs[key] for key in self.keys[1:]}

    def test_a_loop_that_writes_lists_every_key_once(self, store: Store[Any, Any]) -> None:
        """A loop over more than a page that sets its keys, and adds others, lists each key that stays exactly once."""
        pairs = dict(islice(self.plenty.items(), 250))
        for listing in (store.iter, lambda: (key for key, _ in store.entries())):
            store.replace_all(pairs.items())
            listed = []
            for key in islice(listing(), 2 * len(pairs)):  # a listing that never ends is cut, and red
                listed.append(key)
                if len(listed) % 5 == 1:
                    store.set_many([(key, self.values[0]), (f"new-{len(listed)}", self.values[1])])
            assert set(Counter(listed).values()) == {1}
            assert pairs.keys() <= set(listed)

    def test_every_read_sees_every_write(self, store: Store[Any, Any]) -> None:
        """After each write every read gives what a dict gives, though the same reads were answered before."""
        model: dict[Any, Any] = {}
        self._agrees(store, model)
        for write, change in self._writes():
            write(store)
            change(model)
            self._agrees(store, model)

    def _agrees(self, store: Store[Any, Any], model: dict[Any, Any]) -> None:
        """Assert that all reads give what the model holds, twice: the second time a memory may answer."""
        expected = [model.get(key, MISSING) for key in self.keys]
        for _ in range(2):
            assert [store.get(key, MISSING) for key in self.keys] == expected
            assert store.get_many(self.keys, MISSING) == expected
            assert [store.has(key) for key in self.keys] == [key in model for key in self.keys]
            assert Counter(store.iter()) == Counter(list(model))
            assert store.count() == len(model)
            assert dict(store.entries()) == model
            assert dict(store.items()) == model

    def _writes(self) -> Iterator[tuple[Callable[[Store[Any, Any]], Any], Callable[[dict[Any, Any]], Any]]]:
        """Yield every write with what it does to a dict; each follows one that left something to forget."""
        (a, b, *_), (one, two, three, *_) = self.keys, self.values
        fill = dict.fromkeys(self.keys, one)

        def only_two(model: dict[Any, Any]) -> None:
            model.clear()
            model[a] = two

        yield lambda store: store.set(a, one), lambda model: model.update({a: one})
        yield lambda store: store.set(a, two), lambda model: model.update({a: two})
        yield lambda store: store.set_many([(a, three), (b, one)]), lambda model: model.update({a: three, b: one})
        yield lambda store: store.update({a: one, b: two}), lambda model: model.update({a: one, b: two})
        yield lambda store: store.replace(a, one, three), lambda model: model.update({a: three})
        yield lambda store: store.pop(a), lambda model: model.pop(a)
        yield lambda store: store.add(a, two), lambda model: model.update({a: two})
        yield lambda store: store.discard(a, two), lambda model: model.pop(a)
        yield lambda store: store.setdefault(a, one), lambda model: model.update({a: one})
        yield lambda store: store.delete(a), lambda model: model.pop(a)
        yield lambda store: store.popitem(), lambda model: model.popitem()
        yield lambda store: store.update(fill), lambda model: model.update(fill)
        yield lambda store: store.delete_many([a, b]), lambda model: (model.pop(a), model.pop(b))
        yield lambda store: store.clear(), lambda model: model.clear()
        yield lambda store: store.set_many(fill.items()), lambda model: model.update(fill)
        yield lambda store: store.replace_all([(a, two)]), only_two
